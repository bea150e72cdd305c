"""The queue of a thread: what happens to a message that comes while another is being answered."""

from __future__ import annotations

import asyncio
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from backboard_server.domain.errors import Conflict
from backboard_server.domain.events import RunCancelled, RunEnded, RunQueued, RunStarted
from backboard_server.runs import queue
from backboard_server.runs.cancel import cancel
from backboard_server.store.database import Connection
from fake_vendor import Answer, FakeVendor
from fake_vendor.script import CalledTool
from replica import Replica, Sent
from tenants import Tenant

SLOW = Answer(text="one two three", first_byte_delay_seconds=0.4)
QUICK = Answer(text="At once.")
CALL = Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),))
LOOK = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


async def said_in(process: Replica, tenant: Tenant, sent: Sent) -> list[tuple[str, str | None]]:
    thread = await process.thread(tenant, sent)
    return [(message.role, message.content) for message in thread.messages]


async def test_a_message_waits_for_the_one_before_it_and_its_model_sees_that_ones_answer(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(SLOW, QUICK)
    first = await process.send(tenant, "First")
    second = await other.send(tenant, "Second", thread_id=first.thread_id)
    assert (await other.stored(tenant, second)).status == "QUEUED"
    assert await said_in(other, tenant, second) == [("user", "First"), ("user", "Second")]

    assert isinstance(await second.live.last_event(), RunEnded)
    assert await said_in(other, tenant, second) == [
        ("user", "First"),
        ("assistant", "one two three"),
        ("user", "Second"),
        ("assistant", "At once."),
    ]
    shown = [message["content"] for message in vendor.requests[-1].body["messages"]]
    assert shown == ["First", "one two three", "Second"]


async def test_messages_are_answered_in_the_order_in_which_they_came(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(SLOW, QUICK)
    first = await process.send(tenant, "0")
    others = [await process.send(tenant, str(number), thread_id=first.thread_id) for number in range(1, 6)]

    for sent in others:
        await sent.live.last_event()

    said = await said_in(process, tenant, first)
    assert [content for role, content in said if role == "user"] == ["0", "1", "2", "3", "4", "5"]
    assert [role for role, _ in said] == ["user", "assistant"] * 6


async def test_a_client_is_told_that_its_message_waits_and_when_it_begins(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(SLOW, QUICK)
    first = await process.send(tenant)
    second = await process.send(tenant, thread_id=first.thread_id)
    await second.live.last_event()

    assert second.live.reader is not None
    seen = [numbered.event for numbered in await second.live.reader.next_events(1) or ()]

    kinds = [type(event) for event in seen]
    assert kinds.index(RunQueued) == 2
    assert kinds.index(RunStarted) == 3


async def test_a_message_that_is_not_to_wait_is_refused_and_nothing_is_stored(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(SLOW)
    first = await process.send(tenant, "First")

    with pytest.raises(Conflict) as refused:
        await process.send(tenant, "Second", thread_id=first.thread_id, on_active_run="reject")

    assert refused.value.error_code == "run_active"
    await first.live.last_event()
    assert [content for role, content in await said_in(process, tenant, first) if role == "user"] == ["First"]


async def test_a_message_may_end_the_run_before_it(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="a " * 200, chunk_delay_seconds=0.05), QUICK)
    first = await process.send(tenant, "First")
    await process.wait_for_status(tenant, first, "IN_PROGRESS")

    second = await other.send(tenant, "Second", thread_id=first.thread_id, on_active_run="cancel")
    await second.live.last_event()

    assert (await process.stored(tenant, first)).status == "CANCELLED"
    assert isinstance(await first.live.last_event(), RunCancelled)
    assert (await other.stored(tenant, second)).status == "COMPLETED"


async def test_a_new_message_goes_on_without_tools_that_nobody_has_called(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(CALL, QUICK)
    first = await process.send(tenant, tools=LOOK)
    await first.live.last_event()

    second = await process.send(tenant, "Never mind", thread_id=first.thread_id)
    await second.live.last_event()

    superseded = await process.stored(tenant, first)
    assert (superseded.status, superseded.error_code) == ("CANCELLED", "superseded")
    assert (await process.stored(tenant, second)).status == "COMPLETED"


async def test_a_message_that_waits_gives_the_tools_before_it_some_time(
    process: Replica, tenant: Tenant, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "TOOLS_WAIT_SECONDS", 0.5)
    vendor.script(Answer(tool_calls=CALL.tool_calls, first_byte_delay_seconds=0.3), QUICK)
    first = await process.send(tenant, tools=LOOK)
    second = await process.send(tenant, "Second", thread_id=first.thread_id)

    await process.wait_for_status(tenant, first, "REQUIRES_ACTION")
    assert (await process.stored(tenant, second)).status == "QUEUED"
    await second.live.last_event()

    assert (await process.stored(tenant, first)).error_code == "superseded"


async def test_a_message_that_waits_can_be_cancelled_and_keeps_its_place(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(SLOW, QUICK)
    first = await process.send(tenant, "First")
    second = await process.send(tenant, "Second", thread_id=first.thread_id)

    status = await cancel(
        other.adapters, other.live, tenant.caller.tenant_id, second.thread_id, second.run_id
    )

    assert status == "CANCELLED"
    assert isinstance(await second.live.last_event(), RunCancelled)
    await first.live.last_event()
    third = await process.send(tenant, "Third", thread_id=first.thread_id)
    await third.live.last_event()
    said = await said_in(process, tenant, first)
    assert [content for role, content in said if role == "user"] == ["First", "Second", "Third"]
    assert len(vendor.requests) == 2


async def test_a_message_whose_process_is_lost_while_it_waits_is_answered_all_the_same(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(SLOW, QUICK)
    first = await process.send(tenant, "First")
    second = await process.send(tenant, "Second", thread_id=first.thread_id)
    process.lose(second)

    await other.take_over(owner, second)
    run = await other.wait_for_status(tenant, second, "COMPLETED")

    assert run.message_id == UUID(str(second.accepted.run.answer_id if second.accepted.run else ""))
    assert (await said_in(other, tenant, second))[-1] == ("assistant", "At once.")


async def test_the_model_is_told_of_files_that_came_with_a_message_that_waited(
    app: FastAPI, client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(SLOW, QUICK)
    thread = (await client.post("/threads/messages", json={"content": "x", "send_to_llm": False})).json()
    path = f"/threads/{thread['thread_id']}/messages"
    first = asyncio.create_task(client.post(path, json={"content": "First"}))
    await vendor.wait_for_requests(1)

    png = b"\x89PNG\r\n\x1a\n" + bytes(32)
    second = await client.post(
        path,
        data={"content": "Look"},
        files=[("files", ("notes.txt", b"Notes", "text/plain")), ("files", ("pixel.png", png, "image/png"))],
    )

    assert (await first).status_code == second.status_code == 200
    shown = vendor.requests[-1].body["messages"][-1]["content"]
    assert "[Files attached, whose contents are not shown: notes.txt]" in str(shown)
    assert "image_url" in str(shown)
