"""Usage in Postgres: one row for each run, in the order of time by its id.

A run has its id from when it began and is stored when it ends, a day later at the most: a range of time is a
range of the primary key that begins a day earlier, and within it what the rows themselves say.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from backboard_server.domain.ids import earliest_id
from backboard_server.domain.usage import CountedUsage, Dimension, RunUsage, UsageAnswer, UsageQuestion

from .database import Connection, Database

_RUN_MAX = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)

# What a dimension adds to each group, by the name that it has there.
_COLUMNS: dict[Dimension, dict[str, str]] = {
    "day": {"day": "(u.created_at AT TIME ZONE 'UTC')::date"},
    "model": {"model_provider": "u.model_provider", "model_name": "u.model_name"},
    "assistant": {"assistant_id": "u.assistant_id"},
    "thread": {"thread_id": "u.thread_id"},
    "key": {"key_id": "u.key_id"},
}
_COUNTS = {
    "runs": "1",
    "input_tokens": "u.input_tokens",
    "output_tokens": "u.output_tokens",
    "total_tokens": "u.input_tokens + u.output_tokens",
    "cached_input_tokens": "u.cached_input_tokens",
    "cache_write_input_tokens": "u.cache_write_input_tokens",
    "reasoning_tokens": "u.reasoning_tokens",
    "unpriced_runs": "(u.cost_usd IS NULL)::integer",
}
_SUMS = ", ".join(f"sum({sql})::bigint AS {name}" for name, sql in _COUNTS.items()) + (
    ", sum(u.cost_usd) AS cost_usd"
)
_TOTALS = ", ".join(f"coalesce(sum(g.{name}), 0)::bigint AS {name}" for name in _COUNTS) + (
    ", sum(g.cost_usd) AS cost_usd"
)
_KEYS = "LEFT JOIN api_keys AS k ON k.tenant_id = $1 AND k.id = g.key_id"


async def count_usage(database: Database, tenant_id: UUID, counted: CountedUsage) -> None:
    """Count a call towards usage and budgets, once however often it is told. One round trip."""
    await database.call("SELECT count_usage($1, $2, false)", tenant_id, msgspec.json.encode(counted).decode())


async def get_usage(
    database: Database, tenant_id: UUID, question: UsageQuestion, *, skip: int, limit: int
) -> UsageAnswer:
    """Return what the tenant's runs used, added up by what the question names: a page of groups, and all."""
    async with database.tenant(tenant_id) as connection:
        answer = await connection.fetchval(
            _query(question.group_by),
            tenant_id, earliest_id(question.start - _RUN_MAX), earliest_id(question.end + _MILLISECOND),
            question.start, question.end, question.model_provider, question.model_name, skip, limit,
        )  # fmt: skip
    return msgspec.json.decode(answer, type=UsageAnswer)


async def list_recent_runs(
    database: Database, tenant_id: UUID, since: datetime, *, skip: int, limit: int
) -> tuple[list[RunUsage], int]:
    """Return a page of what the tenant's runs used since a moment, newest first, and how many there are."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            """
            SELECT created_at, model_provider, model_name, input_tokens, output_tokens, cost_usd
            FROM usage WHERE tenant_id = $1 AND id >= $2 ORDER BY id DESC OFFSET $3 LIMIT $4
            """,
            tenant_id, earliest_id(since), skip, limit,
        )  # fmt: skip
        total: int = await connection.fetchval(
            "SELECT count(*) FROM usage WHERE tenant_id = $1 AND id >= $2", tenant_id, earliest_id(since)
        )
    return [RunUsage(**dict(row.items())) for row in rows], total


async def spent_since(owner: Connection, tenant_id: UUID, key_id: UUID | None, since: datetime) -> float:
    """Return what a tenant, or one of its keys, has spent since a moment, in a transaction of the owner."""
    # Row-level security binds the owner too.
    await owner.execute("SELECT set_config('backboard.tenant_id', $1, true)", str(tenant_id))
    return await owner.fetchval(
        """
        SELECT coalesce(sum(u.cost_usd), 0) FROM usage AS u
        WHERE u.tenant_id = $1 AND u.id >= $2 AND u.created_at >= $3 AND ($4::uuid IS NULL OR u.key_id = $4)
        """,
        tenant_id, earliest_id(since - _RUN_MAX), since, key_id,
    )  # fmt: skip


def _query(group_by: Collection[Dimension]) -> str:
    """Return the question as SQL: one pass over the rows, then the page and the sums of what it gave."""
    wanted = (columns for dimension, columns in _COLUMNS.items() if dimension in group_by)
    columns = {name: sql for part in wanted for name, sql in part.items()}
    order = ["g.day DESC"] if "day" in group_by else []
    order += ["g.cost_usd DESC NULLS LAST", "g.total_tokens DESC", *(f"g.{name}" for name in columns)]
    has_keys = "key" in group_by
    return f"""
        WITH grouped AS MATERIALIZED (
            SELECT {", ".join(f"{sql} AS {name}" for name, sql in columns.items())}, {_SUMS}
            FROM usage AS u
            WHERE u.tenant_id = $1 AND u.id >= $2 AND u.id < $3 AND u.created_at >= $4 AND u.created_at < $5
              AND ($6::text IS NULL OR u.model_provider = $6) AND ($7::text IS NULL OR u.model_name = $7)
            GROUP BY {", ".join(columns.values())}
        ), page AS (
            SELECT g.* FROM grouped AS g ORDER BY {", ".join(order)} OFFSET $8 LIMIT $9
        )
        SELECT json_build_object(
            'groups', (
                SELECT coalesce(json_agg(g), '[]') FROM (
                    SELECT g.* {", k.name AS key_name" if has_keys else ""} FROM page AS g
                    {_KEYS if has_keys else ""} ORDER BY {", ".join(order)}
                ) AS g
            ),
            'groups_total', (SELECT count(*) FROM grouped),
            'total', (SELECT row_to_json(t) FROM (SELECT {_TOTALS} FROM grouped AS g) AS t)
        )
    """
