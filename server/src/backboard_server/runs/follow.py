"""Following a run: what its log says after a number, and what happens, from any process and exactly.

In the process that has the run, what happens is seen as it does; elsewhere when it has been written.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from backboard_server.adapters import Adapters
from backboard_server.domain import events
from backboard_server.domain.errors import NotFound
from backboard_server.domain.events import LastEvent, RunIds
from backboard_server.domain.runs import OPEN_STATUSES, Run, RunLogState
from backboard_server.store.run_logs import find_said, list_rows

from .journal import Journal
from .live import LiveReader
from .log import LogReader, LogView, Numbered

_PATIENCE_SECONDS = 60.0


class Follower:
    """One reader of one run's log."""

    def __init__(
        self,
        adapters: Adapters,
        journal: Journal,
        tenant_id: UUID,
        run: Run,
        *,
        after: int = 0,
        is_one_answer: bool = False,
    ) -> None:
        """`after` is the number of what was seen last.

        With `is_one_answer` the first end of many is the end.
        """
        self._adapters = adapters
        self._journal = journal
        self._tenant_id = tenant_id
        self._run = run
        self._view = LogView(ids_of(run), after)
        self._is_one_answer = is_one_answer
        self._live: LiveReader | None = None
        self._has_told_end = False
        self._is_over = False

    async def next_events(self, wait_seconds: float) -> list[Numbered] | None:
        """Return what has come since the last call, waiting for the first of it.

        An empty list means that nothing came for `wait_seconds`; None that all was read of a run that is
        over, or waits for the application.
        """
        while not self._is_over:
            reading = self._read(wait_seconds) if self._live is None else self._see(self._live, wait_seconds)
            found = await reading
            if found is not None:
                return found
        return None

    async def last_event(self) -> LastEvent:
        """Read until the run is over, or waits for the application, and return the event that says so."""
        last: LastEvent | None = None
        while (found := await self.next_events(_PATIENCE_SECONDS)) is not None:
            ends = [event for _, event in found if isinstance(event, LastEvent)]
            last = ends[-1] if ends else last
        if last is None:
            raise NotFound("The run was deleted, and its thread with it.")
        return last

    async def aclose(self) -> None:
        """Read no more of a run of this process; of others nothing is held."""
        if self._live is not None:
            await self._live.aclose()
            self._live = None

    async def _see(self, live: LiveReader, wait_seconds: float) -> list[Numbered] | None:
        """Return what happens in the run itself, nothing after a while; None where the log is to say more."""
        seen = await live.next_events(wait_seconds)
        if seen is None:
            await self.aclose()
            self._is_over = self._has_told_end  # else another process has it, which the log will tell
            return None
        if not seen:
            return seen
        return self._up_to_the_end(self._view.show(seen)) or None

    async def _read(self, wait_seconds: float) -> list[Numbered] | None:
        """Return what more the log has, nothing after a while; None where nothing in it is to be shown."""
        try:
            state = await self._journal.next_state(
                self._tenant_id, self._run.id, self._view.through, wait_seconds
            )
        except TimeoutError:
            return []
        if state is None:
            self._is_over = True  # the thread was deleted
            return None
        return await self._take(state) or None

    async def _take(self, state: RunLogState) -> list[Numbered]:
        found: list[Numbered] = []
        for row in state.rows:
            if self._view.through == 0 and row.first_sequence > 1:
                message_id = self._run.message_id
                content, reasoning = await find_said(self._adapters.database, self._tenant_id, message_id)
                found += self._view.skip(row.first_sequence - 1, content, reasoning, str(message_id))
            found += self._view.take(row)
        if state.status not in OPEN_STATUSES and self._view.through >= state.logged_through:
            found += self._view.end()
            self._is_over = True
        else:
            found += self._begin_to_see()
        return self._up_to_the_end(found)

    def _begin_to_see(self) -> list[Numbered]:
        """Turn to the run itself, if it is of this process and nothing lies between it and what was read."""
        live = self._journal.find(self._run.id)
        if live is None or live.is_over or self._view.after > live.log.sequence:
            return []
        kept = live.log.kept_after(self._view.through)
        if kept is None:
            return []
        self._live = live.read()
        return self._view.show(kept)

    def _up_to_the_end(self, found: list[Numbered]) -> list[Numbered]:
        if found:
            self._has_told_end = isinstance(found[-1].event, LastEvent)
        ends = [place for place, (_, event) in enumerate(found) if isinstance(event, LastEvent)]
        if not (ends and self._is_one_answer):
            return found
        self._is_over = True
        return found[: ends[0] + 1]


async def find_continuing(adapters: Adapters, tenant_id: UUID, run: Run, call_ids: Collection[str]) -> int:
    """Return the number before the one with which a run went on with the outputs of these calls.

    It is 0 if that is unknown.
    """
    reader = LogReader(ids_of(run))
    found = 0
    for row in await list_rows(adapters.database, tenant_id, run.id, after=0):
        for sequence, event in reader.read(row):
            if isinstance(event, events.RunContinuing) and set(call_ids) <= set(event.tool_call_ids):
                found = sequence - 1
    return found


def ids_of(run: Run) -> RunIds:
    """Return where the events of a run belong."""
    return RunIds(str(run.thread_id), str(run.assistant_id), str(run.id))
