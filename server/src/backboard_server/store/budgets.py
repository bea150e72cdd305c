"""Budgets in Postgres: set by the operator, read by the tenant, counted by `routines/budgets.sql`."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

import asyncpg

from backboard_server.domain.budgets import Budget, Period, checked_limit
from backboard_server.domain.errors import NotFound
from backboard_server.domain.ids import new_id

from .database import Connection, Database
from .usage import spent_since

_COLUMNS = """
    b.id, b.key_id, b.limit_usd, spent_in_period(b) AS spent_usd, b.period,
    greatest(b.period_start, period_start(b.period)) AS period_start
"""


async def list_budgets(database: Database, tenant_id: UUID, key_id: UUID) -> list[Budget]:
    """Return the budgets that a run with this key falls under: the tenant's, then the key's own."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            f"""
            SELECT {_COLUMNS} FROM budgets AS b
            WHERE b.tenant_id = $1 AND (b.key_id IS NULL OR b.key_id = $2)
            ORDER BY b.key_id NULLS FIRST
            """,
            tenant_id, key_id,
        )  # fmt: skip
    return [_budget(row) for row in rows]


async def list_all_budgets(owner: Connection) -> list[Budget]:
    """Return the budgets of every tenant, by its name."""
    rows = await owner.fetch(
        f"""
        SELECT {_COLUMNS}, t.name AS tenant_name FROM budgets AS b JOIN tenants AS t USING (tenant_id)
        ORDER BY t.name, b.key_id NULLS FIRST
        """
    )
    return [_budget(row) for row in rows]


async def set_budget(
    owner: Connection, tenant_name: str, key_id: UUID | None, limit_usd: float, period: Period
) -> Budget:
    """Set what a tenant, or one of its keys, may spend, in the place of what was set before.

    What was spent in the present period already counts. Raises NotFound for the tenant and for the key.
    """
    limit_usd = checked_limit(limit_usd)
    async with owner.transaction():
        # Runs that end meanwhile wait here, so that each is counted once: by the sum below, or by spend().
        await owner.execute("LOCK TABLE budgets IN SHARE ROW EXCLUSIVE MODE")
        tenant_id = await _tenant(owner, tenant_name, key_id)
        starts = await owner.fetchval("SELECT period_start($1)", period)
        spent = await spent_since(owner, tenant_id, key_id, datetime.combine(starts, time(), UTC))
        row = await owner.fetchrow(
            f"""
            INSERT INTO budgets AS b (tenant_id, id, key_id, limit_usd, period, spent_usd, period_start)
            VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (coalesce(key_id, tenant_id)) DO UPDATE
            SET limit_usd = excluded.limit_usd, period = excluded.period, spent_usd = excluded.spent_usd,
                period_start = excluded.period_start, updated_at = now()
            RETURNING {_COLUMNS}
            """,
            tenant_id, new_id(), key_id, limit_usd, period, spent, starts,
        )  # fmt: skip
    return _budget(row, tenant_name=tenant_name)


async def remove_budget(owner: Connection, tenant_name: str, key_id: UUID | None) -> None:
    """Let a tenant, or one of its keys, spend without this limit. Raises NotFound."""
    tenant_id = await _tenant(owner, tenant_name, key_id)
    removed = await owner.fetchval(
        "DELETE FROM budgets AS b WHERE b.tenant_id = $1 AND b.key_id IS NOT DISTINCT FROM $2 RETURNING b.id",
        tenant_id, key_id,
    )  # fmt: skip
    if removed is None:
        raise NotFound("There is no such budget. `backboard budgets list` shows all.")


async def _tenant(owner: Connection, name: str, key_id: UUID | None) -> UUID:
    """Return a tenant's id. Raises NotFound, for a key that is not its own too."""
    tenant_id: UUID | None = await owner.fetchval("SELECT tenant_id FROM tenants WHERE name = $1", name)
    if tenant_id is None:
        raise NotFound(f'There is no tenant "{name}". `backboard keys list` shows all that have a key.')
    if key_id and not await owner.fetchval(
        "SELECT EXISTS (SELECT FROM api_keys WHERE tenant_id = $1 AND id = $2)", tenant_id, key_id
    ):
        raise NotFound(f'The tenant "{name}" has no key {key_id}. `backboard keys list` shows all.')
    return tenant_id


def _budget(row: asyncpg.Record | None, **more: Any) -> Budget:
    assert row is not None  # noqa: S101 - an INSERT that returns has a row
    return Budget(**dict(row.items()), **more)
