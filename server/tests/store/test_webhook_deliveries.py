"""Deliveries in the database: announced with what they tell of, tried in order, replayed, and forgotten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from backboard_server.domain.errors import Conflict, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.webhooks import Delivery, DeliveryAttempt, DueDelivery, Verdict, WebhookSetup
from backboard_server.store.database import Database
from backboard_server.store.webhook_deliveries import (
    ATTEMPTS_KEPT_MAX,
    find_due_delivery,
    list_webhook_deliveries,
    replay_delivery,
    update_tried_delivery,
)
from backboard_server.store.webhooks import delete_webhook, insert_webhook
from tenants import Tenant

REFUSED = DeliveryAttempt(status=500, error=None, answer="No.", duration_ms=7, attempted_at=datetime.now(UTC))
TAKEN = DeliveryAttempt(status=200, error=None, answer="Yes.", duration_ms=3, attempted_at=datetime.now(UTC))
AGAIN = Verdict(status="pending", wait_seconds=60)
DELIVERED = Verdict(status="delivered")


async def _webhook(database: Database, tenant: Tenant, *events: Any, is_enabled: bool = True) -> UUID:
    setup = WebhookSetup(url="https://hooks.example.com/", events=events, is_enabled=is_enabled)
    webhook = await insert_webhook(database, tenant.caller.tenant_id, new_id(), setup, b"sealed")
    return webhook.id


async def _announce(database: Database, tenant: Tenant, kind: str = "run.completed") -> None:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            "SELECT announce($1, $2, $3)", tenant.caller.tenant_id, kind, '{"run_id": "é\\"x", "n": null}'
        )


async def _deliveries(database: Database, tenant: Tenant, webhook_id: UUID) -> list[Delivery]:
    return await list_webhook_deliveries(database, tenant.caller.tenant_id, webhook_id, skip=0, limit=50)


async def _announced(database: Database, tenant: Tenant) -> DueDelivery:
    """Return the one delivery of a new webhook."""
    webhook_id = await _webhook(database, tenant)
    await _announce(database, tenant)
    (delivery,) = await _deliveries(database, tenant, webhook_id)
    return await _due(database, tenant, delivery.id, 0)


async def _due(database: Database, tenant: Tenant, delivery_id: UUID, tries: int) -> DueDelivery:
    due = await find_due_delivery(database, tenant.caller.tenant_id, delivery_id, tries)
    assert due is not None
    return due


async def _jobs(database: Database, tenant: Tenant) -> Sequence[asyncpg.Record]:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        return await connection.fetch(
            "SELECT kind, subject, payload, status, run_after - now() AS wait FROM jobs"
            " WHERE tenant_id = $1 ORDER BY created_at",
            tenant.caller.tenant_id,
        )


async def test_what_is_announced_leaves_a_delivery_and_its_job_in_the_same_transaction(
    database: Database, tenant: Tenant
) -> None:
    webhook_id = await _webhook(database, tenant)

    await _announce(database, tenant)

    (delivery,) = await _deliveries(database, tenant, webhook_id)
    payload = json.loads(delivery.payload)
    assert (delivery.event, delivery.status, delivery.attempts) == ("run.completed", "pending", [])
    assert [*payload] == ["type", "timestamp", "data"]
    assert (payload["type"], payload["data"]) == ("run.completed", {"run_id": 'é"x', "n": None})
    told = datetime.fromisoformat(payload["timestamp"])
    assert abs(told - delivery.created_at) < timedelta(seconds=1)
    (job,) = await _jobs(database, tenant)
    assert (job["kind"], job["subject"]) == ("deliver_webhook", str(delivery.id))
    assert json.loads(job["payload"]) == {"delivery_id": str(delivery.id), "tries": 0}


async def test_only_webhooks_that_want_to_know_are_told(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    everything = await _webhook(database, tenant)
    failures = await _webhook(database, tenant, "run.failed", "run.cancelled")
    disabled = await _webhook(database, tenant, is_enabled=False)
    foreign = await _webhook(database, other_tenant)

    await _announce(database, tenant, "run.completed")
    await _announce(database, tenant, "run.failed")

    told = {
        webhook_id: [delivery.event for delivery in await _deliveries(database, tenant, webhook_id)]
        for webhook_id in (everything, failures, disabled)
    }
    assert told == {everything: ["run.failed", "run.completed"], failures: ["run.failed"], disabled: []}
    assert await _deliveries(database, other_tenant, foreign) == []


async def test_a_tenant_without_webhooks_is_told_nothing(database: Database, tenant: Tenant) -> None:
    await _announce(database, tenant)

    assert await _jobs(database, tenant) == []


async def test_what_an_announcement_is_about_goes_with_it(database: Database, tenant: Tenant) -> None:
    webhook_id = await _webhook(database, tenant)

    async def announce_and_fail() -> None:
        async with database.tenant(tenant.caller.tenant_id) as connection:
            await connection.execute("SELECT announce($1, 'run.failed', '{}')", tenant.caller.tenant_id)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await announce_and_fail()

    assert await _deliveries(database, tenant, webhook_id) == []


async def test_a_failed_attempt_is_logged_and_leaves_the_job_of_the_next(
    database: Database, tenant: Tenant
) -> None:
    due = await _announced(database, tenant)

    await update_tried_delivery(database, tenant.caller.tenant_id, due, REFUSED, AGAIN)

    (delivery,) = await _deliveries(database, tenant, due.webhook_id)
    assert (delivery.status, delivery.attempts, delivery.ended_at) == ("pending", [REFUSED], None)
    assert delivery.next_attempt_at is not None
    # The job that was announced is the one that would be running now; here nobody claimed it.
    (job,) = await _jobs(database, tenant)
    assert json.loads(job["payload"])["tries"] == 1
    assert timedelta(seconds=50) < job["wait"] < timedelta(seconds=61)
    assert (await _due(database, tenant, due.id, 1)).tries == 1


async def test_a_delivered_one_has_ended(database: Database, tenant: Tenant) -> None:
    due = await _announced(database, tenant)
    await update_tried_delivery(database, tenant.caller.tenant_id, due, REFUSED, AGAIN)
    again = await _due(database, tenant, due.id, 1)

    await update_tried_delivery(database, tenant.caller.tenant_id, again, TAKEN, DELIVERED)

    (delivery,) = await _deliveries(database, tenant, due.webhook_id)
    assert (delivery.status, delivery.attempts) == ("delivered", [REFUSED, TAKEN])
    assert delivery.ended_at is not None
    assert delivery.next_attempt_at is None
    assert await find_due_delivery(database, tenant.caller.tenant_id, due.id, 2) is None


async def test_a_job_that_comes_too_late_finds_nothing_to_do(database: Database, tenant: Tenant) -> None:
    due = await _announced(database, tenant)
    await update_tried_delivery(database, tenant.caller.tenant_id, due, REFUSED, AGAIN)

    assert await find_due_delivery(database, tenant.caller.tenant_id, due.id, 0) is None
    assert await find_due_delivery(database, tenant.caller.tenant_id, uuid4(), 0) is None


async def test_an_attempt_that_another_worker_made_as_well_is_logged_and_changes_nothing(
    database: Database, tenant: Tenant
) -> None:
    due = await _announced(database, tenant)
    await update_tried_delivery(database, tenant.caller.tenant_id, due, TAKEN, DELIVERED)

    await update_tried_delivery(database, tenant.caller.tenant_id, due, REFUSED, AGAIN)

    (delivery,) = await _deliveries(database, tenant, due.webhook_id)
    assert (delivery.status, delivery.attempts) == ("delivered", [TAKEN, REFUSED])


async def test_an_attempt_may_disable_its_webhook(database: Database, tenant: Tenant) -> None:
    due = await _announced(database, tenant)
    gone = Verdict(status="failed", disabled_reason="It is gone.")

    await update_tried_delivery(database, tenant.caller.tenant_id, due, REFUSED, gone)
    await _announce(database, tenant)

    assert [delivery.status for delivery in await _deliveries(database, tenant, due.webhook_id)] == ["failed"]
    with pytest.raises(Conflict, match="Enable it"):
        await replay_delivery(database, tenant.caller.tenant_id, due.webhook_id, due.id)


async def test_a_replay_begins_anew_at_once_and_makes_no_second_chain(
    database: Database, tenant: Tenant
) -> None:
    due = await _announced(database, tenant)
    await update_tried_delivery(database, tenant.caller.tenant_id, due, REFUSED, AGAIN)

    await replay_delivery(database, tenant.caller.tenant_id, due.webhook_id, due.id)
    await replay_delivery(database, tenant.caller.tenant_id, due.webhook_id, due.id)

    (job,) = await _jobs(database, tenant)
    assert (json.loads(job["payload"])["tries"], job["wait"] <= timedelta()) == (0, True)
    (delivery,) = await _deliveries(database, tenant, due.webhook_id)
    assert (delivery.status, delivery.attempts, delivery.ended_at) == ("pending", [REFUSED], None)
    assert (await _due(database, tenant, due.id, 0)).id == due.id


async def test_a_replay_needs_a_delivery_of_that_webhook(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    due, foreign = await _announced(database, tenant), await _announced(database, other_tenant)
    other_webhook = await _webhook(database, tenant)

    for webhook_id, delivery_id in (
        (other_webhook, due.id),
        (due.webhook_id, foreign.id),
        (foreign.webhook_id, foreign.id),
        (due.webhook_id, uuid4()),
    ):
        with pytest.raises(NotFound, match="delivery not found"):
            await replay_delivery(database, tenant.caller.tenant_id, webhook_id, delivery_id)


async def test_deliveries_are_listed_newest_first_in_pages_and_by_status(
    database: Database, tenant: Tenant
) -> None:
    first = await _announced(database, tenant)
    tenant_id, webhook_id = tenant.caller.tenant_id, first.webhook_id
    await update_tried_delivery(database, tenant_id, first, TAKEN, DELIVERED)
    await _announce(database, tenant)
    await _announce(database, tenant)

    newest, middle, oldest = await _deliveries(database, tenant, webhook_id)

    assert oldest.id == first.id
    assert newest.created_at > middle.created_at > oldest.created_at
    assert await list_webhook_deliveries(database, tenant_id, webhook_id, skip=1, limit=1) == [middle]
    pending = await list_webhook_deliveries(
        database, tenant_id, webhook_id, skip=0, limit=9, status="pending"
    )
    assert pending == [newest, middle]
    assert (
        await list_webhook_deliveries(database, tenant_id, webhook_id, skip=0, limit=9, status="failed") == []
    )


async def test_the_deliveries_of_an_unknown_webhook_are_not_an_empty_list(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    foreign = await _webhook(database, other_tenant)

    for webhook_id in (foreign, uuid4()):
        with pytest.raises(NotFound, match="Webhook not found"):
            await _deliveries(database, tenant, webhook_id)


async def test_only_the_latest_attempts_are_kept(database: Database, tenant: Tenant) -> None:
    due = await _announced(database, tenant)
    for _ in range(ATTEMPTS_KEPT_MAX + 3):
        await update_tried_delivery(database, tenant.caller.tenant_id, due, REFUSED, AGAIN)
    await update_tried_delivery(database, tenant.caller.tenant_id, due, TAKEN, AGAIN)

    (delivery,) = await _deliveries(database, tenant, due.webhook_id)
    assert delivery.attempts == [*[REFUSED] * (ATTEMPTS_KEPT_MAX - 1), TAKEN]


async def test_what_ended_long_ago_is_forgotten_when_another_ends(database: Database, tenant: Tenant) -> None:
    ended = await _announced(database, tenant)
    tenant_id, webhook_id = tenant.caller.tenant_id, ended.webhook_id
    await update_tried_delivery(database, tenant_id, ended, TAKEN, DELIVERED)
    await _announce(database, tenant)
    async with database.tenant(tenant_id) as connection:
        await connection.execute(
            "UPDATE webhook_deliveries SET created_at = created_at - INTERVAL '31 days' WHERE tenant_id = $1",
            tenant_id,
        )
    await _announce(database, tenant)
    newest, pending, _ = await _deliveries(database, tenant, webhook_id)

    await update_tried_delivery(
        database, tenant_id, await _due(database, tenant, newest.id, 0), TAKEN, DELIVERED
    )

    left = await _deliveries(database, tenant, webhook_id)
    assert [delivery.id for delivery in left] == [newest.id, pending.id]


async def test_an_attempt_of_a_delivery_that_was_deleted_leaves_nothing(
    database: Database, tenant: Tenant
) -> None:
    due = await _announced(database, tenant)
    await delete_webhook(database, tenant.caller.tenant_id, due.webhook_id)

    await update_tried_delivery(database, tenant.caller.tenant_id, due, TAKEN, AGAIN)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        query = "SELECT count(*) FROM webhook_attempts WHERE tenant_id = $1"
        assert await connection.fetchval(query, tenant.caller.tenant_id) == 0
