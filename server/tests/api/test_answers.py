"""The answers of runs: flat for every end, whichever process brings it, and what comes of clients that go."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from backboard_server.adapters import Adapters
from backboard_server.api.answers import MessageResponse
from backboard_server.runs.journal import LEASE_SECONDS
from backboard_server.runs.recover import recover
from backboard_server.store.runs import take_over_run
from fake_vendor import Answer, CalledTool, FakeVendor
from replica import Replica, replica
from tenants import Tenant
from waiting import wait_until

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),))
OUTPUTS = [{"tool_call_id": "call_1", "output": "Seen."}]
SILENT = Answer(text="Never heard", first_byte_delay_seconds=30)
LONG = Answer(text="word " * 400, chunks=400, chunk_delay_seconds=0.02)


@pytest.fixture
async def other(adapters: Adapters) -> AsyncGenerator[Replica]:
    """Another process on the same database."""
    async with replica(adapters) as process:
        yield process


@pytest.fixture
async def thread_id(client: httpx.AsyncClient) -> str:
    return (await send(client, content="Before", send_to_llm=False))["thread_id"]


async def send(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/threads/messages", json={"content": "Hi"} | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def keyed(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """Send a message that is the same one whenever it comes."""
    client.headers["Idempotency-Key"] = "once"
    return await send(client, **fields)


async def run_in(client: httpx.AsyncClient, thread_id: str, *statuses: str) -> dict[str, Any]:
    """Wait until the newest run of a thread has one of these statuses, and return it."""
    found: list[dict[str, Any]] = []

    async def has_one() -> bool:
        found[:] = (await client.get(f"/threads/{thread_id}/runs")).json()
        return bool(found) and found[0]["status"] in statuses

    await wait_until(has_one)
    return found[0]


async def take_over(process: Replica, tenant: Tenant, run_id: UUID) -> None:
    """Let another process have a run, and go on with it."""
    held = await take_over_run(process.adapters.database, tenant.caller.tenant_id, run_id, LEASE_SECONDS)
    assert held is not None
    await recover(process.adapters, process.journal, held)


async def stored(client: httpx.AsyncClient, thread_id: str) -> list[tuple[str, str, str]]:
    messages = (await client.get(f"/threads/{thread_id}")).json()["messages"]
    return [(message["role"], message["status"], message["content"]) for message in messages]


def check_shape(answer: dict[str, Any]) -> None:
    """Hold a flat answer to what the description of the API promises."""
    MessageResponse.model_validate(answer)
    assert MessageResponse.model_fields.keys() <= answer.keys()
    assert answer["timestamp"] == answer["created_at"]
    assert datetime.fromisoformat(answer["timestamp"]).utcoffset() is not None


async def test_each_end_of_a_run_has_the_same_flat_shape(
    client: httpx.AsyncClient, vendor: FakeVendor, thread_id: str
) -> None:
    saved = await send(client, thread_id=thread_id, send_to_llm=False)
    vendor.script(CALL, Answer(text="Done."))
    waiting = await send(client, thread_id=thread_id, tools=[LOOK])
    path = f"/threads/{thread_id}/runs/{waiting['run_id']}/submit-tool-outputs"
    ended = (await client.post(path, json={"tool_outputs": OUTPUTS})).json()

    for answer in (saved, waiting, ended):
        check_shape(answer)
    assert [(answer["role"], answer["status"], answer["message"]) for answer in (saved, waiting, ended)] == [
        ("user", "COMPLETED", "Message saved"),
        ("assistant", "REQUIRES_ACTION", "Call the tools and submit their outputs to continue."),
        ("assistant", "COMPLETED", "Message sent"),
    ]
    assert saved["run_id"] is None
    assert ended["tool_calls"] is None
    assert [call["id"] for call in waiting["tool_calls"]] == ["call_1"]


async def test_a_cancelled_run_is_answered_with_what_it_had_said(
    client: httpx.AsyncClient, vendor: FakeVendor, thread_id: str
) -> None:
    vendor.script(SILENT)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send(client, thread_id=thread_id))
        run = await run_in(client, thread_id, "IN_PROGRESS")
        await client.post(f"/threads/{thread_id}/runs/{run['run_id']}/cancel")

    answer = await sending
    check_shape(answer)
    assert (answer["status"], answer["content"], answer["message"]) == (
        "CANCELLED", "", "The run was cancelled",
    )  # fmt: skip
    assert answer["message_id"] == run["message_id"]


async def test_a_message_that_is_cancelled_while_it_waits_is_answered_so(
    client: httpx.AsyncClient, vendor: FakeVendor, thread_id: str
) -> None:
    vendor.script(SILENT)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(send(client, thread_id=thread_id))
        running = await run_in(client, thread_id, "IN_PROGRESS")
        second = group.create_task(keyed(client, thread_id=thread_id, content="And I"))
        queued = await run_in(client, thread_id, "QUEUED")
        for run in (queued, running):
            await client.post(f"/threads/{thread_id}/runs/{run['run_id']}/cancel")

    answer = await second
    check_shape(answer)
    assert (answer["status"], answer["message_id"], answer["run_id"]) == ("CANCELLED", None, queued["run_id"])
    assert (await first)["status"] == "CANCELLED"
    assert await keyed(client, thread_id=thread_id, content="And I") == answer
    assert [role for role, _, _ in await stored(client, thread_id)] == ["user", "user", "user", "assistant"]


async def test_who_waits_for_a_run_that_changes_hands_gets_the_answer_of_whoever_has_it_then(
    client: httpx.AsyncClient, vendor: FakeVendor, thread_id: str, other: Replica, tenant: Tenant
) -> None:
    vendor.script(SILENT, Answer(text="From the other one."))
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send(client, thread_id=thread_id))
        run = await run_in(client, thread_id, "IN_PROGRESS")
        await vendor.wait_for_requests(1)
        await take_over(other, tenant, UUID(run["run_id"]))

    answer = await sending
    check_shape(answer)
    assert (answer["content"], answer["run_id"]) == ("From the other one.", run["run_id"])


async def test_who_waits_for_what_comes_of_outputs_gets_that_when_the_run_changes_hands(
    client: httpx.AsyncClient, vendor: FakeVendor, thread_id: str, other: Replica, tenant: Tenant
) -> None:
    vendor.script(CALL, SILENT, Answer(text="From the other one."))
    waiting = await send(client, thread_id=thread_id, tools=[LOOK])
    path = f"/threads/{thread_id}/runs/{waiting['run_id']}/submit-tool-outputs"
    async with asyncio.TaskGroup() as group:
        submitting = group.create_task(client.post(path, json={"tool_outputs": OUTPUTS}))
        await vendor.wait_for_requests(2)
        await take_over(other, tenant, UUID(waiting["run_id"]))

    answer = (await submitting).json()
    assert (answer["status"], answer["content"]) == ("COMPLETED", "From the other one.")


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_client_that_goes_ends_its_run_where_that_was_asked_for(
    app: FastAPI,
    client: httpx.AsyncClient,
    vendor: FakeVendor,
    tenant: Tenant,
    thread_id: str,
    streamed: bool,
) -> None:
    vendor.script(LONG if streamed else SILENT)
    body = {"content": "Hi", "thread_id": thread_id, "stream": streamed, "on_disconnect": "cancel"}
    going = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(call(app, tenant, "/threads/messages", body, going))
        await run_in(client, thread_id, "IN_PROGRESS")
        going.set()
        run = await run_in(client, thread_id, "CANCELLED")

    assert run["error_code"] == "cancelled"
    assert (await stored(client, thread_id))[-1][:2] == ("assistant", "CANCELLED")


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_client_that_goes_stops_nothing_otherwise(
    app: FastAPI,
    client: httpx.AsyncClient,
    vendor: FakeVendor,
    tenant: Tenant,
    thread_id: str,
    streamed: bool,
) -> None:
    vendor.script(Answer(text="Said to nobody", chunks=3, first_byte_delay_seconds=0.3))
    body = {"content": "Hi", "thread_id": thread_id, "stream": streamed}
    going = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(call(app, tenant, "/threads/messages", body, going))
        await run_in(client, thread_id, "IN_PROGRESS")
        going.set()
        await run_in(client, thread_id, "COMPLETED")

    assert (await stored(client, thread_id))[-1] == ("assistant", "COMPLETED", "Said to nobody")


async def test_a_client_that_goes_on_waiting_gets_its_answer_although_its_going_would_cancel(
    client: httpx.AsyncClient, thread_id: str
) -> None:
    answer = await send(client, thread_id=thread_id, on_disconnect="cancel")

    assert (answer["status"], answer["content"]) == ("COMPLETED", "Hello from the vendor.")


async def call(
    app: FastAPI, tenant: Tenant, path: str, body: dict[str, Any], going: asyncio.Event
) -> list[Message]:
    """Ask as a client that goes away when `going` is set; return what it was sent until then."""
    coming: list[Message] = [{"type": "http.request", "body": json.dumps(body).encode(), "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        if coming:
            return coming.pop()
        await going.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"x-api-key", tenant.secret.encode()), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("backboard", 80),
    }  # fmt: skip
    await app(scope, receive, send)
    return sent
