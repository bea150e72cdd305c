"""An answer as it is being said: typed events, then how the run ended."""

from __future__ import annotations

import asyncio
import random
from types import TracebackType
from typing import TYPE_CHECKING, AsyncGenerator, AsyncIterator

from typing_extensions import Self

from backboard._answer_text import AnswerText
from backboard.exceptions import BackboardAPIError, BackboardConnectionError

if TYPE_CHECKING:
    from backboard._event_reader import EventReader
    from backboard._options import Timeout
    from backboard._resuming import Resumption
    from backboard.events import Event

    from .transport import Connection, Transport


class AsyncMessageStream:
    """The events of one message. Iterate to the end, or use it as a context manager, to free its connection.

    A connection that breaks off, ends too early or falls silent is replaced by another, which goes on where
    it stood: no event is missing and none comes twice. Where the server could not keep what was missed, it
    sends a Resync. After five tries in a row without an event the stream gives up.

    Reading raises BackboardRunError where the run fails, BackboardTruncatedError where the stream stops
    before the run does, BackboardResponseError for what is not an event, and BackboardConnectionError.
    """

    def __init__(
        self,
        transport: Transport,
        connection: Connection,
        timeout: Timeout,
        reader: EventReader,
        resumption: Resumption,
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._timeout = timeout
        self._reader = reader
        self._resumption = resumption
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
    def thread_id(self) -> str | None:
        """The thread of the run, as soon as an event has named it."""
        return self._reader.place.thread_id

    @property
    def run_id(self) -> str | None:
        """The run that is being followed, as soon as an event has named it."""
        return self._reader.place.run_id

    @property
    def last_event_id(self) -> str | None:
        """The id of the event that was read last: `stream_run_events` goes on after it."""
        return self._reader.place.event_id

    @property
    def text(self) -> AsyncIterator[str]:
        """The answer alone, piece by piece.

        After a Resync it goes on with what the answer has more. Where the answer has come to be another one,
        what was said is taken back, and its text comes from the beginning: where that matters, read events.
        """
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
        await self._connection.aclose()

    async def _read(self) -> AsyncGenerator[Event, None]:
        try:
            while True:
                try:
                    async for chunk in self._connection.chunks:
                        for event in self._reader.feed(chunk):
                            yield event
                    self._reader.result()
                    return
                except BackboardConnectionError as failure:
                    if self._resumption.is_needless:
                        return
                    await self._resume(failure)
        finally:
            await self._connection.aclose()

    async def _resume(self, failure: BackboardAPIError) -> None:
        """Put another connection in the place of the one that failed; raise where that shall not be tried."""
        while True:
            chance = random.random()  # noqa: S311 - it spreads pauses and protects nothing
            request, pause = self._resumption.next_try(failure, chance)
            await self._connection.aclose()
            await asyncio.sleep(pause)
            try:
                self._connection = await self._transport.connect(request, self._timeout)
                self._reader.restart()
                return
            except BackboardAPIError as failure_again:
                failure = failure_again

    async def _text(self) -> AsyncIterator[str]:
        answer = AnswerText()
        async for event in self:
            piece = answer.add(event)
            if piece:
                yield piece
