"""Server-sent events, from bytes to the payloads of their `data` fields (WHATWG HTML, section 9.2.6)."""

from __future__ import annotations

from ._failures import Failure

LINE_BYTES_MAX = 1024 * 1024

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class EventDecoder:
    """Cuts a byte stream into payloads; any split of the bytes gives the same ones.

    Lines end in LF, CR or CRLF. Comments and other fields are dropped; an event without its blank line never
    happened. What is kept between two calls is at most one unfinished line and one unfinished event.
    """

    def __init__(self, line_bytes_max: int = LINE_BYTES_MAX) -> None:
        """`line_bytes_max` is more for a vendor that sends pictures in its events."""
        self._line_bytes_max = line_bytes_max
        self._unfinished: list[bytes] = []
        self._unfinished_bytes = 0
        self._data: list[bytes] = []
        self._ended_in_cr = False
        self._is_first_line = True

    def feed(self, block: bytes) -> list[bytes]:
        """Return the payloads that are complete with this block.

        Raises Failure (malformed) for a line of more than `line_bytes_max`.
        """
        if self._ended_in_cr and block:
            block = block.removeprefix(b"\n")
            self._ended_in_cr = False
        end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
        if not end:
            self._keep(block)
            return []
        lines = b"".join((*self._unfinished, block[:end]))
        self._unfinished.clear()
        self._unfinished_bytes = 0
        self._keep(block[end:])
        self._ended_in_cr = block.endswith(b"\r")
        return self._payloads(lines.splitlines())

    def _keep(self, piece: bytes) -> None:
        if not piece:
            return
        self._unfinished.append(piece)
        self._unfinished_bytes += len(piece)
        if self._unfinished_bytes > self._line_bytes_max:
            raise Failure("malformed", f"a line of its stream is longer than {self._line_bytes_max:,} bytes")

    def _payloads(self, lines: list[bytes]) -> list[bytes]:
        if self._is_first_line:
            lines[0] = lines[0].removeprefix(_BYTE_ORDER_MARK)
            self._is_first_line = False
        payloads: list[bytes] = []
        data = self._data
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[6:] if line.startswith(b"data: ") else line[5:])
            elif line == b"data":
                data.append(b"")
            elif not line and data:
                payloads.append(b"\n".join(data))
                data.clear()
        return payloads
