"""Runs under way in this process: each is a task of its own, so a client that goes away stops nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator

from msgspec.structs import replace

from backboard_server.domain.errors import Unavailable
from backboard_server.domain.events import ContentStreaming, Event, LastEvent, ReasoningStreaming

_log = logging.getLogger(__name__)

RUNS_MAX = 2_000  # per process, at about 30 kB each
PENDING_EVENTS_MAX = 512  # for one reader; past it, pieces of text are joined
PENDING_THOUGHTS_MAX = 16  # far fewer, as each piece of reasoning carries all that came before it
_JOINED_CHARACTERS_MAX = 4_096


class LiveRun:
    """One run and what it has to say to the one client that asked for it."""

    def __init__(self, events: AsyncGenerator[Event], *, has_reader: bool) -> None:
        """Start the run at once. Without a reader only the last event is kept."""
        self._has_reader = has_reader
        self._pending: list[Event] = []
        self._last: Event | None = None
        self._waiter: asyncio.Future[None] | None = None
        self.task = asyncio.create_task(self._pump(events))

    async def next_events(self, wait_seconds: float) -> list[Event] | None:
        """Return all events that have happened since the last call, waiting for the first.

        An empty list means that nothing happened for `wait_seconds`; None that the run is over.
        """
        if not self._pending and not self.task.done():
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = loop.call_later(wait_seconds, _wake, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
        if not self._pending and self.task.done():
            return None
        taken, self._pending = self._pending, []
        return taken

    def abandon(self) -> None:
        """Keep nothing more for the reader, which has gone. The run goes on."""
        self._has_reader = False
        self._pending = []

    async def last_event(self) -> LastEvent:
        """Wait for the end. Raises what the run failed with. The run goes on if the waiting is cancelled."""
        await asyncio.shield(self.task)
        assert isinstance(self._last, LastEvent)  # noqa: S101 - the conductor ends with one or raises
        return self._last

    async def _pump(self, events: AsyncGenerator[Event]) -> None:
        try:
            async for event in events:
                self._last = event
                if self._has_reader:
                    self._keep(event)
                    if self._waiter is not None:
                        _wake(self._waiter)
        finally:
            await events.aclose()
            if self._waiter is not None:
                _wake(self._waiter)

    def _keep(self, event: Event) -> None:
        """Keep an event for the reader. One who does not read costs the text, not an event for each token."""
        is_thought = isinstance(event, ReasoningStreaming)
        if len(self._pending) >= (PENDING_THOUGHTS_MAX if is_thought else PENDING_EVENTS_MAX):
            joined = _joined(self._pending[-1], event)
            if joined is not None:
                self._pending[-1] = joined
                return
        self._pending.append(event)


def _joined(earlier: Event, later: Event) -> Event | None:
    """Return two pieces of the same text as one, or None if they are not, or it would be a long one."""
    match earlier, later:
        case (ContentStreaming(), ContentStreaming()) | (ReasoningStreaming(), ReasoningStreaming()):
            if len(earlier.content) + len(later.content) <= _JOINED_CHARACTERS_MAX:
                return replace(later, content=earlier.content + later.content)
        case _:
            pass
    return None


class LiveRuns:
    """All runs of this process; it owns their tasks."""

    def __init__(self) -> None:
        """Begin without any."""
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, events: AsyncGenerator[Event], *, has_reader: bool) -> LiveRun:
        """Start a run."""
        run = LiveRun(events, has_reader=has_reader)
        self._tasks.add(run.task)
        run.task.add_done_callback(self._forget)
        return run

    def check_room(self) -> None:
        """Raise Unavailable when this process has as many runs as it can hold."""
        if len(self._tasks) >= RUNS_MAX:
            raise Unavailable("The server is at its limit of simultaneous runs. Try again in a few seconds.")

    async def drain(self, seconds: float) -> None:
        """Let every run end by itself, and stop those that have not after `seconds`."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            _log.warning("%d runs were stopped after %.0f s", len(late), seconds)
            await asyncio.wait(late, timeout=seconds)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: the conductor has logged it, and told the client


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
