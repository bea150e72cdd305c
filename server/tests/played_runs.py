"""Runs that a test plays: stored as under way, and told as it says; and the logs that are written of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from uuid import UUID

from backboard_server.domain import events
from backboard_server.domain.events import Event
from backboard_server.domain.runs import LogRow
from backboard_server.runs.journal import LEASE_SECONDS, Journal
from backboard_server.runs.live import LiveRun
from backboard_server.runs.log import LogReader, RunLog
from backboard_server.store.database import Database
from backboard_server.store.run_logs import list_rows
from backboard_server.store.turns import OpenTurn, open_turn
from log_events import IDS, WHERE, said
from tenants import Tenant
from turn_requests import opening
from waiting import wait_until

LAST = events.RunFailed(**WHERE, error="e", message="e", code="error")


class Played:
    """A run of which the test says what happens."""

    def __init__(self, tenant: Tenant, thread_id: UUID, request: OpenTurn, log: RunLog) -> None:
        assert request.run_id is not None
        self.tenant_id = tenant.caller.tenant_id
        self.thread_id = thread_id
        self.run_id = request.run_id
        self._lines: asyncio.Queue[Event | None] = asyncio.Queue()
        self.live = LiveRun(self._events(), log)

    async def say(self, *texts: str) -> None:
        """Say something, and return once it has its number."""
        through = self.live.log.sequence + len(texts)
        for text in texts:
            self._lines.put_nowait(said(text))

        async def is_numbered() -> bool:
            return self.live.log.sequence == through

        await wait_until(is_numbered)

    async def end(self) -> None:
        """End, without a word to the database."""
        self._lines.put_nowait(LAST)
        self._lines.put_nowait(None)
        await self.live.last_event()

    async def _events(self) -> AsyncGenerator[Event]:
        while (line := await self._lines.get()) is not None:
            yield line


async def played(database: Database, tenant: Tenant) -> Played:
    """Return a run that is stored, and says nothing yet."""
    request = opening(lease_seconds=LEASE_SECONDS)
    turn = await open_turn(database, tenant.caller.tenant_id, request)
    assert turn.thread_id is not None
    return Played(tenant, turn.thread_id, request, RunLog())


def begin(journal: Journal, *runs: Played) -> None:
    """Have a journal keep these runs."""
    for run in runs:
        journal.start(run.live, tenant_id=run.tenant_id, run_id=run.run_id, epoch=1)


async def end_as_cancelled(database: Database, run: Played) -> None:
    """End a run as another process would."""
    async with database.tenant(run.tenant_id) as connection:
        await connection.execute("UPDATE runs SET status = 'CANCELLED' WHERE id = $1", run.run_id)


def texts_of(rows: list[LogRow]) -> list[str]:
    """Return what was said, of a log that is whole."""
    reader = LogReader(IDS)
    told = [event for row in rows for event in reader.read(row)]
    assert [sequence for sequence, _ in told] == list(range(1, len(told) + 1))
    return [event.content for _, event in told if isinstance(event, events.ContentStreaming)]


async def rows_of(database: Database, run: Played) -> list[LogRow]:
    """Return the log of a run."""
    return await list_rows(database, run.tenant_id, run.run_id, after=0)


async def wait_for_texts(database: Database, run: Played, *texts: str) -> None:
    """Wait until the log of a run says this, and nothing else."""

    async def are_written() -> bool:
        return texts_of(await rows_of(database, run)) == list(texts)

    await wait_until(are_written)


async def some_time(database: Database) -> None:
    """Let as much time pass as a number of exchanges take that the journal has no part in."""
    for _ in range(20):
        await database.call("SELECT 1")
