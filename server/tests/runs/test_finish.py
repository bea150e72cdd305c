"""The end of a run: what is stored of it, and what the client is told."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from obstore.store import MemoryStore

from backboard_server.adapters import Adapters, Limits
from backboard_server.domain import events
from backboard_server.domain.errors import Conflict, Unavailable, Upstream
from backboard_server.domain.events import ContextUsage, RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    ReasoningDelta,
    Sidecar,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from backboard_server.domain.runs import Attempt
from backboard_server.domain.threads import HistoryMessage, Turn
from backboard_server.providers import Providers
from backboard_server.providers.outside import GuardedOutside
from backboard_server.runs.context import assemble
from backboard_server.runs.draft import Draft, views
from backboard_server.runs.finish import OpenRun, finish
from backboard_server.store import turns
from backboard_server.store.address import APP_ROLE, Address
from backboard_server.store.blobs import Blobs
from backboard_server.store.database import connect_owner, open_database
from backboard_server.store.migrate import migrate
from backboard_server.store.sealing import Sealer
from backboard_server.store.threads import delete_thread, get_thread
from backboard_server.store.turns import open_turn
from external_postgres import external_postgres
from tenants import Tenant, make_tenant
from turn_requests import opening, turn_of

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CHOICE = ModelChoice("openai", "gpt-x")
LONG = "x" * 384  # with what a message adds: 100 tokens by our estimate


async def open_run(
    adapters: Adapters, tenant: Tenant, content: str = "Hello", *, turn: dict[str, Any] | None = None
) -> OpenRun:
    """A run whose turn is open in the database; `turn` overrides what was read of the thread."""
    request = opening(content=content, model_provider=CHOICE.provider, model_name=CHOICE.model)
    opened = await turn_of(adapters.database, tenant, request)
    opened = msgspec.structs.replace(opened, **(turn or {}))
    assert request.run_id is not None
    assert request.answer_id is not None
    return OpenRun(
        caller=tenant.caller,
        run_id=request.run_id,
        answer_id=request.answer_id,
        ids=RunIds(str(opened.thread_id), str(opened.assistant_id), str(request.run_id)),
        turn=opened,
        choice=CHOICE,
        context=assemble(opened, SendMessage(content=content), CHOICE),
        attachments=[],
    )


def drafted(run: OpenRun, *deltas: Delta) -> Draft:
    draft = Draft(run.ids, run.choice)
    for delta in deltas:
        for _ in draft.add(delta):
            pass
    return draft


def message_shown() -> HistoryMessage:
    return HistoryMessage(id=new_id(), role="user", content="x", status="COMPLETED", tokens=1)


async def reopened(adapters: Adapters, run: OpenRun) -> Turn:
    turn = await open_turn(adapters.database, run.caller.tenant_id, opening(thread_id=run.turn.thread_id))
    assert isinstance(turn, Turn)
    return turn


async def stored_run(adapters: Adapters, run: OpenRun) -> dict[str, Any]:
    async with adapters.database.tenant(run.caller.tenant_id) as connection:
        row = await connection.fetchrow("SELECT * FROM runs WHERE id = $1", run.run_id)
    assert row is not None
    return dict(row.items())


async def summary_jobs(adapters: Adapters, run: OpenRun) -> list[dict[str, Any]]:
    async with adapters.database.tenant(run.caller.tenant_id) as connection:
        rows = await connection.fetch("SELECT payload FROM jobs WHERE kind = 'summarise_thread'")
    return [msgspec.json.decode(row["payload"]) for row in rows]


async def test_a_good_answer_is_stored_and_told_with_the_providers_counts(
    adapters: Adapters, tenant: Tenant
) -> None:
    run = await open_run(adapters, tenant)
    usage = Usage(30, 12, 5, 2, 4)
    draft = drafted(run, ReasoningDelta("Hm"), TextDelta("Hi"), Finish("stop", usage))
    draft.attempts.append(Attempt(model_provider="openai", model_name="gpt-x"))

    told = await finish(adapters, run, draft, NOW)

    assert told == events.RunEnded(
        thread_id=run.ids.thread_id,
        assistant_id=run.ids.assistant_id,
        run_id=str(run.run_id),
        message_id=str(run.answer_id),
        content="Hi",
        final_content="Hi",
        reasoning="Hm",
        model_provider="openai",
        model_name="gpt-x",
        input_tokens=30,
        output_tokens=12,
        total_tokens=42,
        cached_input_tokens=5,
        cache_write_input_tokens=2,
        reasoning_tokens=4,
        cost_usd=None,
        attempts=[Attempt(model_provider="openai", model_name="gpt-x")],
        context_usage=ContextUsage(
            percent=0.13, used_tokens=42, context_limit=32_768, summary_tokens=0, model="gpt-x"
        ),
        created_at=NOW,
    )
    answer = (await get_thread(adapters.database, run.caller.tenant_id, run.turn.thread_id)).messages[-1]
    assert (answer.id, answer.content, answer.status) == (run.answer_id, "Hi", "COMPLETED")
    assert (answer.input_tokens, answer.output_tokens, answer.created_at) == (30, 12, NOW)
    stored = await stored_run(adapters, run)
    assert (stored["status"], stored["error"]) == ("COMPLETED", None)
    assert msgspec.json.decode(stored["usage"], type=Usage) == usage


@pytest.mark.parametrize(("own_cost", "source"), [(None, "models.dev"), (0.75, "provider")])
async def test_what_a_run_tried_and_cost_is_stored_with_where_the_price_is_from(
    adapters: Adapters, tenant: Tenant, own_cost: float | None, source: str
) -> None:
    run = await open_run(adapters, tenant)
    draft = drafted(run, TextDelta("Hi"), Finish("stop", Usage(1_000_000, 0, cost_usd=own_cost)))
    draft.choice = ModelChoice("openai", "gpt-4o")
    failed = Attempt(model_provider="openai", model_name="gpt-x", error_code="c", error="e")
    draft.attempts += [failed, Attempt(model_provider="openai", model_name="gpt-4o")]

    await finish(adapters, run, draft, NOW)

    stored = await stored_run(adapters, run)
    assert msgspec.json.decode(stored["attempts"], type=list[Attempt]) == draft.attempts
    async with adapters.database.tenant(run.caller.tenant_id) as connection:
        used = await connection.fetchrow("SELECT * FROM usage WHERE id = $1", run.run_id)
    assert used is not None
    assert (used["model_name"], used["key_id"]) == ("gpt-4o", run.caller.key_id)
    assert (used["cost_usd"], used["price_source"]) == (own_cost or 2.5, source)
    assert (used["price_dated"] is None) == (source == "provider")


async def test_where_the_provider_counts_nothing_our_estimate_stands(
    adapters: Adapters, tenant: Tenant
) -> None:
    run = await open_run(adapters, tenant, LONG, turn={"token_ratio": 1.5})
    draft = drafted(run, ReasoningDelta("four"), TextDelta("eight ch"), Finish("stop"))

    told = await finish(adapters, run, draft, NOW)

    assert isinstance(told, events.RunEnded)
    assert (told.input_tokens, told.output_tokens, told.total_tokens) == (150, 3, 153)


async def test_tool_calls_leave_the_run_waiting_for_their_outputs(adapters: Adapters, tenant: Tenant) -> None:
    run = await open_run(adapters, tenant)
    draft = drafted(
        run,
        TextDelta("I look"),
        ToolCallDelta(0, '{"at": "it"}', id="call_1", name="look"),
        Finish("tool_calls"),
    )

    told = await finish(adapters, run, draft, NOW)

    assert isinstance(told, events.ToolSubmitRequired)
    assert told.tool_calls == views(draft.tool_calls)
    assert told.output_tokens == 2 + 4
    assert (await stored_run(adapters, run))["status"] == "REQUIRES_ACTION"
    history = (await reopened(adapters, run)).history
    assert history[-1].tool_calls == list(draft.tool_calls)


async def test_tool_calls_count_in_the_history_window(adapters: Adapters, tenant: Tenant) -> None:
    run = await open_run(adapters, tenant)
    call = ToolCallDelta(0, "x" * 396, id="call_1", name="look")

    await finish(adapters, run, drafted(run, call, Finish("tool_calls")), NOW)

    assert (await reopened(adapters, run)).history[-1].tokens == 104


async def test_a_failed_run_keeps_what_was_said_and_why_it_failed(adapters: Adapters, tenant: Tenant) -> None:
    run = await open_run(adapters, tenant)
    failure = Upstream("The provider broke off", kind="truncated", provider="openai")

    told = await finish(adapters, run, drafted(run, TextDelta("Half an ans")), NOW, failure)

    assert isinstance(told, events.RunFailed)
    assert (told.code, told.error) == ("provider_truncated", "The provider broke off")
    answer = (await get_thread(adapters.database, run.caller.tenant_id, run.turn.thread_id)).messages[-1]
    assert (answer.content, answer.status) == ("Half an ans", "FAILED")
    stored = await stored_run(adapters, run)
    assert (stored["status"], stored["error_code"], stored["error"]) == (
        "FAILED",
        "provider_truncated",
        "The provider broke off",
    )


async def test_a_thread_that_was_deleted_meanwhile_is_a_conflict(adapters: Adapters, tenant: Tenant) -> None:
    run = await open_run(adapters, tenant)
    await delete_thread(adapters.database, run.caller.tenant_id, run.turn.thread_id)

    with pytest.raises(Conflict, match="deleted"):
        await finish(adapters, run, drafted(run, TextDelta("Hi"), Finish("stop")), NOW)


@pytest.mark.parametrize(
    ("content", "usage", "expected"),
    [
        (LONG, Usage(200, 1), 1.5),  # halfway from 1 to what was measured
        (LONG, Usage(50, 1), 0.75),
        (LONG, Usage(100_000, 1), 2.5),  # at most 4 is believed
        (LONG, Usage(1, 1), 0.625),  # at least a quarter is
        (LONG, Usage(0, 1), 1.0),  # a provider that does not count its input
        (LONG, None, 1.0),
        ("short", Usage(40, 1), 1.0),  # most of it is what the chat format adds
    ],
)
async def test_the_threads_estimates_move_towards_the_providers_counts(
    adapters: Adapters, tenant: Tenant, content: str, usage: Usage | None, expected: float
) -> None:
    run = await open_run(adapters, tenant, content)

    await finish(adapters, run, drafted(run, TextDelta("Hi"), Finish("stop", usage)), NOW)

    assert (await reopened(adapters, run)).token_ratio == pytest.approx(expected)


@pytest.mark.parametrize(
    ("unsummarised", "shown", "keep"),
    [
        (0, 0, None),
        (6, 6, None),  # six and the two of this turn are two thirds of twelve
        (7, 7, 4),  # one more is not
        (5, 4, 2),  # the budget has cut the window
        (40, 4, 2),
        (40, 12, 4),
    ],
)
async def test_a_summary_is_due_before_the_window_is_cut(
    adapters: Adapters, tenant: Tenant, unsummarised: int, shown: int, keep: int | None
) -> None:
    limited = msgspec.structs.replace(adapters, limits=Limits(history_messages_max=12))
    earlier = [message_shown() for _ in range(shown)]
    run = await open_run(limited, tenant, turn={"unsummarised_messages": unsummarised, "history": earlier})

    await finish(limited, run, drafted(run, TextDelta("Hi"), Finish("stop")), NOW)

    expected = {
        "thread_id": str(run.turn.thread_id),
        "keep": keep,
        "model_provider": "openai",
        "model_name": "gpt-x",
        "key_id": str(tenant.caller.key_id),
        "assistant_id": str(run.turn.assistant_id),
    }
    assert await summary_jobs(limited, run) == ([expected] if keep else [])


async def test_one_summary_waits_per_thread(adapters: Adapters, tenant: Tenant) -> None:
    run = await open_run(adapters, tenant, turn={"unsummarised_messages": 100})
    await finish(adapters, run, drafted(run, TextDelta("Hi"), Finish("stop")), NOW)
    request = opening(thread_id=run.turn.thread_id)
    await open_turn(adapters.database, run.caller.tenant_id, request)
    following = msgspec.structs.replace(run, run_id=request.run_id, answer_id=request.answer_id)

    await finish(adapters, following, drafted(run, TextDelta("Hi"), Finish("stop")), NOW)

    assert len(await summary_jobs(adapters, run)) == 1


async def test_an_answer_waits_for_a_database_that_is_away_for_a_moment(tmp_path: Path) -> None:
    with external_postgres() as cluster:
        address = Address(url=cluster.url(), role=APP_ROLE)
        await migrate(Address(url=cluster.url()))
        owner = await connect_owner(Address(url=cluster.url()))
        tenant = await make_tenant(owner)
        await owner.close()
        models = Providers({})
        adapters = Adapters(
            database=await open_database(address),
            blobs=Blobs(MemoryStore()),
            models=models,
            outside=GuardedOutside(None),
            sealer=Sealer([], tmp_path),
        )
        run = await open_run(adapters, tenant)
        cluster.stop()

        storing = asyncio.create_task(
            finish(adapters, run, drafted(run, TextDelta("Paid for"), Finish("stop")), NOW)
        )
        await asyncio.sleep(0)
        await asyncio.to_thread(cluster.start)
        await storing

        thread = await get_thread(adapters.database, tenant.caller.tenant_id, run.turn.thread_id)
        await adapters.database.close()
    assert thread.messages[-1].content == "Paid for"


async def test_an_attempt_whose_end_was_not_seen_counts_as_done(
    adapters: Adapters, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await open_run(adapters, tenant)
    really_finish = turns.finish_turn
    attempts: list[int] = []

    async def finish_and_lose_the_connection(*arguments: Any) -> None:
        await really_finish(*arguments)
        attempts.append(1)
        if len(attempts) == 1:
            raise Unavailable("the connection was lost after the commit")

    monkeypatch.setattr(turns, "finish_turn", finish_and_lose_the_connection)

    ended = await finish(adapters, run, drafted(run, TextDelta("Once"), Finish("stop")), NOW)

    assert isinstance(ended, events.RunEnded)
    thread = await get_thread(adapters.database, tenant.caller.tenant_id, run.turn.thread_id)
    assert [message.content for message in thread.messages] == ["Hello", "Once"]


@pytest.mark.parametrize(
    ("sidecar", "is_kept"),
    [
        ({"anthropic": ["sealed"]}, True),
        ({"anthropic": ["a\\u0000b"]}, True),
        ({"anthropic": ["a\0b"]}, False),
    ],
)
async def test_a_sidecar_is_kept_unless_postgres_cannot(
    adapters: Adapters, tenant: Tenant, sidecar: Sidecar, is_kept: bool
) -> None:
    run = await open_run(adapters, tenant)

    await finish(adapters, run, drafted(run, TextDelta("Hi"), Finish("stop", sidecar=sidecar)), NOW)

    assert (await reopened(adapters, run)).history[-1].sidecar == (sidecar if is_kept else None)
