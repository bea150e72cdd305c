"""Cancelling a run: from any process, at any time, and what is left of it."""

from __future__ import annotations

import asyncio
import time

import pytest

from backboard_server.domain.errors import NotFound
from backboard_server.domain.events import ContentStreaming, RunCancelled
from backboard_server.domain.ids import new_id
from backboard_server.domain.runs import LogRow, RunStatus
from backboard_server.runs import cancel as cancelling
from backboard_server.runs.cancel import cancel
from backboard_server.store.run_logs import list_rows
from fake_vendor import Answer, FakeVendor
from fake_vendor.script import CalledTool
from replica import Replica, Sent
from tenants import Tenant
from waiting import wait_until

LONG = Answer(text="word " * 400, chunk_delay_seconds=0.01)
LOOK = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}]


async def cancelled_by(process: Replica, tenant: Tenant, sent: Sent) -> RunStatus:
    return await cancel(process.adapters, process.live, tenant.caller.tenant_id, sent.thread_id, sent.run_id)


async def log_of(process: Replica, tenant: Tenant, sent: Sent) -> list[LogRow]:
    return await list_rows(process.adapters.database, tenant.caller.tenant_id, sent.run_id, after=0)


async def wait_until_it_speaks(process: Replica, tenant: Tenant, sent: Sent) -> None:
    """Wait until something of the answer is in the log."""

    async def speaks() -> bool:
        return len(await log_of(process, tenant, sent)) > 1

    await wait_until(speaks)


@pytest.mark.parametrize("canceller", ["process", "other"])
async def test_what_was_said_is_kept_and_nothing_more_is_stored(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, canceller: str
) -> None:
    vendor.script(LONG)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)

    status = await cancelled_by({"process": process, "other": other}[canceller], tenant, sent)

    assert status == "CANCELLED"
    log = await log_of(process, tenant, sent)
    thread = await process.thread(tenant, sent)
    answer = thread.messages[-1]
    assert answer.status == "CANCELLED"
    assert 0 < len(answer.content or "") < len("word " * 400)
    last = await sent.live.last_event()
    assert isinstance(last, RunCancelled)
    assert last.content == answer.content
    await asyncio.sleep(0.3)  # longer than a round of the journal: had it more to write, it would
    assert await log_of(process, tenant, sent) == log
    assert (await process.thread(tenant, sent)).messages == thread.messages


async def test_the_vendor_is_left_within_a_second(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(LONG)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)
    assert vendor.open_connections == 1

    await cancelled_by(other, tenant, sent)
    started = time.monotonic()

    async def vendor_is_left_alone() -> bool:
        return vendor.open_connections == 0

    await wait_until(vendor_is_left_alone)
    assert time.monotonic() - started < 1


async def test_a_run_that_has_said_nothing_yet_is_cancelled_too(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="Late", first_byte_delay_seconds=30))
    sent = await process.send(tenant)
    async with asyncio.timeout(5):
        await vendor.wait_for_requests(1)

    assert await cancelled_by(process, tenant, sent) == "CANCELLED"
    assert (await process.thread(tenant, sent)).messages[-1].content == ""


async def test_cancelling_twice_and_cancelling_what_is_over_change_nothing(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(LONG, Answer(text="Done."))
    first = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, first)
    await cancelled_by(process, tenant, first)
    log = await log_of(process, tenant, first)
    second = await process.send(tenant)
    await second.live.last_event()

    assert await cancelled_by(process, tenant, first) == "CANCELLED"
    assert await cancelled_by(process, tenant, second) == "COMPLETED"
    assert await log_of(process, tenant, first) == log


async def test_a_run_that_waits_for_tools_is_cancelled_at_once(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),)))
    sent = await process.send(tenant, tools=LOOK)
    await sent.live.last_event()

    assert await cancelled_by(other, tenant, sent) == "CANCELLED"
    assert (await process.stored(tenant, sent)).status == "CANCELLED"


async def test_a_run_is_taken_from_a_process_that_does_not_answer(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancelling, "PATIENCE_SECONDS", 0.1)
    vendor.script(LONG)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)
    process.lose(sent)

    assert await cancelled_by(other, tenant, sent) == "CANCELLED"

    run = await other.stored(tenant, sent)
    answer = (await other.thread(tenant, sent)).messages[-1]
    assert (run.status, answer.status) == ("CANCELLED", "CANCELLED")
    assert (answer.content or "").startswith("word word")


async def test_a_run_of_another_thread_is_not_found(process: Replica, tenant: Tenant) -> None:
    sent = await process.send(tenant)
    elsewhere = await process.send(tenant)
    await sent.live.last_event()

    with pytest.raises(NotFound, match="Run"):
        await cancel(
            process.adapters, process.live, tenant.caller.tenant_id, elsewhere.thread_id, sent.run_id
        )
    with pytest.raises(NotFound, match="Thread"):
        await cancel(process.adapters, process.live, tenant.caller.tenant_id, new_id(), sent.run_id)


async def test_a_reader_hears_the_pieces_before_it_hears_of_the_cancel(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(LONG)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)
    await cancelled_by(process, tenant, sent)

    assert sent.live.reader is not None
    seen = [numbered.event for numbered in await sent.live.reader.next_events(1) or ()]

    said = "".join(event.content for event in seen if isinstance(event, ContentStreaming))
    assert isinstance(seen[-1], RunCancelled)
    assert seen[-1].content == said
