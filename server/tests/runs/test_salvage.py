"""Ending a run that lost its process: what it had said is kept, once, with the reason of its end."""

from __future__ import annotations

import pytest

from backboard_server.domain import events
from backboard_server.domain.errors import BackboardError, Cancelled, Conflict, TakenOver, Unavailable
from backboard_server.domain.runs import HeldRun
from backboard_server.domain.tools import McpServer
from backboard_server.runs.finish import OpenRun
from backboard_server.runs.follow import ids_of
from backboard_server.runs.journal import LEASE_SECONDS
from backboard_server.runs.log import TAKEOVER_JUMP, LogReader, Numbered
from backboard_server.runs.recover import begun_again, opened_again
from backboard_server.runs.salvage import salvage
from backboard_server.settings import Settings
from backboard_server.store.run_logs import list_rows
from backboard_server.store.runs import take_over_run
from backboard_server.store.threads import delete_thread
from fake_mcp import FakeMcp, FakeTool
from fake_vendor import Answer, CalledTool, FakeVendor, Fault
from replica import Replica, Sent
from tenants import Tenant
from waiting import wait_until

SILENT = Answer(text="Never heard", first_byte_delay_seconds=30)
HALF = Answer(text="one two three four", reasoning="Hm.", chunks=4, fault=Fault.HANG_BETWEEN_CHUNKS)
LOST = Unavailable("The server was lost.", code="run_interrupted")


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Those of an operator who lets tenants name servers on this machine."""
    return settings.model_copy(update={"egress_allow": "127.0.0.1"})


async def logged(process: Replica, tenant: Tenant, sent: Sent) -> list[Numbered]:
    run = await process.stored(tenant, sent)
    rows = await list_rows(process.adapters.database, tenant.caller.tenant_id, run.id, after=0)
    reader = LogReader(ids_of(run))
    return [numbered for row in rows for numbered in reader.read(row)]


def text_of(told: list[Numbered]) -> str:
    return "".join(event.content for _, event in told if isinstance(event, events.ContentStreaming))


async def wait_until_it_speaks(process: Replica, tenant: Tenant, sent: Sent) -> None:
    async def speaks() -> bool:
        return "one" in text_of(await logged(process, tenant, sent))

    await wait_until(speaks)


async def taken_over(process: Replica, tenant: Tenant, sent: Sent) -> tuple[OpenRun, HeldRun]:
    """Lose a run, and have it as its next process does."""
    process.lose(sent)
    held = await take_over_run(process.adapters.database, tenant.caller.tenant_id, sent.run_id, LEASE_SECONDS)
    assert held is not None
    return await opened_again(process.adapters, await begun_again(process.adapters, held)), held


@pytest.mark.parametrize(
    ("failure", "status", "end"),
    [
        (LOST, "FAILED", events.RunFailed),
        (Cancelled("The run was cancelled."), "CANCELLED", events.RunCancelled),
    ],
)
async def test_what_the_log_says_that_a_run_said_is_its_answer(
    process: Replica,
    tenant: Tenant,
    vendor: FakeVendor,
    failure: BackboardError,
    status: str,
    end: type[events.RunFailed | events.RunCancelled],
) -> None:
    vendor.script(HALF)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)
    run, held = await taken_over(process, tenant, sent)

    await salvage(process.adapters, run, held, failure)

    told = await logged(process, tenant, sent)
    answer = (await process.thread(tenant, sent)).messages[-1]
    stored = await process.stored(tenant, sent)
    assert (answer.content, answer.status) == (text_of(told), status)
    assert answer.id == stored.message_id == held.answer_id
    assert (stored.status, stored.error_code) == (status, failure.error_code)
    assert isinstance(told[-1].event, end)
    assert told[-1].event.message_id == str(answer.id)
    assert isinstance(told[-1].event, events.RunFailed) or told[-1].event.content == answer.content


async def test_what_it_had_thought_is_kept_too(process: Replica, tenant: Tenant, vendor: FakeVendor) -> None:
    vendor.script(HALF)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)
    run, held = await taken_over(process, tenant, sent)

    await salvage(process.adapters, run, held, Cancelled("The run was cancelled."))

    last = (await logged(process, tenant, sent))[-1].event
    async with process.adapters.database.tenant(tenant.caller.tenant_id) as connection:
        reasoning = await connection.fetchval("SELECT reasoning FROM messages WHERE id = $1", held.answer_id)
    assert isinstance(last, events.RunCancelled)
    assert reasoning == last.reasoning == "Hm."


async def test_the_end_has_a_number_that_no_client_can_have_seen(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(HALF)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)
    run, held = await taken_over(process, tenant, sent)

    await salvage(process.adapters, run, held, LOST)

    (*_, before, last) = await logged(process, tenant, sent)
    assert before.sequence == held.logged_through
    assert last.sequence == held.logged_through + TAKEOVER_JUMP + 1


async def test_a_run_that_had_said_nothing_ends_with_an_empty_answer_that_cost_nothing(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(SILENT)
    sent = await process.send(tenant)
    await vendor.wait_for_requests(1)
    run, held = await taken_over(process, tenant, sent)

    await salvage(process.adapters, run, held, LOST)

    answer = (await process.thread(tenant, sent)).messages[-1]
    assert (answer.content, answer.status) == ("", "FAILED")
    assert (answer.input_tokens, answer.output_tokens) == (0, 0)


async def test_what_was_said_in_the_steps_before_is_stored_already_and_not_stored_again(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="I look. ", tool_calls=(CalledTool("look", "{}", "call_1"),)), HALF)
    async with FakeMcp(tools=(FakeTool("look"),)) as mcp:
        sent = await process.send(tenant, mcp_servers=[McpServer(name="eyes", url=mcp.url)])
        await vendor.wait_for_requests(2)
        before = (await process.stored(tenant, sent)).message_id
        await wait_until_it_speaks(process, tenant, sent)
        run, held = await taken_over(process, tenant, sent)

        await salvage(process.adapters, run, held, Cancelled("The run was cancelled."))

    told = await logged(process, tenant, sent)
    messages = (await process.thread(tenant, sent)).messages
    contents = [message.content or "" for message in messages if message.role == "assistant"]
    assert (messages[-1].id, len(contents)) == (before, 2)
    assert contents[0] == "I look. "
    assert contents[1].startswith("one")
    last = told[-1].event
    assert isinstance(last, events.RunCancelled)
    assert last.content == text_of(told) == "".join(contents)


async def test_a_run_that_has_changed_hands_again_is_left_to_whoever_has_it(
    process: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(HALF)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)
    run, held = await taken_over(process, tenant, sent)
    await taken_over(process, tenant, sent)

    with pytest.raises(TakenOver):
        await salvage(process.adapters, run, held, LOST)

    assert (await process.stored(tenant, sent)).status == "IN_PROGRESS"


@pytest.mark.parametrize("is_deleted", [False, True], ids=["ended", "deleted"])
async def test_a_run_that_is_over_by_now_is_not_ended_again(
    process: Replica, tenant: Tenant, vendor: FakeVendor, is_deleted: bool
) -> None:
    vendor.script(HALF)
    sent = await process.send(tenant)
    await wait_until_it_speaks(process, tenant, sent)
    run, held = await taken_over(process, tenant, sent)
    if is_deleted:
        await delete_thread(process.adapters.database, tenant.caller.tenant_id, sent.thread_id)
    else:
        await salvage(process.adapters, run, held, Cancelled("The run was cancelled."))

    with pytest.raises(Conflict, match="deleted, or its run ended"):
        await salvage(process.adapters, run, held, LOST)

    assert is_deleted or (await process.stored(tenant, sent)).status == "CANCELLED"
