"""Webhooks in the database: how many, whose, and what changes."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from backboard_server.domain.errors import Limit, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.webhooks import WEBHOOKS_MAX, Webhook, WebhookSetup
from backboard_server.store.database import Database
from backboard_server.store.webhooks import (
    delete_webhook,
    get_webhook,
    insert_webhook,
    list_webhooks,
    update_webhook,
)
from tenants import Tenant

SETUP = WebhookSetup(url="https://hooks.example.com/", events=("run.completed",), description="Mine")


async def _insert(database: Database, tenant: Tenant) -> Webhook:
    return await insert_webhook(database, tenant.caller.tenant_id, new_id(), SETUP, b"sealed")


async def test_a_webhook_is_kept_as_it_was_set_up(database: Database, tenant: Tenant) -> None:
    webhook = await _insert(database, tenant)

    assert (webhook.url, webhook.events, webhook.description) == (SETUP.url, ["run.completed"], "Mine")
    assert (webhook.is_enabled, webhook.disabled_reason) == (True, None)
    assert await get_webhook(database, tenant.caller.tenant_id, webhook.id) == webhook


async def test_a_webhook_that_is_made_again_gets_the_secret_alone(database: Database, tenant: Tenant) -> None:
    made = [await _insert(database, tenant) for _ in range(WEBHOOKS_MAX)]
    changed = await update_webhook(database, tenant.caller.tenant_id, made[0].id, {"description": "Changed"})

    again = await insert_webhook(database, tenant.caller.tenant_id, made[0].id, SETUP, b"sealed anew")

    assert again == changed
    async with database.tenant(tenant.caller.tenant_id) as connection:
        query = "SELECT id, sealed_secret FROM webhooks WHERE tenant_id = $1"
        secrets = {
            row["id"]: row["sealed_secret"] for row in await connection.fetch(query, tenant.caller.tenant_id)
        }
    assert secrets == {webhook.id: b"sealed" for webhook in made} | {made[0].id: b"sealed anew"}


async def test_webhooks_are_listed_newest_first_and_to_their_tenant_alone(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    first, second = await _insert(database, tenant), await _insert(database, tenant)
    foreign = await _insert(database, other_tenant)

    assert await list_webhooks(database, tenant.caller.tenant_id) == [second, first]
    with pytest.raises(NotFound):
        await get_webhook(database, tenant.caller.tenant_id, foreign.id)


async def test_a_tenant_has_so_many_webhooks_and_no_more_even_when_they_come_at_once(
    database: Database, tenant: Tenant
) -> None:
    made = await asyncio.gather(
        *(_insert(database, tenant) for _ in range(WEBHOOKS_MAX + 5)), return_exceptions=True
    )

    assert len([webhook for webhook in made if isinstance(webhook, Webhook)]) == WEBHOOKS_MAX
    assert len([error for error in made if isinstance(error, Limit)]) == 5
    assert len(await list_webhooks(database, tenant.caller.tenant_id)) == WEBHOOKS_MAX


async def test_what_is_not_changed_stays(database: Database, tenant: Tenant) -> None:
    tenant_id, webhook = tenant.caller.tenant_id, await _insert(database, tenant)

    changed = await update_webhook(
        database, tenant_id, webhook.id, {"events": [], "description": None, "is_enabled": False}
    )

    assert (changed.url, changed.events, changed.description) == (SETUP.url, [], None)
    assert changed.is_enabled is False
    assert changed.updated_at > webhook.updated_at
    assert await update_webhook(database, tenant_id, webhook.id, {}) == await get_webhook(
        database, tenant_id, webhook.id
    )


async def test_a_webhook_that_is_enabled_again_forgets_why_it_was_not(
    database: Database, tenant: Tenant
) -> None:
    tenant_id, webhook = tenant.caller.tenant_id, await _insert(database, tenant)
    async with database.tenant(tenant_id) as connection:
        await connection.execute(
            "UPDATE webhooks SET is_enabled = false, disabled_reason = 'gone' WHERE tenant_id = $1", tenant_id
        )

    renamed = await update_webhook(database, tenant_id, webhook.id, {"description": "Still"})
    enabled = await update_webhook(database, tenant_id, webhook.id, {"is_enabled": True})

    assert (renamed.is_enabled, renamed.disabled_reason) == (False, "gone")
    assert (enabled.is_enabled, enabled.disabled_reason) == (True, None)


async def test_a_deleted_webhook_is_gone(database: Database, tenant: Tenant) -> None:
    tenant_id, webhook = tenant.caller.tenant_id, await _insert(database, tenant)

    await delete_webhook(database, tenant_id, webhook.id)

    for act in (
        get_webhook(database, tenant_id, webhook.id),
        update_webhook(database, tenant_id, webhook.id, {"url": "https://x.example/"}),
        delete_webhook(database, tenant_id, webhook.id),
        delete_webhook(database, tenant_id, uuid4()),
    ):
        with pytest.raises(NotFound, match="Webhook not found"):
            await act
