"""Budgets over HTTP: what the tenant is told of them, and what a message meets when they are used up."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from backboard_server.domain.budgets import Period
from backboard_server.store.budgets import set_budget
from backboard_server.store.database import Connection
from backboard_server.store.keys import create_key
from tenants import Tenant


async def limit(
    owner: Connection, tenant: Tenant, limit_usd: float, period: Period, *, is_keys: bool = False
) -> None:
    name = await owner.fetchval("SELECT name FROM tenants WHERE tenant_id = $1", tenant.caller.tenant_id)
    await set_budget(owner, name, tenant.caller.key_id if is_keys else None, limit_usd, period)


async def test_the_tenant_s_budget_and_the_key_s_are_told(
    client: httpx.AsyncClient, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 10, "total")
    await limit(owner, tenant, 2.5, "day", is_keys=True)
    other, _ = await create_key(owner, f"{tenant.caller.tenant_id}", "of another tenant")
    await set_budget(owner, f"{tenant.caller.tenant_id}", other.id, 7, "day")

    of_tenant, of_key = (await client.get("/budgets")).json()

    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert of_tenant.pop("budget_id") != of_key.pop("budget_id")
    assert of_tenant == {
        "scope": "tenant",
        "key_id": None,
        "limit_usd": 10,
        "spent_usd": 0,
        "left_usd": 10,
        "period": "total",
        "period_start": None,
        "ends_at": None,
    }
    assert (of_key["scope"], of_key["key_id"]) == ("key", str(tenant.caller.key_id))
    assert datetime.fromisoformat(of_key["period_start"]) == midnight
    assert datetime.fromisoformat(of_key["ends_at"]) > datetime.now(UTC)


async def test_without_a_budget_there_is_none(client: httpx.AsyncClient) -> None:
    assert (await client.get("/budgets")).json() == []


@pytest.mark.parametrize("stream", [True, False])
async def test_a_message_that_nothing_is_left_for_is_refused_with_402(
    client: httpx.AsyncClient, owner: Connection, tenant: Tenant, stream: bool
) -> None:
    await limit(owner, tenant, 0, "month")

    refused = await client.post("/threads/messages", json={"content": "Hi", "stream": stream})

    assert (refused.status_code, refused.json()["code"]) == (402, "budget_spent")
    assert "0 US dollars a month" in refused.json()["detail"]
    assert (await client.get("/threads")).json() == []
