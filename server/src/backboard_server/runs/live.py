"""Runs under way in this process: each is a task of its own, so a client that goes away stops nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterable
from uuid import UUID

from msgspec.structs import replace

from backboard_server.domain.errors import Unavailable
from backboard_server.domain.events import ContentStreaming, Event, LastEvent, ReasoningStreaming

from .log import Numbered, RunLog, StopReason

_log = logging.getLogger(__name__)

RUNS_MAX = 2_000  # per process, at about 30 kB each
PENDING_EVENTS_MAX = 512  # for one reader; past it, pieces of text are joined
PENDING_THOUGHTS_MAX = 16  # far fewer, as each piece of reasoning carries all that came before it
_JOINED_CHARACTERS_MAX = 4_096


class LiveReader:
    """What one client has not read yet of a run of this process."""

    def __init__(self, run: LiveRun) -> None:
        """Begin with nothing; `run` tells it what happens."""
        self._run = run
        self._pending: list[Numbered] = []
        self._waiter: asyncio.Future[None] | None = None
        self._is_closed = False

    async def next_events(self, wait_seconds: float) -> list[Numbered] | None:
        """Return all events that have happened since the last call, waiting for the first.

        An empty list means that nothing happened for `wait_seconds`; None that there is nothing more to come.
        """
        if not self._pending and not self._run.is_over and not self._is_closed:
            loop = asyncio.get_running_loop()
            waiter = self._waiter = loop.create_future()
            timer = loop.call_later(wait_seconds, _wake, waiter)
            try:
                await waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self._is_closed or (not self._pending and self._run.is_over):
            return None
        taken, self._pending = self._pending, []
        return taken

    async def aclose(self) -> None:
        """Read no more; the run goes on, unless it was to end with its last reader."""
        self._is_closed = True
        self._run.forget(self)
        self.wake()

    def keep(self, numbered: Numbered) -> None:
        """Keep an event. One who does not read costs the text, not an event for each token."""
        is_thought = isinstance(numbered.event, ReasoningStreaming)
        if len(self._pending) >= (PENDING_THOUGHTS_MAX if is_thought else PENDING_EVENTS_MAX):
            joined = _joined(self._pending[-1].event, numbered.event)
            if joined is not None:
                self._pending[-1] = Numbered(numbered.sequence, joined)
                return
        self._pending.append(numbered)

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._waiter is not None:
            _wake(self._waiter)


class LiveRun:
    """One run and what it has to say to those who read it."""

    def __init__(
        self,
        events: AsyncGenerator[Event],
        log: RunLog,
        *,
        has_reader: bool = False,
        ends_with_reader: bool = False,
    ) -> None:
        """Start the run at once. With `ends_with_reader` it is cancelled when its last reader goes away."""
        self.log = log
        self._ends_with_reader = ends_with_reader
        self._last: Event | None = None
        self._readers: list[LiveReader] = []
        self.reader = self.read() if has_reader else None
        self.task = asyncio.create_task(self._pump(events))

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.task.done()

    def read(self) -> LiveReader:
        """Return a reader of everything that happens from now on."""
        reader = LiveReader(self)
        self._readers.append(reader)
        return reader

    def forget(self, reader: LiveReader) -> None:
        """Keep nothing more for a reader, which has gone."""
        if reader in self._readers:
            self._readers.remove(reader)
            if self._ends_with_reader and not self._readers and not self.is_over:
                self.stop("cancelled")

    def stop(self, reason: StopReason) -> None:
        """Let the run end soon, for a reason that its conductor acts by; the first one counts."""
        if self.log.stop_reason is None and not self.is_over:
            self.log.stop_reason = reason
            self.task.cancel()

    async def last_event(self) -> LastEvent:
        """Wait for the end. Raises what the run failed with. The run goes on if the waiting is cancelled."""
        try:
            await asyncio.shield(self.task)
        except asyncio.CancelledError:
            if not self.task.cancelled():
                raise  # it is the waiting that was cancelled
            raise Unavailable(
                "The server was stopped while the model was answering.", code="server_stopped"
            ) from None
        assert isinstance(self._last, LastEvent)  # noqa: S101 - the conductor ends with one or raises
        return self._last

    async def _pump(self, events: AsyncGenerator[Event]) -> None:
        try:
            async for event in events:
                self._last = event
                numbered = self.log.add(event)
                for reader in self._readers:
                    reader.keep(numbered)
                    reader.wake()
        finally:
            await events.aclose()
            # Once the task is done, which it is not yet: what is pending then is read to its end.
            asyncio.get_running_loop().call_soon(self._wake_all)

    def _wake_all(self) -> None:
        for reader in self._readers:
            reader.wake()


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
        self._by_id: dict[UUID, LiveRun] = {}
        self._on_end: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._tasks)

    def start(self, run: LiveRun, run_id: UUID | None = None) -> LiveRun:
        """Own a run; by its id it is found until it is over."""
        self._tasks.add(run.task)
        run.task.add_done_callback(self._forget)
        if run_id is not None:
            self._by_id[run_id] = run
            run.task.add_done_callback(lambda _: self._close(run_id, run))
        return run

    def find(self, run_id: UUID) -> LiveRun | None:
        """Return a run that is under way in this process."""
        return self._by_id.get(run_id)

    def under_way(self) -> Iterable[tuple[UUID, LiveRun]]:
        """Return the runs that have an id, with it."""
        return self._by_id.items()

    def when_one_ends(self, call: Callable[[], None]) -> None:
        """Have `call` made whenever a run of this process is over."""
        self._on_end.append(call)

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

    def _close(self, run_id: UUID, run: LiveRun) -> None:
        """Find a run no more that is over, unless it has been continued by now."""
        if self._by_id.get(run_id) is run:
            del self._by_id[run_id]

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # seen: the conductor has logged it, and told the client
        for call in self._on_end:
            call()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
