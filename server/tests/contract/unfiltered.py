"""The server without its own filters: what is left between two tenants then is row-level security alone."""

from __future__ import annotations

import re
from typing import Any

from backboard_server.store.database import Connection, PooledConnection
from backboard_server.store.migrate import scripts

_FILTER = re.compile(r"\b(?:\w+\.)?tenant_id = (?P<tenant>\$1|_tenant)(?!\w)")


def without_filters(sql: str) -> tuple[str, int]:
    """Return the SQL with its tenant filters made true for every row, and how many there were.

    The parameter stays in use, as Postgres asks for the type of each.
    """
    return _FILTER.subn(lambda found: f"{found['tenant']}::uuid IS NOT NULL", sql)


class UnfilteredConnection(PooledConnection):
    """A connection that takes the tenant filter out of every query; it remembers what it was asked."""

    asked: set[str] = set()  # noqa: RUF012 - shared on purpose: the pool makes the connections

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        return await super().execute(self._rewritten(query), *args, **options)

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        return await super().fetch(self._rewritten(query), *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        return await super().fetchrow(self._rewritten(query), *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        return await super().fetchval(self._rewritten(query), *args, **options)

    def _rewritten(self, query: str) -> str:
        self.asked.add(query)
        return without_filters(query)[0]


async def install_unfiltered_routines(owner: Connection) -> None:
    """Replace the routines by copies without filters."""
    for script in scripts():
        if script.is_repeatable:
            await owner.execute(without_filters(script.sql)[0])
