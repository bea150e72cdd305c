"""The queue of a thread in Postgres: what a message does to the run before it, and who is next."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from backboard_server.domain.errors import Conflict
from backboard_server.domain.ids import new_id
from backboard_server.domain.threads import Turn
from backboard_server.store.database import Database
from backboard_server.store.run_logs import list_rows
from backboard_server.store.runs import QueuedAnswer, cancel_run, continue_turn, find_state, start_queued
from backboard_server.store.threads import get_thread
from backboard_server.store.turns import open_turn
from run_requests import (
    CALLS,
    Begun,
    begin,
    complete,
    continuing,
    enqueue,
    outputs_of,
    row,
    starting,
    stored,
    wait_for_tools,
)
from tenants import Tenant
from turn_requests import opening, say

ENDED = QueuedAnswer(ended=True)
WAITS = QueuedAnswer(waits=True)
DEADLINE_SECONDS = 5.0


async def start(database: Database, tenant: Tenant, begun: Begun, **changes: Any) -> Turn | QueuedAnswer:
    return await start_queued(database, tenant.caller.tenant_id, starting(begun, **changes))


async def told(database: Database, tenant: Tenant, begun: Begun) -> list[tuple[str | None, str]]:
    thread = await get_thread(database, tenant.caller.tenant_id, begun.thread_id)
    return [(message.content, message.status) for message in thread.messages]


async def sequence_of(database: Database, tenant: Tenant, message_id: UUID) -> int | None:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        return await connection.fetchval("SELECT sequence FROM messages WHERE id = $1", message_id)


async def test_a_message_to_a_busy_thread_is_stored_without_a_place_and_its_run_is_queued(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant, content="one")

    second = await enqueue(database, tenant, first.thread_id, content="two")

    run = await stored(database, tenant, second)
    assert (run.status, run.started_at, run.question_id) == ("QUEUED", None, second.request.message_id)
    assert run.message_id == second.answer_id
    assert await sequence_of(database, tenant, second.request.message_id) is None
    thread = await get_thread(database, tenant.caller.tenant_id, first.thread_id)
    assert (thread.message_count, thread.first_user_message) == (1, "one")
    assert await list_rows(database, tenant.caller.tenant_id, second.run_id, after=0) == [row(1, 3)]


async def test_whether_it_is_its_turn_is_asked_without_waiting_for_the_runs_before_it(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant)
    second = await enqueue(database, tenant, first.thread_id)

    async with database.tenant(tenant.caller.tenant_id) as renewing:
        await renewing.execute("SELECT FROM runs WHERE id = $1 FOR NO KEY UPDATE", first.run_id)
        async with asyncio.timeout(DEADLINE_SECONDS):
            assert await start(database, tenant, second) == WAITS


async def test_a_queued_message_comes_last_in_its_thread_until_it_has_its_place(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant, content="one")
    await enqueue(database, tenant, first.thread_id, content="two")
    await complete(database, tenant, first, content="re: one")

    assert [content for content, _ in await told(database, tenant, first)] == ["one", "re: one", "two"]


async def test_a_message_that_no_model_answers_waits_for_nobody(database: Database, tenant: Tenant) -> None:
    first = await begin(database, tenant, content="one")

    opened = await open_turn(
        database,
        tenant.caller.tenant_id,
        opening(thread_id=first.thread_id, run_id=None, answer_id=None, content="noted"),
    )

    assert isinstance(opened, Turn)
    assert [content for content, _ in await told(database, tenant, first)] == ["one", "noted"]


async def test_other_threads_are_not_waited_for(database: Database, tenant: Tenant) -> None:
    await begin(database, tenant)

    assert isinstance(await open_turn(database, tenant.caller.tenant_id, opening()), Turn)


async def test_a_queued_run_waits_for_those_before_it_and_then_sees_what_they_said(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant, content="one")
    second = await enqueue(database, tenant, first.thread_id, content="two")
    third = await enqueue(database, tenant, first.thread_id, content="three")

    assert await start(database, tenant, second) == WAITS
    await complete(database, tenant, first, content="re: one")
    assert await start(database, tenant, third) == WAITS
    turn = await start(database, tenant, second)
    assert await start(database, tenant, third) == WAITS

    assert isinstance(turn, Turn)
    assert [message.content for message in turn.history] == ["one", "re: one", "two"]
    assert turn.history[-1].id == second.request.message_id
    run = await stored(database, tenant, second)
    assert run.status == "IN_PROGRESS"
    assert run.started_at is not None
    assert await sequence_of(database, tenant, second.request.message_id) == 3
    await complete(database, tenant, second, content="re: two")
    last = await start(database, tenant, third)
    assert isinstance(last, Turn)
    assert [message.content for message in last.history][3:] == ["re: two", "three"]


async def test_messages_that_come_at_once_all_keep_their_place(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "zero")
    requests = [opening(thread_id=first.thread_id, content=str(number)) for number in range(8)]

    opened = await asyncio.gather(
        *(open_turn(database, tenant.caller.tenant_id, request) for request in requests)
    )

    begun = [Begun(request, first.thread_id) for request in requests]
    (running,) = [run for run, turn in zip(begun, opened, strict=True) if isinstance(turn, Turn)]
    queued = [run for run in begun if run is not running]
    await complete(database, tenant, running)
    for run in queued:
        assert isinstance(await start(database, tenant, run), Turn)
        await complete(database, tenant, run)
    thread = await get_thread(database, tenant.caller.tenant_id, first.thread_id)
    assert thread.message_count == len(thread.messages) == 18
    said = [message.content for message in thread.messages if message.role == "user"]
    assert said == ["zero", running.request.content, *(run.request.content for run in queued)]


async def test_a_queued_run_that_was_ended_or_changed_hands_has_no_turn(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    first = await begin(database, tenant)
    second = await enqueue(database, tenant, first.thread_id)
    third = await enqueue(database, tenant, first.thread_id)
    await cancel_run(database, tenant.caller.tenant_id, second.thread_id, second.run_id)
    await complete(database, tenant, first)

    assert await start(database, tenant, second) == ENDED
    assert await start(database, tenant, third, epoch=2) == ENDED
    assert await start(database, other_tenant, third) == ENDED
    assert await start(database, tenant, third, run_id=new_id()) == ENDED
    assert isinstance(await start(database, tenant, third), Turn)
    assert await start(database, tenant, third) == ENDED


async def test_where_it_is_asked_for_a_message_to_a_busy_thread_is_refused_and_leaves_nothing(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant)
    request = opening(thread_id=first.thread_id, on_active_run="reject")

    with pytest.raises(Conflict, match=f"{first.run_id} is IN_PROGRESS") as raised:
        await open_turn(database, tenant.caller.tenant_id, request)
    assert raised.value.error_code == "run_active"
    await complete(database, tenant, first, status="REQUIRES_ACTION")
    with pytest.raises(Conflict, match="REQUIRES_ACTION"):
        await open_turn(database, tenant.caller.tenant_id, request)

    assert len(await told(database, tenant, first)) == 2
    assert (await stored(database, tenant, first)).status == "REQUIRES_ACTION"


async def test_a_thread_whose_runs_are_over_refuses_nothing(database: Database, tenant: Tenant) -> None:
    first = await begin(database, tenant)
    await complete(database, tenant, first, status="FAILED", error_code="x", error="x")

    opened = await open_turn(
        database, tenant.caller.tenant_id, opening(thread_id=first.thread_id, on_active_run="reject")
    )

    assert isinstance(opened, Turn)


async def test_where_it_is_asked_for_a_message_cancels_what_is_before_it(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant, content="one")
    second = await enqueue(database, tenant, first.thread_id, content="two")

    third = await enqueue(database, tenant, first.thread_id, content="three", on_active_run="cancel")

    ended = await stored(database, tenant, second)
    assert (ended.status, ended.error_code) == ("CANCELLED", "superseded")
    assert await sequence_of(database, tenant, second.request.message_id) == 2
    state = await find_state(database, tenant.caller.tenant_id, first.run_id)
    assert state is not None
    assert state.status == "IN_PROGRESS"
    async with database.tenant(tenant.caller.tenant_id) as connection:
        asked = await connection.fetch("SELECT id FROM runs WHERE cancel_requested_at IS NOT NULL")
    assert [run["id"] for run in asked] == [first.run_id]
    await complete(database, tenant, first, status="CANCELLED", content="re:")
    turn = await start(database, tenant, third)
    assert isinstance(turn, Turn)
    assert [message.content for message in turn.history] == ["one", "two", "re:", "three"]


@pytest.mark.parametrize("policy", ["queue", "cancel"])
async def test_a_new_message_takes_the_place_of_a_run_that_waits_for_the_application(
    database: Database, tenant: Tenant, policy: str
) -> None:
    first = await wait_for_tools(database, tenant)
    request = opening(thread_id=first.thread_id, on_active_run=policy)

    opened = await open_turn(database, tenant.caller.tenant_id, request)

    assert isinstance(opened, Turn)
    run = await stored(database, tenant, first)
    assert (run.status, run.error_code, run.tool_calls) == ("CANCELLED", "superseded", None)
    assert run.error == "A new message was sent before the outputs of the tools."
    assert run.ended_at is not None
    assert [status for _, status in await told(database, tenant, first)] == [
        "COMPLETED", "CANCELLED", "COMPLETED",
    ]  # fmt: skip
    told_last = (await list_rows(database, tenant.caller.tenant_id, first.run_id, after=0))[-1]
    assert (told_last.first_sequence, told_last.last_sequence) == (5, 5)
    assert '[{"type": "run_cancelled", "created_at": "' in told_last.events
    assert f'"message_id": "{first.answer_id}"' in told_last.events


async def test_a_run_that_waits_for_tools_is_waited_for_a_while_by_those_in_the_queue(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant)
    second = await enqueue(database, tenant, first.thread_id)
    await complete(database, tenant, first, status="REQUIRES_ACTION")

    assert await start(database, tenant, second, tools_wait_seconds=60.0) == WAITS
    assert (await stored(database, tenant, first)).status == "REQUIRES_ACTION"
    assert isinstance(await start(database, tenant, second, tools_wait_seconds=0.0), Turn)

    run = await stored(database, tenant, first)
    assert (run.status, run.error_code) == ("CANCELLED", "superseded")
    assert run.error == "The outputs of the tools did not come while a message waited."


async def test_a_message_behind_a_queue_waits_although_the_run_before_that_is_superseded(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant)
    second = await enqueue(database, tenant, first.thread_id)
    await complete(database, tenant, first, status="REQUIRES_ACTION")

    third = await enqueue(database, tenant, first.thread_id)

    assert (await stored(database, tenant, first)).status == "CANCELLED"
    assert await start(database, tenant, third) == WAITS
    assert isinstance(await start(database, tenant, second), Turn)


async def test_outputs_that_come_before_the_queue_gives_up_let_the_run_go_on(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant)
    second = await enqueue(database, tenant, first.thread_id)
    await complete(database, tenant, first, status="REQUIRES_ACTION", tool_calls=CALLS)

    request = continuing(first, outputs_of(call_1="one", call_2="two"))
    await continue_turn(database, tenant.caller.tenant_id, request)

    assert await start(database, tenant, second, tools_wait_seconds=0.0) == WAITS
    assert (await stored(database, tenant, first)).status == "IN_PROGRESS"
