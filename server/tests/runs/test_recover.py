"""Runs that lost their process: which go on, which end, and that no other process's word counts any more."""

from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.errors import TakenOver
from backboard_server.runs import recover
from backboard_server.runs.log import TAKEOVER_JUMP
from backboard_server.runs.recover import recover_lost_runs
from backboard_server.store.database import Connection
from backboard_server.store.run_logs import list_rows
from backboard_server.store.runs import cancel_run
from fake_vendor import Answer, FakeVendor
from replica import Replica, Sent, let_lease_run_out
from tenants import Tenant
from waiting import wait_until

SILENT = Answer(text="Never heard", first_byte_delay_seconds=30)
LONG = Answer(text="word " * 400, chunk_delay_seconds=0.01)


async def sequences(process: Replica, tenant: Tenant, sent: Sent) -> list[tuple[int, int]]:
    rows = await list_rows(process.adapters.database, tenant.caller.tenant_id, sent.run_id, after=0)
    return [(row.first_sequence, row.last_sequence) for row in rows]


async def wait_until_it_is_logged(process: Replica, tenant: Tenant, sent: Sent) -> None:
    """Wait until more of a run is written than its beginning."""

    async def is_logged() -> bool:
        return len(await sequences(process, tenant, sent)) > 1

    await wait_until(is_logged)


async def test_a_run_that_had_said_nothing_is_answered_as_if_nothing_had_happened(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(SILENT, Answer(text="Here I am."))
    thinking: dict[str, Any] = {"system_prompt": "Be brief.", "tools": None}
    sent = await process.send(tenant, "Are you there?", **thinking)
    await vendor.wait_for_requests(1)
    process.lose(sent)

    await other.take_over(owner, sent)
    run = await other.wait_for_status(tenant, sent, "COMPLETED", "FAILED")

    assert run.status == "COMPLETED"
    thread = await other.thread(tenant, sent)
    assert [message.content for message in thread.messages] == ["Are you there?", "Here I am."]
    asked = vendor.requests[-1].body["messages"]
    assert [message["content"] for message in asked] == ["Be brief.", "Are you there?"]


async def test_a_run_that_is_lost_again_before_it_says_anything_goes_on_again(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(SILENT, SILENT, Answer(text="Here I am."))
    sent = await process.send(tenant)
    await vendor.wait_for_requests(1)
    process.lose(sent)
    await other.take_over(owner, sent)
    await vendor.wait_for_requests(2)
    await wait_until_it_is_logged(other, tenant, sent)

    await process.take_over(owner, sent)
    run = await process.wait_for_status(tenant, sent, "COMPLETED", "FAILED")

    assert run.status == "COMPLETED"
    thread = await process.thread(tenant, sent)
    assert [message.content for message in thread.messages] == ["Hi", "Here I am."]


async def test_the_numbers_of_a_run_that_changed_hands_leave_a_gap(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(SILENT, Answer(text="Here I am."))
    sent = await process.send(tenant)
    await vendor.wait_for_requests(1)
    process.lose(sent)

    await other.take_over(owner, sent)
    await other.wait_for_status(tenant, sent, "COMPLETED")

    logged = await sequences(other, tenant, sent)
    assert logged[0] == (1, 4)
    assert logged[1][0] == 4 + TAKEOVER_JUMP + 1


async def test_a_run_that_had_begun_to_speak_ends_with_what_it_said(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(LONG)
    sent = await process.send(tenant)
    await wait_until_it_is_logged(process, tenant, sent)
    process.lose(sent)

    await other.take_over(owner, sent)
    run = await other.wait_for_status(tenant, sent, "COMPLETED", "FAILED")

    answer = (await other.thread(tenant, sent)).messages[-1]
    assert (run.status, run.error_code, answer.status) == ("FAILED", "run_interrupted", "FAILED")
    assert (answer.content or "").startswith("word word")
    assert len(vendor.requests) == 1


async def test_a_process_that_comes_back_writes_nothing_any_more(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(Answer(text="From the dead", first_byte_delay_seconds=1.0), Answer(text="Here I am."))
    sent = await process.send(tenant)
    await vendor.wait_for_requests(1)

    await other.take_over(owner, sent)
    await other.wait_for_status(tenant, sent, "COMPLETED")
    with pytest.raises(TakenOver):
        await sent.live.last_event()

    thread = await other.thread(tenant, sent)
    assert [message.content for message in thread.messages] == ["Hi", "Here I am."]


async def test_a_run_whose_cancel_nobody_heard_is_cancelled(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(SILENT)
    sent = await process.send(tenant)
    await vendor.wait_for_requests(1)
    process.lose(sent)
    await cancel_run(process.adapters.database, tenant.caller.tenant_id, sent.thread_id, sent.run_id)

    await other.take_over(owner, sent)

    assert (await other.wait_for_status(tenant, sent, "CANCELLED", "FAILED")).status == "CANCELLED"


async def test_a_run_that_kills_process_after_process_is_given_up(
    process: Replica,
    other: Replica,
    tenant: Tenant,
    vendor: FakeVendor,
    owner: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recover, "TAKEOVERS_MAX", 1)
    vendor.script(SILENT)
    sent = await process.send(tenant)
    await vendor.wait_for_requests(1)
    process.lose(sent)

    await other.take_over(owner, sent)
    run = await other.wait_for_status(tenant, sent, "FAILED")

    assert run.error_code == "run_interrupted"
    assert len(vendor.requests) == 1


async def test_a_run_whose_process_lives_is_left_to_it(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(Answer(text="Late", first_byte_delay_seconds=0.5))
    sent = await process.send(tenant)

    await recover_lost_runs(other.adapters, other.journal)

    assert other.live.find(sent.run_id) is None
    await sent.live.last_event()
    assert await owner.fetchval("SELECT epoch FROM runs WHERE id = $1", sent.run_id) == 1


async def test_a_lost_run_of_a_deleted_thread_needs_nothing(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(SILENT)
    sent = await process.send(tenant)
    await vendor.wait_for_requests(1)
    process.lose(sent)
    await let_lease_run_out(owner, sent)
    async with owner.transaction():
        await owner.execute(
            "SELECT set_config('backboard.tenant_id', $1, true)", str(tenant.caller.tenant_id)
        )
        await owner.execute("DELETE FROM threads WHERE id = $1", sent.thread_id)

    await recover_lost_runs(other.adapters, other.journal)

    assert other.live.find(sent.run_id) is None
