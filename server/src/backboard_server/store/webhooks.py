"""Webhooks in Postgres: whom to tell of what; their secrets are sealed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg

from backboard_server.domain.errors import Limit, NotFound
from backboard_server.domain.webhooks import WEBHOOKS_MAX, Webhook, WebhookSetup

from .database import Database

NOT_FOUND = "Webhook not found"

_COLUMNS = "id, url, events, description, is_enabled, disabled_reason, created_at, updated_at"
_CHANGEABLE = frozenset({"url", "events", "description", "is_enabled"})


async def insert_webhook(
    database: Database, tenant_id: UUID, webhook_id: UUID, setup: WebhookSetup, sealed_secret: bytes
) -> Webhook:
    """Store a webhook and return it; one that has this id already gets the secret alone.

    Raises Limit past `WEBHOOKS_MAX`.
    """
    async with database.tenant(tenant_id) as connection:
        # One at a time: of two that are counted at once, either would find room for itself.
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"webhooks {tenant_id}"
        )
        row = await connection.fetchrow(
            f"""
            INSERT INTO webhooks (tenant_id, id, url, events, description, is_enabled, sealed_secret)
            SELECT $1, $2, $3, $4, $5, $6, $7
            WHERE (SELECT count(*) FROM webhooks WHERE tenant_id = $1 AND id <> $2) < $8
            ON CONFLICT (tenant_id, id) DO UPDATE SET sealed_secret = EXCLUDED.sealed_secret
            RETURNING {_COLUMNS}
            """,
            tenant_id, webhook_id, setup.url, list(setup.events), setup.description, setup.is_enabled,
            sealed_secret, WEBHOOKS_MAX,
        )  # fmt: skip
    if row is None:
        raise Limit(f"There are {WEBHOOKS_MAX} webhooks already, and no more are kept. Delete one first.")
    return _webhook(row)


async def list_webhooks(database: Database, tenant_id: UUID) -> list[Webhook]:
    """Return the tenant's webhooks, newest first. There are at most `WEBHOOKS_MAX`."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM webhooks WHERE tenant_id = $1 ORDER BY id DESC", tenant_id
        )
    return [_webhook(row) for row in rows]


async def get_webhook(database: Database, tenant_id: UUID, webhook_id: UUID) -> Webhook:
    """Return a webhook. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM webhooks WHERE tenant_id = $1 AND id = $2", tenant_id, webhook_id
        )
    return _found(row)


async def update_webhook(
    database: Database, tenant_id: UUID, webhook_id: UUID, changes: dict[str, Any]
) -> Webhook:
    """Change the given fields; a webhook that is enabled forgets why it was not. Raises NotFound."""
    columns = sorted(_CHANGEABLE & changes.keys())
    assignments = [f"{column} = ${number}" for number, column in enumerate(columns, 3)]
    if changes.get("is_enabled"):
        assignments.append("disabled_reason = NULL")
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"""
            UPDATE webhooks SET {", ".join([*assignments, "updated_at = now()"])}
            WHERE tenant_id = $1 AND id = $2
            RETURNING {_COLUMNS}
            """,
            tenant_id, webhook_id, *(changes[column] for column in columns),
        )  # fmt: skip
    return _found(row)


async def delete_webhook(database: Database, tenant_id: UUID, webhook_id: UUID) -> None:
    """Delete a webhook with its deliveries; those under way are not tried again. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        deleted = await connection.fetchval(
            "DELETE FROM webhooks WHERE tenant_id = $1 AND id = $2 RETURNING id", tenant_id, webhook_id
        )
    if deleted is None:
        raise NotFound(NOT_FOUND)


def _found(row: asyncpg.Record | None) -> Webhook:
    if row is None:
        raise NotFound(NOT_FOUND)
    return _webhook(row)


def _webhook(row: asyncpg.Record) -> Webhook:
    return Webhook(**dict(row.items()))
