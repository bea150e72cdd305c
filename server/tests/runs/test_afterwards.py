"""Work that a run leaves behind: whose usage it is."""

from __future__ import annotations

import httpx

from backboard_server.adapters import Adapters
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import ModelChoice, Usage
from backboard_server.runs.afterwards import LeftBehind, count
from tenants import Tenant

CHOICE = ModelChoice("openai", "gpt-4o")


async def counted(client: httpx.AsyncClient) -> list[tuple[str, int, int]]:
    rows = (await client.get("/billing/usage/recent")).json()["data"]
    return [(row["model"], row["input_tokens"], row["output_tokens"]) for row in rows]


async def test_what_a_job_uses_is_counted_for_the_key_of_its_run(
    adapters: Adapters, client: httpx.AsyncClient, tenant: Tenant
) -> None:
    job = LeftBehind(thread_id=new_id(), key_id=tenant.caller.key_id, assistant_id=new_id())

    await count(adapters, tenant.caller.tenant_id, job, CHOICE, Usage(input_tokens=7, output_tokens=3))

    assert await counted(client) == [("gpt-4o", 7, 3)]


async def test_a_job_of_nobody_and_a_model_that_was_not_asked_are_not_counted(
    adapters: Adapters, client: httpx.AsyncClient, tenant: Tenant
) -> None:
    nobodys = LeftBehind(thread_id=new_id(), assistant_id=new_id())
    mine = LeftBehind(thread_id=new_id(), key_id=tenant.caller.key_id, assistant_id=new_id())

    await count(adapters, tenant.caller.tenant_id, nobodys, CHOICE, Usage())
    await count(adapters, tenant.caller.tenant_id, mine, CHOICE, None)

    assert await counted(client) == []
