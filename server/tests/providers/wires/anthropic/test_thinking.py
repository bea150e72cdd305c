from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.prompts import Effort, Thinking
from backboard_server.providers.wires.anthropic.models import traits_of
from backboard_server.providers.wires.anthropic.thinking import Plan, plan_of

MAX_TOKENS = 64_000


def _plan(model: str, wish: Thinking | None, *, is_anthropic: bool = True) -> Plan:
    return plan_of(wish, traits_of(model, is_anthropic=is_anthropic), MAX_TOKENS)


@pytest.mark.parametrize(
    ("effort", "tokens"),
    [(None, 8_192), ("minimal", 1_024), ("low", 2_048), ("high", 16_384), ("max", 32_768)],
)
def test_an_effort_is_a_number_of_tokens_where_a_model_knows_no_other(effort: Effort, tokens: int) -> None:
    plan = _plan("claude-sonnet-4-5", Thinking(effort=effort))

    assert plan == Plan(thinking={"type": "enabled", "budget_tokens": tokens}, shows_thoughts=True)


@pytest.mark.parametrize(("wanted", "sent"), [(10, 1_024), (4_000, 4_000), (64_000, 48_000), (10**9, 48_000)])
def test_a_budget_is_kept_between_the_least_that_is_taken_and_the_room_for_the_answer(
    wanted: int, sent: int
) -> None:
    plan = _plan("claude-opus-4-1", Thinking(budget_tokens=wanted))

    assert plan.thinking == {"type": "enabled", "budget_tokens": sent}


@pytest.mark.parametrize(
    ("wish", "effort"),
    [
        (Thinking(), None),
        (Thinking(effort="minimal"), "low"),
        (Thinking(effort="medium"), "medium"),
        (Thinking(effort="max"), "max"),
        (Thinking(budget_tokens=2_000), "low"),
        (Thinking(budget_tokens=5_000), "medium"),
        (Thinking(budget_tokens=60_000), "high"),
    ],
)
def test_an_adaptive_model_is_given_an_effort(wish: Thinking, effort: str | None) -> None:
    plan = _plan("claude-opus-4-6", wish)

    assert plan == Plan(thinking={"type": "adaptive"}, effort=effort, shows_thoughts=True)


@pytest.mark.parametrize(
    ("model", "is_hidden", "display"),
    [
        ("claude-opus-4-6", False, None),
        ("claude-opus-4-6", True, "omitted"),
        ("claude-opus-4-7", False, "summarized"),
        ("claude-opus-4-7", True, None),
        ("claude-opus-5-5", False, "summarized"),
        ("claude-sonnet-4-5", False, None),
        ("claude-sonnet-4-5", True, "omitted"),
    ],
)
def test_thoughts_are_asked_for_or_declined_where_the_model_does_otherwise_by_itself(
    model: str, is_hidden: bool, display: str | None
) -> None:
    thinking = _plan(model, Thinking(is_hidden=is_hidden)).thinking

    assert thinking is not None
    assert thinking.get("display") == display


NO_THINKING: list[tuple[str, dict[str, Any] | None, str | None]] = [
    ("claude-3-5-sonnet-20241022", None, None),
    ("claude-sonnet-4-5", None, None),
    ("claude-sonnet-4-6", None, None),
    ("claude-opus-5", {"type": "disabled"}, None),
    ("claude-sonnet-5-5", {"type": "between_tools"}, None),
    ("claude-opus-5-5", None, "low"),
    ("claude-fable-5", None, "low"),
]


@pytest.mark.parametrize(("model", "thinking", "effort"), NO_THINKING)
def test_thinking_is_turned_off_as_far_as_the_model_lets_it(
    model: str, thinking: dict[str, Any] | None, effort: str | None
) -> None:
    plan = _plan(model, Thinking(effort="none"))

    assert (plan.thinking, plan.effort) == (thinking, effort)
    assert plan.shows_thoughts == (effort is not None)


@pytest.mark.parametrize(
    ("model", "shows_thoughts"),
    [
        ("claude-sonnet-4-5", False),
        ("claude-sonnet-4-6", False),
        ("claude-opus-5", True),
        ("some-model", True),
    ],
)
def test_without_a_wish_nothing_is_sent_and_thoughts_go_back_to_those_who_think_anyway(
    model: str, shows_thoughts: bool
) -> None:
    assert _plan(model, None) == Plan(shows_thoughts=shows_thoughts)


def test_a_model_that_cannot_think_is_never_asked_to() -> None:
    assert _plan("claude-3-haiku-20240307", Thinking(effort="high")) == Plan()


def test_a_model_of_another_maker_gets_its_thoughts_back_whatever_is_wished() -> None:
    assert _plan("MiniMax-M2", None, is_anthropic=False) == Plan(shows_thoughts=True)
    off = _plan("MiniMax-M2", Thinking(effort="none"), is_anthropic=False)
    assert off == Plan(thinking={"type": "disabled"}, shows_thoughts=True)
    hidden = _plan("MiniMax-M2", Thinking(is_hidden=True), is_anthropic=False)
    assert hidden.thinking == {"type": "enabled", "budget_tokens": 8_192}
