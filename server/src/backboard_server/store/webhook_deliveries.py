"""Deliveries to webhooks in Postgres: what is on its way, and the log of the attempts."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec

from backboard_server.domain.errors import Conflict, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.webhooks import Delivery, DeliveryAttempt, DeliveryStatus, DueDelivery, Verdict

from .database import Connection, Database
from .rows import decoded
from .webhooks import NOT_FOUND

ATTEMPTS_KEPT_MAX = 20  # of a delivery: the latest
KEPT_FOR = timedelta(days=30)


async def list_webhook_deliveries(
    database: Database,
    tenant_id: UUID,
    webhook_id: UUID,
    *,
    skip: int,
    limit: int,
    status: DeliveryStatus | None = None,
) -> list[Delivery]:
    """Return a page of a webhook's deliveries, newest first. Raises NotFound for the webhook."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            """
            SELECT d.id, d.webhook_id, d.event, d.payload, d.status, d.next_attempt_at, d.created_at,
                   d.ended_at, (
                SELECT json_agg(json_build_object(
                    'status', a.status, 'error', a.error, 'answer', a.answer, 'duration_ms', a.duration_ms,
                    'attempted_at', a.attempted_at
                ) ORDER BY a.number)
                FROM webhook_attempts AS a WHERE a.tenant_id = $1 AND a.delivery_id = d.id
            ) AS attempts
            FROM webhook_deliveries AS d
            WHERE d.tenant_id = $1 AND d.webhook_id = $2 AND ($3::text IS NULL OR d.status = $3)
            ORDER BY d.created_at DESC, d.id DESC OFFSET $4 LIMIT $5
            """,
            tenant_id, webhook_id, status, skip, limit,
        )  # fmt: skip
        if not rows and not await connection.fetchval(
            "SELECT EXISTS (SELECT FROM webhooks WHERE tenant_id = $1 AND id = $2)", tenant_id, webhook_id
        ):
            raise NotFound(NOT_FOUND)
    return [_delivery(row) for row in rows]


async def find_due_delivery(
    database: Database, tenant_id: UUID, delivery_id: UUID, tries: int
) -> DueDelivery | None:
    """Return what an attempt takes, or None if the delivery has ended, is gone, or has been tried since."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            """
            SELECT d.id, d.webhook_id, d.payload, d.tries, w.url, w.sealed_secret, w.is_enabled
            FROM webhook_deliveries AS d
            JOIN webhooks AS w ON w.tenant_id = $1 AND w.id = d.webhook_id
            WHERE d.tenant_id = $1 AND d.id = $2 AND d.tries = $3 AND d.status = 'pending'
            """,
            tenant_id, delivery_id, tries,
        )  # fmt: skip
    return DueDelivery(**dict(row.items())) if row else None


async def update_tried_delivery(
    database: Database, tenant_id: UUID, due: DueDelivery, attempt: DeliveryAttempt, verdict: Verdict
) -> None:
    """Log an attempt and do what follows from it, all at once: the status, the job of the next, the webhook.

    A delivery that was replayed meanwhile, or tried by another worker, gets the entry in its log and no more.
    """
    async with database.tenant(tenant_id) as connection:
        tries: int | None = await connection.fetchval(
            "SELECT tries FROM webhook_deliveries WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            tenant_id, due.id,
        )  # fmt: skip
        if tries is None:
            return
        await _log_attempt(connection, tenant_id, due.id, attempt)
        if tries != due.tries:
            return
        is_pending = verdict.status == "pending"
        wait = timedelta(seconds=verdict.wait_seconds)
        await connection.execute(
            """
            UPDATE webhook_deliveries
            SET status = $3, tries = tries + 1, next_attempt_at = CASE WHEN $4 THEN now() + $5::interval END,
                ended_at = CASE WHEN $4 THEN NULL ELSE now() END
            WHERE tenant_id = $1 AND id = $2
            """,
            tenant_id, due.id, verdict.status, is_pending, wait,
        )  # fmt: skip
        if is_pending:
            await _enqueue(connection, tenant_id, due.id, due.tries + 1, wait)
        else:
            await _forget_old(connection, tenant_id, due.webhook_id)
        if verdict.disabled_reason:
            await connection.execute(
                """
                UPDATE webhooks SET is_enabled = false, disabled_reason = $3, updated_at = now()
                WHERE tenant_id = $1 AND id = $2
                """,
                tenant_id, due.webhook_id, verdict.disabled_reason,
            )  # fmt: skip


async def replay_delivery(database: Database, tenant_id: UUID, webhook_id: UUID, delivery_id: UUID) -> None:
    """Let a delivery begin anew, at once. Raises NotFound, and Conflict where the webhook is disabled."""
    async with database.tenant(tenant_id) as connection:
        is_enabled: bool | None = await connection.fetchval(
            """
            UPDATE webhook_deliveries AS d
            SET status = 'pending', tries = 0, next_attempt_at = now(), ended_at = NULL
            FROM webhooks AS w
            WHERE d.tenant_id = $1 AND d.webhook_id = $2 AND d.id = $3 AND w.tenant_id = $1 AND w.id = $2
            RETURNING w.is_enabled
            """,
            tenant_id, webhook_id, delivery_id,
        )  # fmt: skip
        if is_enabled is None:
            raise NotFound("Webhook delivery not found")
        if not is_enabled:
            raise Conflict("This webhook is disabled. Enable it before you replay what it missed.")
        await _enqueue(connection, tenant_id, delivery_id, 0, timedelta())


async def _enqueue(
    connection: Connection, tenant_id: UUID, delivery_id: UUID, tries: int, wait: timedelta
) -> None:
    """Leave the job of the next attempt in the place of one that waits already."""
    payload = msgspec.json.encode({"delivery_id": delivery_id, "tries": tries}).decode()
    await connection.execute(
        """
        INSERT INTO jobs (tenant_id, id, kind, subject, payload, run_after)
        VALUES ($1, $2, 'deliver_webhook', $3, $4, now() + $5)
        ON CONFLICT (tenant_id, kind, subject) WHERE status = 'queued'
        DO UPDATE SET payload = excluded.payload, run_after = excluded.run_after, attempts = 0
        """,
        tenant_id, new_id(), str(delivery_id), payload, wait,
    )  # fmt: skip


async def _log_attempt(
    connection: Connection, tenant_id: UUID, delivery_id: UUID, attempt: DeliveryAttempt
) -> None:
    number: int = await connection.fetchval(
        """
        INSERT INTO webhook_attempts (
            tenant_id, delivery_id, number, status, error, answer, duration_ms, attempted_at
        )
        SELECT $1, $2, 1 + coalesce(max(a.number), 0), $3, $4, $5, $6, $7
        FROM webhook_attempts AS a WHERE a.tenant_id = $1 AND a.delivery_id = $2
        RETURNING number
        """,
        tenant_id, delivery_id, attempt.status, attempt.error, attempt.answer, attempt.duration_ms,
        attempt.attempted_at,
    )  # fmt: skip
    await connection.execute(
        "DELETE FROM webhook_attempts WHERE tenant_id = $1 AND delivery_id = $2 AND number <= $3",
        tenant_id, delivery_id, number - ATTEMPTS_KEPT_MAX,
    )  # fmt: skip


async def _forget_old(connection: Connection, tenant_id: UUID, webhook_id: UUID) -> None:
    await connection.execute(
        """
        DELETE FROM webhook_deliveries
        WHERE tenant_id = $1 AND webhook_id = $2 AND created_at < now() - $3::interval AND status <> 'pending'
        """,
        tenant_id, webhook_id, KEPT_FOR,
    )  # fmt: skip


def _delivery(row: asyncpg.Record) -> Delivery:
    values = decoded(row, "attempts")
    values["attempts"] = msgspec.convert(values["attempts"] or [], list[DeliveryAttempt])
    return Delivery(**values)
