"""Server-sent events: bytes as they arrive → messages, however the bytes were split on their way.

The rules are those of the HTML standard, section 9.2.6: lines end with LF, CR or CRLF, an empty line ends a
message, `data` lines join with LF, a colon opens a comment, and what the end cuts off is dropped.
"""

from __future__ import annotations

from typing import Iterator, NamedTuple

from .exceptions import BackboardResponseError

MESSAGE_BYTES_MAX = 64 * 1024 * 1024  # a long answer is 1 MB, a minute of speech in base64 is 10 MB
_BOM = b"\xef\xbb\xbf"


class ServerSentMessage(NamedTuple):
    """The data of one message, and the last id that the stream has named."""

    data: bytes
    id: str | None


class Decoder:
    """Turns chunks into messages; keeps what is not complete yet."""

    def __init__(self) -> None:
        self._line: list[bytes] = []
        self._data: list[bytes] = []
        self._bytes_held = 0
        self._id: str | None = None
        self._is_first_line = True
        self._ended_with_cr = False

    def feed(self, chunk: bytes) -> Iterator[ServerSentMessage]:
        """Yield the messages that `chunk` completes. Raises BackboardResponseError for one without end."""
        if self._ended_with_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._ended_with_cr = False
        if not chunk:
            return
        self._ended_with_cr = chunk.endswith(b"\r")
        for line in chunk.splitlines(keepends=True):
            text = line.rstrip(b"\r\n")
            self._hold(text)
            if len(text) < len(line):
                yield from self._end_line()

    def _end_line(self) -> Iterator[ServerSentMessage]:
        line = b"".join(self._line)
        self._line.clear()
        if self._is_first_line:
            self._is_first_line = False
            line = line[len(_BOM) :] if line.startswith(_BOM) else line
        if line:
            self._take_field(line)
        elif self._data:
            data = b"\n".join(self._data)
            self._data.clear()
            yield ServerSentMessage(data, self._id)
        if not self._data:
            self._bytes_held = 0

    def _take_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if name == b"data":
            self._data.append(value)
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")

    def _hold(self, text: bytes) -> None:
        self._bytes_held += len(text)
        if self._bytes_held > MESSAGE_BYTES_MAX:
            raise BackboardResponseError(f"An event of the stream exceeds {MESSAGE_BYTES_MAX} bytes.")
        self._line.append(text)
