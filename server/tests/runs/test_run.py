"""The conductor: how a run ends, whatever happens."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import BackboardError, Conflict, Unavailable, Upstream
from backboard_server.domain.events import ContentStreaming, Event, RunEnded, RunFailed
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.threads import Thread
from backboard_server.runs import steps
from backboard_server.runs.accept import AcceptedMessage, accept_message
from backboard_server.runs.run import run_message
from backboard_server.store import threads
from fake_vendor import Answer, FakeVendor, Fault
from tenants import Tenant
from waiting import wait_until


async def accept(adapters: Adapters, tenant: Tenant, **fields: Any) -> AcceptedMessage:
    message = SendMessage(content="Hi", stream=True, **fields)
    return await accept_message(adapters, tenant.caller, message, [])


async def stored(adapters: Adapters, tenant: Tenant, accepted: AcceptedMessage) -> Thread:
    thread_id = UUID(accepted.ids.thread_id)
    return await threads.get_thread(adapters.database, tenant.caller.tenant_id, thread_id)


async def run_status(adapters: Adapters, tenant: Tenant, accepted: AcceptedMessage) -> tuple[str, str | None]:
    assert accepted.run is not None
    async with adapters.database.tenant(tenant.caller.tenant_id) as connection:
        row = await connection.fetchrow(
            "SELECT status, error_code FROM runs WHERE tenant_id = $1 AND id = $2",
            tenant.caller.tenant_id,
            accepted.run.run_id,
        )
    assert row is not None
    return row["status"], row["error_code"]


async def follow(adapters: Adapters, accepted: AcceptedMessage, seen: list[Event]) -> None:
    async for event in run_message(adapters, accepted):
        seen.append(event)


async def test_a_good_run_is_stored_before_its_last_event(adapters: Adapters, tenant: Tenant) -> None:
    accepted = await accept(adapters, tenant)

    async for event in run_message(adapters, accepted):
        if isinstance(event, RunEnded):
            thread = await stored(adapters, tenant, accepted)
            assert thread.messages[-1].content == event.content

    assert await run_status(adapters, tenant, accepted) == ("COMPLETED", None)


async def test_a_failed_run_says_so_and_raises_what_it_failed_with(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(fault=Fault.UNAUTHORIZED))
    accepted = await accept(adapters, tenant)
    seen: list[Event] = []

    with pytest.raises(Upstream):
        await follow(adapters, accepted, seen)

    assert isinstance(seen[-1], RunFailed)
    assert await run_status(adapters, tenant, accepted) == ("FAILED", "provider_rejected_key")


async def test_a_bug_in_the_middle_ends_the_run_too(
    adapters: Adapters, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(steps, "answer", explode)
    accepted = await accept(adapters, tenant)

    with pytest.raises(BackboardError) as raised:
        await follow(adapters, accepted, [])

    assert raised.value.error_code == "internal_error"
    assert await run_status(adapters, tenant, accepted) == ("FAILED", "internal_error")


async def test_a_run_that_is_stopped_keeps_what_was_said(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="one two three", chunks=3, fault=Fault.HANG_BETWEEN_CHUNKS))
    accepted = await accept(adapters, tenant)
    seen: list[Event] = []
    task = asyncio.create_task(follow(adapters, accepted, seen))

    async def something_was_said() -> bool:
        return any(isinstance(event, ContentStreaming) for event in seen)

    await wait_until(something_was_said)
    task.cancel()
    with pytest.raises(Unavailable):
        await task

    assert isinstance(seen[-1], RunFailed)
    assert seen[-1].code == "server_stopped"
    assert await run_status(adapters, tenant, accepted) == ("FAILED", "server_stopped")
    assert (await stored(adapters, tenant, accepted)).messages[-1].content

    async def vendor_is_left_alone() -> bool:
        return vendor.open_connections == 0

    await wait_until(vendor_is_left_alone)


async def test_a_thread_that_is_deleted_meanwhile_is_a_conflict(adapters: Adapters, tenant: Tenant) -> None:
    accepted = await accept(adapters, tenant)
    await threads.delete_thread(adapters.database, tenant.caller.tenant_id, UUID(accepted.ids.thread_id))

    with pytest.raises(Conflict):
        await follow(adapters, accepted, [])


async def test_a_client_that_leaves_does_not_stop_its_run(
    app: FastAPI, client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="one two three four", chunks=4, chunk_delay_seconds=0.02))
    thread_id = (await client.post("/threads/messages", json={"content": "x", "send_to_llm": False})).json()[
        "thread_id"
    ]
    request = asyncio.create_task(client.post(f"/threads/{thread_id}/messages", json={"content": "Hi"}))

    async def is_under_way() -> bool:
        return bool(vendor.requests)

    await wait_until(is_under_way)
    request.cancel()

    async def is_answered() -> bool:
        messages = (await client.get(f"/threads/{thread_id}")).json()["messages"]
        return messages[-1]["role"] == "assistant" and messages[-1]["status"] == "COMPLETED"

    await wait_until(is_answered)
