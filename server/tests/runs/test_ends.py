"""The last event of a run, made of what is stored of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import UNSET, UnsetType

from backboard_server.domain import events
from backboard_server.domain.errors import BackboardError, Cancelled, Unavailable, Upstream
from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    ReasoningDelta,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)
from backboard_server.domain.runs import Attempt
from backboard_server.domain.threads import Turn
from backboard_server.runs.context import assemble
from backboard_server.runs.draft import Draft, Said, views
from backboard_server.runs.ends import bad_end, good_end, submit_required
from backboard_server.runs.finish import OpenRun
from backboard_server.store.turns import FinishTurn
from log_events import FILE
from turn_requests import finishing, opening

CHOICE = ModelChoice("openai", "gpt-x")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CALLS = (
    ToolCallDelta(0, '{"at": "it"}', id="call_1", name="look"),
    ToolCallDelta(1, id="call_2", name="fetch"),
)


@pytest.fixture
def run() -> OpenRun:
    turn = Turn(thread_id=new_id(), assistant_id=new_id(), summary="Before", summary_tokens=40)
    return OpenRun(
        caller=Caller(new_id(), new_id()),
        run_id=new_id(),
        answer_id=new_id(),
        ids=RunIds("thread", "assistant", "run"),
        turn=turn,
        choice=CHOICE,
        context=assemble(turn, SendMessage(content="Hi"), CHOICE),
        attachments=[FILE],
    )


def drafted(run: OpenRun, *deltas: Delta, before: Said = Said()) -> Draft:  # noqa: B008 - it is frozen
    draft = Draft(run.ids, run.choice, before=before)
    for delta in deltas:
        for _ in draft.add(delta):
            continue
    return draft


def outcome(run: OpenRun, **changes: Any) -> FinishTurn:
    return finishing(opening(), run.turn.thread_id, **({"created_at": NOW} | changes))


def test_an_answer_ends_with_what_was_said_used_and_paid(run: OpenRun) -> None:
    draft = drafted(run, ReasoningDelta("Hm"), TextDelta("Hi"), Finish("stop", Usage(30, 12, 5, 2, 4)))
    draft.attempts.append(Attempt(model_provider="openai", model_name="gpt-x"))

    told = good_end(run, draft, outcome(run, usage=Usage(30, 12, 5, 2, 4), cost_usd=0.25), 1_000)

    assert isinstance(told, events.RunEnded)
    assert (told.thread_id, told.assistant_id, told.run_id) == ("thread", "assistant", "run")
    assert told.message_id == str(run.answer_id)
    assert (told.content, told.final_content, told.reasoning) == ("Hi", "Hi", "Hm")
    assert (told.input_tokens, told.output_tokens, told.total_tokens) == (30, 12, 42)
    counts = (told.cached_input_tokens, told.cache_write_input_tokens, told.reasoning_tokens)
    assert counts == (5, 2, 4)
    assert (told.cost_usd, told.created_at, told.attachments) == (0.25, NOW, [FILE])
    assert told.attempts == draft.attempts


def test_an_answer_in_several_steps_is_all_that_was_said_and_the_final_part_by_itself(run: OpenRun) -> None:
    draft = drafted(run, ReasoningDelta("Ah. "), TextDelta("It is late."), before=Said("I look. ", "Hm. "))

    told = good_end(run, draft, outcome(run), 1_000)

    assert isinstance(told, events.RunEnded)
    assert (told.content, told.final_content) == ("I look. It is late.", "It is late.")
    assert told.reasoning == "Hm. Ah. "


def test_the_model_is_the_one_that_answered(run: OpenRun) -> None:
    draft = drafted(run, TextDelta("Hi"))
    draft.choice = ModelChoice("anthropic", "claude-x")

    told = good_end(run, draft, outcome(run), 1_000)

    assert isinstance(told, events.RunEnded)
    assert (told.model_provider, told.model_name) == ("anthropic", "claude-x")
    assert told.context_usage.model == "claude-x"


def test_who_did_not_think_has_no_reasoning(run: OpenRun) -> None:
    told = good_end(run, drafted(run, TextDelta("Hi")), outcome(run), 1_000)

    assert isinstance(told, events.RunEnded)
    assert told.reasoning is None


def test_the_window_is_as_full_as_at_the_last_call_of_several(run: OpenRun) -> None:
    draft = drafted(run, TextDelta("no"), Finish("stop", Usage(900, 90)))
    draft.start_over()
    for delta in (TextDelta("yes"), Finish("stop", Usage(100, 11))):
        list(draft.add(delta))

    told = good_end(run, draft, outcome(run, usage=Usage(1_000, 101)), 32_768)

    assert isinstance(told, events.RunEnded)
    assert told.total_tokens == 1_101
    usage = told.context_usage
    assert (usage.used_tokens, usage.context_limit, usage.percent) == (111, 32_768, 0.34)
    assert usage.summary_tokens == run.context.summary_tokens == 40


def test_the_window_is_full_by_our_estimate_where_the_provider_counts_nothing(run: OpenRun) -> None:
    told = good_end(run, drafted(run, TextDelta("Hi")), outcome(run, usage=Usage(7, 3)), 100)

    assert isinstance(told, events.RunEnded)
    assert (told.context_usage.used_tokens, told.context_usage.percent) == (10, 10.0)


def test_calls_of_tools_are_asked_for_instead_of_an_end(run: OpenRun) -> None:
    draft = drafted(run, TextDelta("I look."), *CALLS, Finish("tool_calls"))

    told = good_end(run, draft, outcome(run), 1_000)

    assert isinstance(told, events.ToolSubmitRequired)
    assert told.tool_calls == views(draft.tool_calls)
    assert (told.content, told.message_id) == ("I look.", str(run.answer_id))


def test_only_the_calls_that_are_the_applications_are_asked_for(run: OpenRun) -> None:
    draft = drafted(run, *CALLS, Finish("tool_calls"))
    (_, fetch) = draft.tool_calls

    told = submit_required(run, draft, outcome(run), 1_000, [fetch])

    assert told.tool_calls == views((ToolCall("call_2", "fetch", "{}"),))


def test_a_cancelled_run_says_what_it_had_said(run: OpenRun) -> None:
    draft = drafted(run, ReasoningDelta("Ah."), TextDelta("It is l"), before=Said("I look. ", "Hm. "))

    told = bad_end(run, draft, NOW, Cancelled("The run was cancelled."))

    assert told == events.RunCancelled(
        thread_id="thread",
        assistant_id="assistant",
        run_id="run",
        message_id=str(run.answer_id),
        content="I look. It is l",
        reasoning="Hm. Ah.",
        created_at=NOW,
    )


def test_a_cancelled_run_that_had_not_thought_has_no_reasoning(run: OpenRun) -> None:
    told = bad_end(run, drafted(run), NOW, Cancelled("The run was cancelled."))

    assert isinstance(told, events.RunCancelled)
    assert (told.content, told.reasoning) == ("", None)


@pytest.mark.parametrize(
    ("failure", "code", "retry_after"),
    [
        (Unavailable("Stopped.", code="server_stopped"), "server_stopped", UNSET),
        (Upstream("Broken.", kind="failed", provider="openai"), "provider_failed", UNSET),
        (
            Upstream("Later.", kind="rate_limited", provider="openai", retry_after_seconds=0),
            "provider_rate_limited",
            0,
        ),
        (
            Upstream("Later.", kind="rate_limited", provider="openai", retry_after_seconds=2.5),
            "provider_rate_limited",
            2.5,
        ),
    ],
)
def test_a_failed_run_says_why_to_people_and_programs_and_when_to_try_again(
    run: OpenRun, failure: BackboardError, code: str, retry_after: float | UnsetType
) -> None:
    told = bad_end(run, drafted(run, TextDelta("Half")), NOW, failure)

    assert told == events.RunFailed(
        thread_id="thread",
        assistant_id="assistant",
        run_id="run",
        error=failure.message,
        message=failure.message,
        code=code,
        message_id=str(run.answer_id),
        retry_after_seconds=retry_after,
    )
