# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""An answer as it is being said: typed events, then how the run ended."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Generator, Iterator

from typing_extensions import Self

from backboard._event_reader import EventReader
from backboard.events import ContentStreaming, Event

if TYPE_CHECKING:
    import httpx


class MessageStream:
    """The events of one message. Iterate to the end, or use it as a context manager, to free its connection.

    Reading raises BackboardRunError where the run fails, BackboardTruncatedError where the stream stops
    before the run does, BackboardResponseError for what is not an event, and BackboardConnectionError.
    """

    def __init__(self, chunks: Generator[bytes, None, None], response: httpx.Response) -> None:
        self._chunks = chunks
        self._response = response
        self._reader = EventReader()
        self._events = self._read()

    def __iter__(self) -> Iterator[Event]:
        return self

    def __next__(self) -> Event:
        return self._events.__next__()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def text(self) -> Iterator[str]:
        """The answer alone, piece by piece."""
        return self._text()

    def final(self) -> Event:
        """Read to the end and return the event that says how the run ended.

        That is RunEnded, ToolSubmitRequired, MessageSaved or RunCancelled; a run that failed raises.
        """
        for _ in self:
            pass
        return self._reader.result()

    def close(self) -> None:
        """Give the connection back, whatever has been read so far. The run itself goes on."""
        self._events.close()
        self._chunks.close()
        self._response.close()

    def _read(self) -> Generator[Event, None, None]:
        try:
            for chunk in self._chunks:
                for event in self._reader.feed(chunk):
                    yield event
            self._reader.result()
        finally:
            self._chunks.close()
            self._response.close()

    def _text(self) -> Iterator[str]:
        for event in self:
            if isinstance(event, ContentStreaming):
                yield event.content
