"""An answer as it is being said: typed events, then how the run ended."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, AsyncGenerator, AsyncIterator

from typing_extensions import Self

from backboard._event_reader import EventReader
from backboard.events import ContentStreaming, Event

if TYPE_CHECKING:
    import httpx


class AsyncMessageStream:
    """The events of one message. Iterate to the end, or use it as a context manager, to free its connection.

    Reading raises BackboardRunError where the run fails, BackboardTruncatedError where the stream stops
    before the run does, BackboardResponseError for what is not an event, and BackboardConnectionError.
    """

    def __init__(self, chunks: AsyncGenerator[bytes, None], response: httpx.Response) -> None:
        self._chunks = chunks
        self._response = response
        self._reader = EventReader()
        self._events = self._read()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        return await self._events.__anext__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def text(self) -> AsyncIterator[str]:
        """The answer alone, piece by piece."""
        return self._text()

    async def final(self) -> Event:
        """Read to the end and return the event that says how the run ended.

        That is RunEnded, ToolSubmitRequired, MessageSaved or RunCancelled; a run that failed raises.
        """
        async for _ in self:
            pass
        return self._reader.result()

    async def aclose(self) -> None:
        """Give the connection back, whatever has been read so far. The run itself goes on."""
        await self._events.aclose()
        await self._chunks.aclose()
        await self._response.aclose()

    async def _read(self) -> AsyncGenerator[Event, None]:
        try:
            async for chunk in self._chunks:
                for event in self._reader.feed(chunk):
                    yield event
            self._reader.result()
        finally:
            await self._chunks.aclose()
            await self._response.aclose()

    async def _text(self) -> AsyncIterator[str]:
        async for event in self:
            if isinstance(event, ContentStreaming):
                yield event.content
