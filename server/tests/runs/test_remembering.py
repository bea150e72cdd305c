"""Remembering: what the worker draws from a message, with and without a model, and what a failure leaves."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from backboard_server import worker
from backboard_server.adapters import Adapters
from backboard_server.store.database import Connection
from backboard_server.store.jobs import ATTEMPTS_MAX, claim_jobs
from fake_vendor import Answer, CalledTool, FakeVendor
from tenants import Tenant

LOCAL: dict[str, Any] = {"send_to_llm": True, "llm_provider": "local"}


@pytest.fixture
async def memories(client: httpx.AsyncClient) -> str:
    """The path of the memories of a new assistant."""
    made = await client.post("/assistants", json={"name": "Keeper"})
    return f"/assistants/{made.json()['assistant_id']}/memories"


async def tell(client: httpx.AsyncClient, memories: str, content: str, **fields: Any) -> dict[str, Any]:
    """Say something that is only stored, with memory on."""
    said = {"assistant_id": memories.split("/")[2], "content": content, "memory": "Auto"}
    response = await client.post("/threads/messages", json=said | {"send_to_llm": False} | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def work(adapters: Adapters, owner: Connection, tenant: Tenant, *, attempts: int = 1) -> None:
    """Do the tenant's work of remembering, as the worker does; nobody else's is claimed."""
    for _ in range(attempts):
        async with owner.transaction():
            await owner.execute(
                "SELECT set_config('backboard.tenant_id', $1, true)", str(tenant.caller.tenant_id)
            )
            await owner.execute(
                "UPDATE jobs SET run_after = now() - INTERVAL '1 hour'"
                " WHERE tenant_id = $1 AND kind = 'remember_message' AND status = 'queued'",
                tenant.caller.tenant_id,
            )
        jobs = await claim_jobs(
            adapters.database, kinds=["remember_message"], limit=1_000, lease_seconds=60.0
        )
        for job in jobs:
            await worker.run_job(adapters, job)


async def is_due(owner: Connection, tenant: Tenant) -> bool:
    """Whether the tenant's work of remembering may begin."""
    async with owner.transaction():
        await owner.execute(
            "SELECT set_config('backboard.tenant_id', $1, true)", str(tenant.caller.tenant_id)
        )
        query = "SELECT run_after <= now() FROM jobs WHERE tenant_id = $1 AND kind = 'remember_message'"
        return await owner.fetchval(query, tenant.caller.tenant_id)


async def operation_of(client: httpx.AsyncClient, said: dict[str, Any]) -> dict[str, Any]:
    response = await client.get(f"/assistants/memories/operations/{said['memory_operation_id']}")
    assert response.status_code == 200, response.text
    return response.json()


async def listed(client: httpx.AsyncClient, memories: str) -> list[str]:
    return [memory["content"] for memory in (await client.get(memories)).json()["memories"]]


async def test_a_message_is_in_progress_until_it_has_been_worked_on(
    client: httpx.AsyncClient, memories: str, adapters: Adapters, owner: Connection, tenant: Tenant
) -> None:
    said = await tell(client, memories, "I live in Lisbon.", **LOCAL)
    before = await operation_of(client, said)

    await work(adapters, owner, tenant)

    after = await operation_of(client, said)
    assert (before["status"], before["memory_ids"]) == ("IN_PROGRESS", [])
    assert (after["status"], after["result_count"]) == ("COMPLETED", len(after["memory_ids"]))


async def test_what_was_said_is_found_before_any_work_is_done(
    client: httpx.AsyncClient, memories: str
) -> None:
    said = await tell(client, memories, "The spare key is under the blue flowerpot.")

    found = (await client.post(f"{memories}/search", json={"query": "where is the spare key"})).json()

    best = found["memories"][0]
    assert (best["content"], best["thread_id"]) == (
        "The spare key is under the blue flowerpot.",
        said["thread_id"],
    )


@pytest.mark.parametrize("mode", ["Readonly", "off", None])
async def test_nothing_is_remembered_unless_that_is_asked_for(
    client: httpx.AsyncClient, memories: str, owner: Connection, tenant: Tenant, mode: str | None
) -> None:
    said = await tell(client, memories, "I live in Lisbon.", memory=mode)

    assert said["memory_operation_id"] is None
    async with owner.transaction():
        await owner.execute(
            "SELECT set_config('backboard.tenant_id', $1, true)", str(tenant.caller.tenant_id)
        )
        for table in ("memories", "memory_units", "memory_postings", "memory_operations", "jobs"):
            query = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
            assert await owner.fetchval(query, tenant.caller.tenant_id) == 0, table


async def test_the_time_of_what_is_said_may_be_another_than_now(
    client: httpx.AsyncClient, memories: str
) -> None:
    metadata = {"custom_timestamp": "2021-05-07T09:30:00+02:00"}
    await tell(client, memories, "The race was fun.", metadata=metadata)

    found = (await client.post(f"{memories}/search", json={"query": "race"})).json()["memories"]

    assert found[0]["said_at"].startswith("2021-05-07T07:30:00")


async def test_a_time_that_is_none_is_refused(client: httpx.AsyncClient, memories: str) -> None:
    said = {"content": "Hi", "memory": "Auto", "metadata": {"custom_timestamp": "yesterday"}}

    response = await client.post("/threads/messages", json=said)

    assert response.status_code == 400
    assert "custom_timestamp" in response.json()["detail"]


async def test_without_a_model_plain_statements_become_memories_and_newer_ones_take_their_place(
    client: httpx.AsyncClient, memories: str, adapters: Adapters, owner: Connection, tenant: Tenant
) -> None:
    await tell(client, memories, "I live in Berlin.", **LOCAL)
    await work(adapters, owner, tenant)
    first = await listed(client, memories)
    said = await tell(client, memories, "I live in Lisbon.", **LOCAL)
    await work(adapters, owner, tenant)

    assert len(first) == 1
    assert "Berlin" in first[0]
    assert [("Lisbon" in content) for content in await listed(client, memories)] == [True]
    changes = (await operation_of(client, said))["memory_ids"]
    assert [change["event"] for change in changes] == ["UPDATE"]
    found = (await client.post(f"{memories}/search", json={"query": "where do I live"})).json()["memories"]
    assert ["Berlin" in memory["content"] for memory in found if memory["thread_id"] is None] == [False]


async def test_the_same_job_twice_adds_nothing(
    client: httpx.AsyncClient, memories: str, adapters: Adapters, owner: Connection, tenant: Tenant
) -> None:
    await tell(client, memories, "I live in Berlin.", **LOCAL)
    jobs_before = await claim_jobs(
        adapters.database, kinds=["remember_message"], limit=1_000, lease_seconds=60.0
    )
    ours = [job for job in jobs_before if job.tenant_id == tenant.caller.tenant_id]

    for job in ours * 2:
        await worker.JOBS[job.kind](adapters, job)

    assert len(ours) == 1
    assert len(await listed(client, memories)) == 1


async def test_what_is_forgotten_meanwhile_is_not_drawn_any_more(
    client: httpx.AsyncClient, memories: str, adapters: Adapters, owner: Connection, tenant: Tenant
) -> None:
    said = await tell(client, memories, "I live in Lisbon.", **LOCAL)
    await client.delete(memories)

    await work(adapters, owner, tenant)

    assert await listed(client, memories) == []
    assert (await operation_of(client, said))["status"] == "COMPLETED"


async def test_what_was_changed_by_hand_is_not_taken_for_what_it_said_before(
    client: httpx.AsyncClient, memories: str, adapters: Adapters, owner: Connection, tenant: Tenant
) -> None:
    await tell(client, memories, "I live in Berlin.", **LOCAL)
    await work(adapters, owner, tenant)
    (memory,) = (await client.get(memories)).json()["memories"]
    await client.put(f"{memories}/{memory['id']}", json={"content": "The user lives in Lisbon"})
    await tell(client, memories, "I live in Berlin.", **LOCAL)
    await work(adapters, owner, tenant)

    assert await listed(client, memories) == ["I live in Berlin", "The user lives in Lisbon"]


async def test_a_model_draws_what_rules_do_not(
    client: httpx.AsyncClient,
    memories: str,
    adapters: Adapters,
    owner: Connection,
    tenant: Tenant,
    vendor: FakeVendor,
) -> None:
    fact = (
        '{"facts": [{"message": "m1", "quote": "the violin since she was six", "content": "Anna has played'
        ' the violin since she was six.", "kind": "fact", "subject": "anna", "speaker": "user",'
        ' "confidence": 0.9}]}'
    )
    said = await tell(client, memories, "Anna has played the violin since she was six.")
    vendor.script(Answer(text=fact))

    await work(adapters, owner, tenant)

    operation = await operation_of(client, said)
    assert operation["status"] == "COMPLETED", operation
    assert "violin" in (await listed(client, memories))[0]


async def test_a_model_that_fails_for_good_is_told_and_loses_nothing(
    client: httpx.AsyncClient,
    memories: str,
    adapters: Adapters,
    owner: Connection,
    tenant: Tenant,
    vendor: FakeVendor,
) -> None:
    said = await tell(client, memories, "Anna has played the violin since she was six.")
    vendor.script(Answer(text="I would rather not."))

    await work(adapters, owner, tenant, attempts=ATTEMPTS_MAX - 1)
    waiting = await operation_of(client, said)
    await work(adapters, owner, tenant)

    failed = await operation_of(client, said)
    assert waiting["status"] == "IN_PROGRESS"
    assert failed["status"] == "ERROR"
    assert "JSON" in failed["status_message"]
    found = (await client.post(f"{memories}/search", json={"query": "violin"})).json()["memories"]
    assert found[0]["content"] == "Anna has played the violin since she was six."


async def test_an_answer_is_remembered_beside_its_question(
    client: httpx.AsyncClient, memories: str, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="The recipe needs saffron."))
    await tell(client, memories, "What does paella need?", send_to_llm=True)

    found = (await client.post(f"{memories}/search", json={"query": "saffron"})).json()["memories"]

    assert (found[0]["content"], found[0]["role"]) == ("The recipe needs saffron.", "assistant")


async def test_a_repeated_request_names_the_operation_again(client: httpx.AsyncClient, memories: str) -> None:
    said = {"assistant_id": memories.split("/")[2], "content": "Hi", "send_to_llm": False}
    bodies = {mode: said | {"memory": mode} for mode in ("Auto", "off")}

    for mode, body in bodies.items():
        answers = [
            await client.post("/threads/messages", json=body, headers={"Idempotency-Key": mode})
            for _ in range(2)
        ]
        assert answers[0].json()["memory_operation_id"] == (
            answers[0].json()["message_id"] if mode == "Auto" else None
        )
        assert answers[0].content == answers[1].content


async def test_work_begins_once_the_run_is_over_and_not_after_a_step_of_it(
    client: httpx.AsyncClient, memories: str, owner: Connection, tenant: Tenant, vendor: FakeVendor
) -> None:
    look = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),)), Answer(text="A tree."))
    waiting = await tell(client, memories, "What is out there?", send_to_llm=True, tools=[look])
    is_due_while_it_waits = await is_due(owner, tenant)

    outputs = {"tool_outputs": [{"tool_call_id": "call_1", "output": "A tree."}]}
    path = f"/threads/{waiting['thread_id']}/runs/{waiting['run_id']}/submit-tool-outputs"
    response = await client.post(path, json=outputs)

    assert response.json()["status"] == "COMPLETED", response.text
    assert (is_due_while_it_waits, await is_due(owner, tenant)) == (False, True)


async def test_webhooks_are_told_how_an_operation_ended(
    client: httpx.AsyncClient,
    memories: str,
    adapters: Adapters,
    owner: Connection,
    tenant: Tenant,
    vendor: FakeVendor,
) -> None:
    await client.post("/webhooks", json={"url": "https://hooks.example.com/"})
    good = await tell(client, memories, "I live in Lisbon.", **LOCAL)
    await work(adapters, owner, tenant)
    bad = await tell(client, memories, "Anna has played the violin since she was six.")
    vendor.script(Answer(text="I would rather not."))
    await work(adapters, owner, tenant, attempts=ATTEMPTS_MAX)

    async with owner.transaction():
        await owner.execute(
            "SELECT set_config('backboard.tenant_id', $1, true)", str(tenant.caller.tenant_id)
        )
        rows = await owner.fetch(
            "SELECT payload FROM webhook_deliveries WHERE tenant_id = $1 AND event = $2",
            tenant.caller.tenant_id, "memory.operation_finished",
        )  # fmt: skip
    told = [json.loads(payload)["data"] for (payload,) in rows]
    assert {each["operation_id"]: each["status"] for each in told} == {
        good["memory_operation_id"]: "COMPLETED",
        bad["memory_operation_id"]: "ERROR",
    }
