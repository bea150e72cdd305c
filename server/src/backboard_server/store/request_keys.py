"""Idempotency keys in Postgres: a request that comes twice with the same key is one request."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec

from backboard_server.domain.messages import RequestKey

from .database import Database
from .turns import Repeated


async def claim_key(database: Database, tenant_id: UUID, key: RequestKey, made_id: UUID) -> Repeated | None:
    """Claim a key for a request that makes the thing of this id; or return what the first request made.

    One round trip. Raises Conflict (idempotency_key_reused) where that was another request.
    """
    rows = await database.call(
        "SELECT claim_key($1, $2, $3, $4, NULL)", tenant_id, key.key, key.fingerprint, made_id
    )
    return None if rows[0][0] is None else msgspec.json.decode(rows[0][0], type=Repeated)


async def update_answer(
    database: Database, tenant_id: UUID, key: RequestKey, status: int, answer: str
) -> None:
    """Keep the answer to a request, for those that come again."""
    async with database.tenant(tenant_id) as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET status = $3, answer = $4 WHERE tenant_id = $1 AND key = $2",
            tenant_id, key.key, status, answer,
        )  # fmt: skip


async def release_key(database: Database, tenant_id: UUID, key: RequestKey) -> None:
    """Give a key free again whose request was refused and made nothing."""
    async with database.tenant(tenant_id) as connection:
        await connection.execute(
            "DELETE FROM idempotency_keys WHERE tenant_id = $1 AND key = $2 AND answer IS NULL",
            tenant_id, key.key,
        )  # fmt: skip


async def purge_expired(database: Database, *, log_hours: float, limit: int) -> int:
    """Delete keys of a day ago, and logs of runs that ended longer ago than that. Return how many rows."""
    rows = await database.call("SELECT purge_expired($1, $2)", timedelta(hours=log_hours), limit)
    return rows[0][0]
