"""Following a run by its log: what happened after a number, and what happens, from any process and exact."""

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
        self._is_over = False

    async def next_events(self, wait_seconds: float) -> list[Numbered] | None:
        """Return what has come since the last call, waiting for the first of it.

        An empty list means that nothing came for `wait_seconds`; None that all was read of a run that is
        over, or waits for the application.
        """
        while not self._is_over:
            try:
                state = await self._journal.next_state(
                    self._tenant_id, self._run.id, self._view.through, wait_seconds
                )
            except TimeoutError:
                return []
            if state is None:
                return None  # the thread was deleted
            if found := await self._take(state):
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
        """Read no more; nothing is held."""

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
        if self._is_one_answer:
            ends = [place for place, (_, event) in enumerate(found) if isinstance(event, LastEvent)]
            if ends:
                self._is_over = True
                return found[: ends[0] + 1]
        return found


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
