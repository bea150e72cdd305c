"""What a tenant has: put there through the API with a canary in every text, and read back row by row."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from msgspec import Struct

from app_under_test import client_of
from backboard_server.domain.budgets import Budget
from backboard_server.store.budgets import set_budget
from backboard_server.store.database import Connection
from fake_vendor import Answer, CalledTool, FakeVendor
from tenants import Tenant, make_tenant


class Belongings(Struct, frozen=True):
    """A tenant with one thing of each kind that exists, one that was deleted, and the text in all.

    Of a provider's key it is what may be shown that stands for its id.
    """

    tenant: Tenant
    canary: str
    existing: dict[str, str]
    deleted: dict[str, str]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What nobody else may see."""
        return (self.canary, *self.existing.values(), *self.deleted.values())


async def plant(app: FastAPI, owner: Connection, vendor: FakeVendor, canary: str) -> Belongings:
    """Make a tenant that has something in every table, with the canary in all that it and its model say."""
    tenant = await make_tenant(owner)
    answer = Answer(text=canary, reasoning=canary)
    vendor.script(answer)
    async with client_of(app, tenant) as client:
        await _ask(
            client,
            "POST",
            "/threads/messages",
            json={"content": canary, "model_name": canary},
            headers={"Idempotency-Key": canary},
        )
        existing = await plant_things(client, vendor, canary, answer)
        deleted = await plant_things(client, vendor, canary, answer)
        key = canary.replace(" ", "-")
        stored = await _ask(client, "PUT", "/provider-keys/groq", json={"api_key": key})
        await _ask(client, "DELETE", f"/threads/{deleted['thread']}")
        await _ask(client, "DELETE", f"/assistants/{deleted['assistant']}")
        await _ask(client, "DELETE", f"/webhooks/{deleted['webhook']}")
    async with owner.transaction():
        await _enter(owner, tenant)
        await owner.execute(
            "UPDATE threads SET summary = $3, summarised_through = 1 WHERE tenant_id = $1 AND id = $2",
            tenant.caller.tenant_id, existing["thread"], canary,
        )  # fmt: skip
        await owner.execute(
            "INSERT INTO webhook_attempts (tenant_id, delivery_id, number, answer, duration_ms, attempted_at)"
            " VALUES ($1, $2, 1, $3, 1, now())",
            tenant.caller.tenant_id, existing["delivery"], canary,
        )  # fmt: skip
        await owner.execute(
            "INSERT INTO memory_quotes"
            " (tenant_id, memory_id, message_id, thread_id, starts_at, ends_at, quote, said_at)"
            " VALUES ($1, $2, $3, $4, 0, 1, $5, now())",
            tenant.caller.tenant_id, existing["memory"], existing["operation"], existing["thread"], canary,
        )  # fmt: skip
        # Once more at the end of time: whatever others do meanwhile, a list of the newest has it.
        await owner.execute(
            "INSERT INTO usage SELECT (jsonb_populate_record(u, jsonb_build_object('id', $3::text))).*"
            " FROM usage AS u WHERE u.tenant_id = $1 AND u.model_name = $2",
            tenant.caller.tenant_id, canary, f"ffffffff-ffff-7fff-bfff-{uuid4().hex[:12]}",
        )  # fmt: skip
    budget = await _set_budget(owner, tenant)
    existing |= {"provider_key": stored["shown"], "budget": str(budget.id)}
    return Belongings(tenant, canary, existing, deleted)


async def _set_budget(owner: Connection, tenant: Tenant) -> Budget:
    """Give the tenant a budget that nothing here uses up; it also refuses models that have no price."""
    name = await owner.fetchval("SELECT name FROM tenants WHERE tenant_id = $1", tenant.caller.tenant_id)
    return await set_budget(owner, name, None, 1_000_000, "month")


async def plant_things(
    client: httpx.AsyncClient, vendor: FakeVendor, canary: str, answer: Answer
) -> dict[str, str]:
    """Make one thing of each kind and return their ids by kind; the things belong together.

    The run waits for the output of `call_1`. Before and after that call the vendor gives `answer`.
    """
    function = {"name": "look", "description": canary}
    assistant = await _ask(
        client,
        "POST",
        "/assistants",
        json={
            "name": canary,
            "description": canary,
            "system_prompt": canary,
            "tools": [{"type": "function", "function": function}],
            "custom_fact_extraction_prompt": canary,
            "custom_update_memory_prompt": canary,
        },
    )
    webhook = await _ask(
        client, "POST", "/webhooks", json={"url": "https://hooks.example.com/", "description": canary}
    )
    path = f"/assistants/{assistant['assistant_id']}/threads"
    thread = await _ask(client, "POST", path, json={"metadata": {"secret": canary}})
    path = f"/threads/{thread['thread_id']}/messages"
    answered = await _ask(
        client,
        "POST",
        path,
        data={"content": canary, "memory": "Auto", "metadata": json.dumps({"secret": canary})},
        files={"files": (f"{canary}.txt", canary.encode(), "text/plain")},
    )
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),)), answer)
    waiting = await _ask(client, "POST", path, json={"content": canary})
    path = f"/assistants/{assistant['assistant_id']}/memories"
    memory = await _ask(client, "POST", path, json={"content": canary, "metadata": {"secret": canary}})
    listed = await client.get(f"/webhooks/{webhook['webhook_id']}/deliveries")
    return {
        "assistant": assistant["assistant_id"],
        "thread": thread["thread_id"],
        "message": answered["message_id"],
        "run": waiting["run_id"],
        "memory": memory["memory_id"],
        "operation": answered["memory_operation_id"],
        "webhook": webhook["webhook_id"],
        "delivery": listed.json()[0]["delivery_id"],
    }


async def snapshot(owner: Connection, tenant: Tenant) -> dict[str, list[str]]:
    """Return every row of the tenant as text, by table; every table of the schema that has tenants counts."""
    async with owner.transaction():
        await _enter(owner, tenant)
        tables = await owner.fetch(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'backboard' AND column_name = 'tenant_id' ORDER BY table_name"
        )
        return {table: await _rows(owner, table, tenant) for (table,) in tables}


async def _rows(owner: Connection, table: str, tenant: Tenant) -> list[str]:
    query = f"SELECT t::text FROM {table} AS t WHERE tenant_id = $1 ORDER BY 1"
    return [row for (row,) in await owner.fetch(query, tenant.caller.tenant_id)]


async def _enter(owner: Connection, tenant: Tenant) -> None:
    """See this tenant's rows until the end of the transaction: row-level security binds the owner too."""
    await owner.execute("SELECT set_config('backboard.tenant_id', $1, true)", str(tenant.caller.tenant_id))


async def _ask(client: httpx.AsyncClient, method: str, path: str, **arguments: Any) -> dict[str, Any]:
    response = await client.request(method, path, **arguments)
    assert response.is_success, response.text
    return response.json()
