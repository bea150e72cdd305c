"""What the database itself says, whatever the API shows: no log may contradict its run, or have a hole."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from backboard_server.store.database import Connection, connect_owner
from backboard_server.store.embedded import EmbeddedPostgres

LEASE_SECONDS = 10.0
TERMINAL_SECONDS_MAX = LEASE_SECONDS + 30.0
_LOOK_SECONDS = 0.2
_FLAWS_SHOWN_MAX = 5

# Each query returns what must not be, a row for each case.
_QUERIES = {
    "rows of a log overlap": """
        SELECT run_id, first_sequence FROM (
            SELECT run_id, first_sequence,
                   lag(last_sequence) OVER (PARTITION BY tenant_id, run_id ORDER BY last_sequence) AS before
            FROM run_events
        ) AS e WHERE before >= first_sequence
    """,
    "a row of a log has another length than its numbers say": """
        SELECT run_id, first_sequence, last_sequence FROM run_events
        WHERE json_array_length(events::json) <> last_sequence - first_sequence + 1
    """,
    "a log does not end where its run says": """
        SELECT r.id, r.logged_through, max(e.last_sequence) FROM runs AS r
        LEFT JOIN run_events AS e ON e.tenant_id = r.tenant_id AND e.run_id = r.id
        GROUP BY r.tenant_id, r.id, r.logged_through
        HAVING max(e.last_sequence) IS DISTINCT FROM r.logged_through
    """,
    "a log ends otherwise than its run": """
        SELECT r.id, r.status, e.events FROM runs AS r
        JOIN run_events AS e
          ON e.tenant_id = r.tenant_id AND e.run_id = r.id AND e.last_sequence = r.logged_through
        WHERE r.status NOT IN ('QUEUED', 'IN_PROGRESS') AND CASE r.status
            WHEN 'COMPLETED' THEN 'run_ended' WHEN 'FAILED' THEN 'run_failed'
            WHEN 'CANCELLED' THEN 'run_cancelled' WHEN 'REQUIRES_ACTION' THEN 'tool_submit_required'
        END IS DISTINCT FROM (e.events::json -> -1 ->> 'type')
    """,
    "the messages of a thread are not numbered one by one": """
        SELECT t.id, t.message_count, count(m.sequence), max(m.sequence), count(*) FROM threads AS t
        LEFT JOIN messages AS m ON m.tenant_id = t.tenant_id AND m.thread_id = t.id AND m.sequence IS NOT NULL
        GROUP BY t.tenant_id, t.id, t.message_count
        HAVING count(m.sequence) <> t.message_count OR coalesce(max(m.sequence), 0) <> t.message_count
            OR count(DISTINCT m.sequence) <> t.message_count
    """,
    "a message has no place although its run is not queued": """
        SELECT m.id, r.status FROM messages AS m
        LEFT JOIN runs AS r ON r.tenant_id = m.tenant_id AND r.id = m.run_id
        WHERE m.sequence IS NULL AND r.status IS DISTINCT FROM 'QUEUED'
    """,
    "a call has two results": """
        SELECT run_id, tool_call_id, count(*) FROM messages WHERE role = 'tool'
        GROUP BY tenant_id, run_id, tool_call_id HAVING count(*) > 1
    """,
    "a run that is over has not one last answer": """
        SELECT r.id, r.status, count(m.id) FROM runs AS r
        LEFT JOIN messages AS m ON m.tenant_id = r.tenant_id AND m.id = r.message_id
        WHERE r.status IN ('COMPLETED', 'FAILED', 'REQUIRES_ACTION')
        GROUP BY r.tenant_id, r.id, r.status HAVING count(m.id) <> 1
    """,
    "an answer has another status than its run": """
        SELECT r.id, r.status, m.status FROM runs AS r
        JOIN messages AS m ON m.tenant_id = r.tenant_id AND m.id = r.message_id
        WHERE r.status <> 'IN_PROGRESS' AND m.status <> r.status
    """,
    "a run that is over has a lease": """
        SELECT id, status FROM runs WHERE status NOT IN ('QUEUED', 'IN_PROGRESS') AND lease_until IS NOT NULL
    """,
    "a job is dead": "SELECT id, kind, last_error FROM jobs WHERE status = 'dead'",
}


class Audit:
    """A look into the database: as its owner, who sees all runs, and as the application, tenant by tenant."""

    def __init__(self, owner: Connection, app: Connection) -> None:
        """`audited` makes one."""
        self._owner = owner
        self._app = app

    async def rows(self, query: str, *arguments: object) -> list[dict[str, Any]]:
        """Return the rows of a query about runs, their logs or jobs, of all tenants."""
        return [dict(row.items()) for row in await self._owner.fetch(query, *arguments)]

    async def of_tenant(self, name: str, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query about anything that a tenant has."""
        (tenant,) = await self.rows("SELECT tenant_id FROM tenants WHERE name = $1", name)
        await self._app.execute(f"SET backboard.tenant_id = '{tenant['tenant_id']}'")
        return [dict(row.items()) for row in await self._app.fetch(query)]

    async def open_runs(self) -> int:
        """Return how many runs are not over, and wait for nobody outside."""
        query = "SELECT count(*) FROM runs WHERE status IN ('QUEUED', 'IN_PROGRESS')"
        return await self._owner.fetchval(query)

    async def settled_seconds(self) -> float | None:
        """Wait until every run is over, and return how long that took; None if it takes too long."""
        started = time.monotonic()
        while await self.open_runs():
            if time.monotonic() - started > TERMINAL_SECONDS_MAX:
                return None
            await asyncio.sleep(_LOOK_SECONDS)
        return time.monotonic() - started

    async def flaws(self) -> list[str]:
        """Return what must not be."""
        found: list[str] = []
        for tenant in await self.rows("SELECT tenant_id FROM tenants"):
            await self._app.execute(f"SET backboard.tenant_id = '{tenant['tenant_id']}'")
            for sentence, query in _QUERIES.items():
                rows = await self._app.fetch(query)
                found += [f"{sentence}: {_shown(row)}" for row in rows[:_FLAWS_SHOWN_MAX]]
                if len(rows) > _FLAWS_SHOWN_MAX:
                    found.append(f"{sentence}: {len(rows) - _FLAWS_SHOWN_MAX} more")
        return found


def _shown(row: asyncpg.Record) -> str:
    return ", ".join(str(value)[:200] for value in row.values())


@asynccontextmanager
async def audited(folder: Path) -> AsyncGenerator[Audit]:
    """Enter the embedded Postgres of a data folder."""
    postgres = EmbeddedPostgres(folder)
    try:
        owner = await connect_owner(postgres.connection("owner"))
        app = await connect_owner(postgres.connection("app"))
        # Row-level security hides how many rows there are: joined one by one, 10,000 threads took 100 s.
        await app.execute("SET enable_nestloop = off")
        try:
            yield Audit(owner, app)
        finally:
            await owner.close()
            await app.close()
    finally:
        postgres.stop()
