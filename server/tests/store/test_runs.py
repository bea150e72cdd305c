"""Runs in Postgres: read, ended from outside, and taken over when their process is lost."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from uuid import UUID

import pytest

from backboard_server.domain.errors import NotFound, TakenOver
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import RunOptions
from backboard_server.domain.prompts import Usage
from backboard_server.domain.runs import Attempt, HeldRun
from backboard_server.store.database import Connection, Database
from backboard_server.store.run_logs import list_rows
from backboard_server.store.runs import (
    cancel_run,
    claim_lost_runs,
    find_run,
    find_state,
    get_run,
    list_runs,
    resume_turn,
    take_over_run,
)
from backboard_server.store.threads import delete_thread, get_thread
from backboard_server.store.turns import TurnLimits
from run_requests import (
    CALLS,
    LEASE_SECONDS,
    Begun,
    begin,
    complete,
    enqueue,
    stored,
    wait_for_tools,
)
from tenants import Tenant
from turn_requests import opening, say, turn_of

LIMITS = TurnLimits(history_tokens_max=1000, history_messages_max=10, media_max=20)


@pytest.fixture
async def lost(database: Database, tenant: Tenant, owner: Connection) -> AsyncGenerator[Begun]:
    """A run whose process has let its lease run out; nobody else's is claimed instead of it."""
    await owner.execute(
        "UPDATE runs SET lease_until = now() + INTERVAL '1 hour' WHERE lease_until IS NOT NULL"
    )
    begun = await begin(database, tenant, options=RunOptions(system_prompt="Once"))
    await expire(database, tenant, begun)
    yield begun
    await owner.execute("UPDATE runs SET lease_until = NULL WHERE tenant_id = $1", tenant.caller.tenant_id)


async def expire(database: Database, tenant: Tenant, begun: Begun) -> None:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            "UPDATE runs SET lease_until = now() - INTERVAL '1 second' WHERE id = $1", begun.run_id
        )


async def claim(database: Database, limit: int = 10) -> list[HeldRun]:
    return await claim_lost_runs(database, limit=limit, lease_seconds=LEASE_SECONDS)


async def cancel(database: Database, tenant: Tenant, begun: Begun) -> str:
    return await cancel_run(database, tenant.caller.tenant_id, begun.thread_id, begun.run_id)


async def test_a_run_is_known_from_its_beginning_to_its_end(database: Database, tenant: Tenant) -> None:
    begun = await begin(database, tenant)
    first = await stored(database, tenant, begun)
    attempt = Attempt(model_provider="local", model_name="quotes")
    await complete(database, tenant, begun, cost_usd=0.5, attempts=[attempt])
    last = await stored(database, tenant, begun)

    assert (first.id, first.thread_id, first.status) == (begun.run_id, begun.thread_id, "IN_PROGRESS")
    assert (first.message_id, first.question_id) == (begun.answer_id, begun.request.message_id)
    assert (first.model_provider, first.model_name) == ("local", "quotes")
    assert (first.usage, first.cost_usd, first.ended_at, first.tool_calls) == (None, None, None, None)
    assert first.started_at == first.created_at
    assert (last.status, last.cost_usd, last.attempts) == ("COMPLETED", 0.5, [attempt])
    assert last.usage == Usage(input_tokens=7, output_tokens=2)
    assert last.ended_at is not None
    assert await find_run(database, tenant.caller.tenant_id, begun.run_id) == last


async def test_a_run_that_waits_tells_which_calls_are_pending_and_has_not_ended(
    database: Database, tenant: Tenant
) -> None:
    waiting = await wait_for_tools(database, tenant)

    run = await stored(database, tenant, waiting)

    assert (run.status, run.ended_at) == ("REQUIRES_ACTION", None)
    assert run.tool_calls == [*CALLS]


async def test_a_run_is_found_in_its_own_thread_of_its_own_tenant_alone(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    begun = await begin(database, tenant)
    other = await say(database, tenant, None, "elsewhere")
    ids: list[tuple[UUID, UUID, UUID]] = [
        (tenant.caller.tenant_id, other.thread_id, begun.run_id),
        (tenant.caller.tenant_id, begun.thread_id, new_id()),
        (other_tenant.caller.tenant_id, begun.thread_id, begun.run_id),
    ]

    for tenant_id, thread_id, run_id in ids:
        with pytest.raises(NotFound, match=r"^Run not found$"):
            await get_run(database, tenant_id, thread_id, run_id)
    assert await find_run(database, other_tenant.caller.tenant_id, begun.run_id) is None
    assert await find_state(database, other_tenant.caller.tenant_id, begun.run_id) is None


async def test_runs_are_listed_newest_first_page_by_page(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    first = await begin(database, tenant)
    queued = [await enqueue(database, tenant, first.thread_id) for _ in range(3)]
    await begin(database, tenant)
    newest_first = [begun.run_id for begun in (*reversed(queued), first)]

    async def page(skip: int, limit: int) -> list[UUID]:
        listed = await list_runs(database, tenant.caller.tenant_id, first.thread_id, skip=skip, limit=limit)
        return [run.id for run in listed]

    assert await page(0, 10) == newest_first
    assert await page(1, 2) == newest_first[1:3]
    assert await page(4, 2) == []
    for tenant_id, thread_id in (
        (tenant.caller.tenant_id, new_id()),
        (other_tenant.caller.tenant_id, first.thread_id),
    ):
        with pytest.raises(NotFound, match="Thread not found"):
            await list_runs(database, tenant_id, thread_id, skip=0, limit=10)


async def test_a_queued_run_is_cancelled_at_once_and_its_message_gets_its_place(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant, content="one")
    second = await enqueue(database, tenant, first.thread_id, content="two")

    assert await cancel(database, tenant, second) == "CANCELLED"

    run = await stored(database, tenant, second)
    assert (run.status, run.error_code, run.error) == ("CANCELLED", "cancelled", "The run was cancelled.")
    thread = await get_thread(database, tenant.caller.tenant_id, first.thread_id)
    assert [message.content for message in thread.messages] == ["one", "two"]
    assert thread.message_count == 2
    rows = await list_rows(database, tenant.caller.tenant_id, second.run_id, after=0)
    assert [(logged.first_sequence, logged.last_sequence) for logged in rows] == [(1, 3), (4, 4)]
    assert '[{"type": "run_cancelled", "created_at": "' in rows[-1].events
    assert '"message_id": null' in rows[-1].events


async def test_a_run_that_waits_for_tools_is_cancelled_at_once_with_its_answer(
    database: Database, tenant: Tenant
) -> None:
    waiting = await wait_for_tools(database, tenant)

    assert await cancel(database, tenant, waiting) == "CANCELLED"

    run = await stored(database, tenant, waiting)
    assert (run.status, run.error_code, run.tool_calls) == ("CANCELLED", "cancelled", None)
    thread = await get_thread(database, tenant.caller.tenant_id, waiting.thread_id)
    assert [message.status for message in thread.messages] == ["COMPLETED", "CANCELLED"]
    state = await find_state(database, tenant.caller.tenant_id, waiting.run_id)
    assert state is not None
    assert (state.epoch, state.logged_through) == (2, 5)


async def test_a_run_under_way_is_asked_to_stop_and_goes_on_until_its_process_hears_it(
    database: Database, tenant: Tenant
) -> None:
    begun = await begin(database, tenant)

    assert await cancel(database, tenant, begun) == "IN_PROGRESS"
    assert await cancel(database, tenant, begun) == "IN_PROGRESS"

    held = await take_over_run(database, tenant.caller.tenant_id, begun.run_id, LEASE_SECONDS)
    assert held is not None
    assert held.is_cancel_requested
    await complete(database, tenant, begun, status="CANCELLED", epoch=2)
    assert (await stored(database, tenant, begun)).status == "CANCELLED"


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "CANCELLED"])
async def test_a_run_that_is_over_is_not_cancelled_any_more(
    database: Database, tenant: Tenant, status: str
) -> None:
    begun = await begin(database, tenant)
    await complete(database, tenant, begun, status=status)
    before = await stored(database, tenant, begun)

    assert await cancel(database, tenant, begun) == status
    assert await stored(database, tenant, begun) == before


async def test_what_is_not_found_is_not_cancelled(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    begun = await begin(database, tenant)

    with pytest.raises(NotFound, match="Run not found"):
        await cancel_run(database, tenant.caller.tenant_id, begun.thread_id, new_id())
    for tenant_id in (tenant.caller.tenant_id, other_tenant.caller.tenant_id):
        thread_id = new_id() if tenant_id == tenant.caller.tenant_id else begun.thread_id
        with pytest.raises(NotFound, match="Thread not found"):
            await cancel_run(database, tenant_id, thread_id, begun.run_id)


async def test_a_run_that_is_taken_over_is_its_former_process_s_no_more(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    options = RunOptions(system_prompt="Once")
    begun = await begin(database, tenant, options=options)

    assert await take_over_run(database, other_tenant.caller.tenant_id, begun.run_id, 1.0) is None
    held = await take_over_run(database, tenant.caller.tenant_id, begun.run_id, LEASE_SECONDS)

    assert held is not None
    assert held == HeldRun(
        tenant_id=tenant.caller.tenant_id,
        run_id=begun.run_id,
        thread_id=begun.thread_id,
        assistant_id=held.assistant_id,
        answer_id=begun.answer_id,
        question_id=begun.request.message_id,
        key_id=begun.request.key_id,
        epoch=2,
        status="IN_PROGRESS",
        options=options,
        model_provider="local",
        model_name="quotes",
        logged_through=4,
        step_after=4,
        takeovers=1,
    )
    with pytest.raises(TakenOver):
        await complete(database, tenant, begun, epoch=1)
    await complete(database, tenant, begun, epoch=2)
    assert await take_over_run(database, tenant.caller.tenant_id, begun.run_id, LEASE_SECONDS) is None


async def test_a_lost_run_is_claimed_once_until_its_lease_runs_out_again(
    database: Database, tenant: Tenant, lost: Begun
) -> None:
    (held,) = await claim(database)
    again = await claim(database)
    await expire(database, tenant, lost)
    (held_again,) = await claim(database)

    assert (held.run_id, held.tenant_id, held.epoch) == (lost.run_id, tenant.caller.tenant_id, 2)
    assert (held.takeovers, held.status, held.assistant_id) == (1, "IN_PROGRESS", None)
    assert held.options == RunOptions(system_prompt="Once")
    assert again == []
    assert (held_again.epoch, held_again.takeovers) == (3, 2)


async def test_a_queued_run_is_claimed_too_and_what_no_process_has_is_not(
    database: Database, tenant: Tenant, lost: Begun
) -> None:
    queued = await enqueue(database, tenant, lost.thread_id)
    await expire(database, tenant, queued)
    ended = await begin(database, tenant)
    await complete(database, tenant, ended)
    waiting = await wait_for_tools(database, tenant)
    await begin(database, tenant, lease_seconds=LEASE_SECONDS)
    for begun in (ended, waiting):
        await expire(database, tenant, begun)

    claimed = await claim(database)

    assert [(held.run_id, held.status, held.takeovers) for held in claimed] == [
        (lost.run_id, "IN_PROGRESS", 1),
        (queued.run_id, "QUEUED", 0),
    ]


async def test_no_more_lost_runs_are_claimed_than_asked_for_and_the_longest_lost_first(
    database: Database, tenant: Tenant, lost: Begun
) -> None:
    later = await begin(database, tenant)
    await expire(database, tenant, later)

    first = await claim(database, limit=1)
    second = await claim(database, limit=1)

    assert [held.run_id for held in (*first, *second)] == [lost.run_id, later.run_id]


async def test_a_run_that_goes_on_sees_all_that_was_said_and_never_loses_its_own_messages(
    database: Database, tenant: Tenant
) -> None:
    turn = await say(database, tenant, None, "before", tokens=5)
    begun = await begin(database, tenant, turn.thread_id, content="question", tokens=400)
    next_answer_id = new_id()
    await complete(
        database, tenant, begun, status="IN_PROGRESS", content="", tool_calls=CALLS[:1], tokens=400,
        next_answer_id=next_answer_id,
    )  # fmt: skip
    whole = await resume_turn(database, tenant.caller.tenant_id, begun.run_id, LIMITS)
    small = TurnLimits(history_tokens_max=10, history_messages_max=10, media_max=20)

    cut = await resume_turn(database, tenant.caller.tenant_id, begun.run_id, small)

    assert [message.content for message in whole.history] == ["before", "re: before", "question", ""]
    assert [message.content for message in cut.history] == ["question", ""]
    assert cut.history[-1].tool_calls == [CALLS[0]]
    assert cut.earlier_messages == 2


async def test_a_run_that_goes_on_does_not_see_what_was_saved_beside_it(
    database: Database, tenant: Tenant
) -> None:
    turn = await say(database, tenant, None, "before", tokens=5)
    begun = await begin(database, tenant, turn.thread_id, content="question")
    await turn_of(
        database, tenant, opening(thread_id=turn.thread_id, run_id=None, answer_id=None, content="a note")
    )
    await complete(
        database,
        tenant,
        begun,
        status="IN_PROGRESS",
        content="",
        tool_calls=CALLS[:1],
        next_answer_id=new_id(),
    )
    await turn_of(
        database, tenant, opening(thread_id=turn.thread_id, run_id=None, answer_id=None, content="more")
    )

    resumed = await resume_turn(database, tenant.caller.tenant_id, begun.run_id, LIMITS)

    assert [message.content for message in resumed.history] == ["before", "re: before", "question", ""]
    assert (resumed.earlier_messages, resumed.unsummarised_messages) == (0, 4)


async def test_a_run_that_is_gone_has_no_turn(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    begun = await begin(database, tenant)
    for tenant_id, run_id in (
        (tenant.caller.tenant_id, new_id()),
        (other_tenant.caller.tenant_id, begun.run_id),
    ):
        with pytest.raises(NotFound, match="Run not found"):
            await resume_turn(database, tenant_id, run_id, LIMITS)

    await delete_thread(database, tenant.caller.tenant_id, begun.thread_id)

    with pytest.raises(NotFound):
        await resume_turn(database, tenant.caller.tenant_id, begun.run_id, LIMITS)
    assert await find_run(database, tenant.caller.tenant_id, begun.run_id) is None
    assert await list_rows(database, tenant.caller.tenant_id, begun.run_id, after=0) == []
