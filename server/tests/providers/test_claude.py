from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.prompts import Effort, Thinking
from backboard_server.providers._claude import (
    Claude,
    Plan,
    claude_of,
    forcing_of,
    lacks_thought,
    plan_of,
    traits_of,
    with_loose_thoughts,
)

MAX_TOKENS = 64_000


@pytest.mark.parametrize(
    ("name", "claude"),
    [
        ("claude-3-5-sonnet-20241022", Claude("sonnet", (3, 5))),
        ("claude-3-opus-20240229", Claude("opus", (3, 0))),
        ("claude-3.7-sonnet", Claude("sonnet", (3, 7))),
        ("claude-opus-4-20250514", Claude("opus", (4, 0))),
        ("claude-opus-4-0", Claude("opus", (4, 0))),
        ("claude-haiku-4-5-20251001", Claude("haiku", (4, 5))),
        ("anthropic/claude-sonnet-4.6", Claude("sonnet", (4, 6))),
        ("us.anthropic.claude-opus-4-6-v1", Claude("opus", (4, 6))),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", Claude("opus", (4, 1))),
        ("global.anthropic.claude-opus-5-5-v1:0", Claude("opus", (5, 5))),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", Claude("sonnet", (4, 0))),
        ("anthropic.claude-3-haiku-20240307-v1:0", Claude("haiku", (3, 0))),
        ("Claude-Fable-5-1", Claude("fable", (5, 1))),
        ("claude-mythos-preview", Claude("mythos", (5, 0))),
        ("MiniMax-M2", None),
        ("claude-2.1", None),
    ],
)
def test_a_model_is_known_by_its_name_whatever_the_host_calls_it(name: str, claude: Claude | None) -> None:
    assert claude_of(name) == claude


@pytest.mark.parametrize(
    ("name", "mode", "off"),
    [
        ("claude-3-5-haiku-latest", "none", None),
        ("claude-3-7-sonnet-20250219", "budget", None),
        ("claude-opus-4-5", "budget", None),
        ("claude-sonnet-4-6", "adaptive", None),
        ("claude-opus-4-8", "adaptive", None),
        ("claude-opus-5", "default", "disabled"),
        ("claude-sonnet-5-5", "default", "between_tools"),
        ("claude-haiku-5-5", "default", "disabled"),
        ("claude-opus-5-5", "always", None),
        ("claude-fable-5", "always", None),
        ("claude-opus-7", "always", None),
    ],
)
def test_each_generation_thinks_in_its_own_way(name: str, mode: str, off: str | None) -> None:
    traits = traits_of(name, is_claude=True)

    assert (traits.thinking, traits.off) == (mode, off)


def test_an_unknown_model_is_a_new_one_of_anthropic_where_it_is_a_claude_and_foreign_elsewhere() -> None:
    assert traits_of("some-model", is_claude=True).thinking == "always"
    assert traits_of("MiniMax-M2", is_claude=False).takes_unsigned


def test_thoughts_are_bound_to_what_came_before_them_since_version_5_1() -> None:
    bound = {
        name: traits_of(name, is_claude=True).checks_prefix
        for name in ("claude-opus-5", "claude-fable-5-1", "claude-opus-5-5", "claude-sonnet-4-6")
    }

    assert bound == {
        "claude-opus-5": False,
        "claude-fable-5-1": True,
        "claude-opus-5-5": True,
        "claude-sonnet-4-6": False,
    }


def _plan(model: str, wish: Thinking | None, *, is_claude: bool = True) -> Plan:
    return plan_of(wish, traits_of(model, is_claude=is_claude), MAX_TOKENS)


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
    assert _plan("MiniMax-M2", None, is_claude=False) == Plan(shows_thoughts=True)
    off = _plan("MiniMax-M2", Thinking(effort="none"), is_claude=False)
    assert off == Plan(thinking={"type": "disabled"}, shows_thoughts=True)
    hidden = _plan("MiniMax-M2", Thinking(is_hidden=True), is_claude=False)
    assert hidden.thinking == {"type": "enabled", "budget_tokens": 8_192}


@pytest.mark.parametrize(("max_tokens", "sent"), [(2_047, None), (2_048, 1_024), (4_000, 2_976)])
def test_a_budget_leaves_room_for_the_answer_or_is_not_asked_for(max_tokens: int, sent: int | None) -> None:
    traits = traits_of("claude-opus-4-1", is_claude=True)

    plan = plan_of(Thinking(), traits, max_tokens)

    assert plan.has_budget == plan.shows_thoughts == (sent is not None)
    assert (plan.thinking or {}).get("budget_tokens") == sent


def _turns(*answers: str) -> list[dict[str, Any]]:
    """Return a question, and answers that each call a tool, `+` with a thought, each with its output."""
    turns: list[dict[str, Any]] = [{"content": ["question"]}]
    for answer in answers:
        turns += [{"content": ["thought", "call"] if answer == "+" else ["call"]}, {"content": ["output"]}]
    return turns


@pytest.mark.parametrize(
    ("turns", "lacks"),
    [
        (_turns(), False),
        (_turns("+"), False),
        (_turns("-"), True),
        (_turns("+", "-", "-"), False),
        (_turns("-", "+"), True),
        ([*_turns("-"), {"content": ["answer"]}, *_turns()], False),
    ],
)
def test_of_an_answer_with_many_calls_the_first_part_must_begin_with_a_thought(
    turns: list[dict[str, Any]], lacks: bool
) -> None:
    found = lacks_thought(
        turns, is_output=lambda block: "output" in block, is_thought=lambda block: "thought" in block
    )

    assert found is lacks


def test_thoughts_are_let_loose_beside_what_was_asked_for() -> None:
    binding = {"prefix_mismatch_behavior": "drop_block"}

    assert with_loose_thoughts(None) == {"type": "adaptive", "block_binding": binding}
    asked = with_loose_thoughts({"type": "adaptive", "display": "omitted"})
    assert asked == {"type": "adaptive", "display": "omitted", "block_binding": binding}


@pytest.mark.parametrize(
    ("name", "unasked", "thinking"),
    [
        ("claude-3-5-haiku-latest", "named", "never"),
        ("claude-opus-4-5", "named", "never"),
        ("claude-sonnet-4-6", "named", "never"),
        ("claude-opus-4-8", "named", "named"),
        ("claude-opus-5", "named", "named"),
        ("claude-haiku-5-5", "named", "named"),
        ("claude-sonnet-5-5", "never", "never"),
        ("claude-fable-5", "never", "never"),
        ("claude-opus-7", "never", "never"),
        ("MiniMax-M2", "named", "never"),
    ],
)
def test_some_cannot_be_made_to_call_a_tool_always_or_while_they_think(
    name: str, unasked: str, thinking: str
) -> None:
    traits = traits_of(name, is_claude=False)

    assert forcing_of(traits, None) == unasked
    assert forcing_of(traits, {"type": "disabled"}) == unasked
    assert forcing_of(traits, {"type": "adaptive"}) == thinking
    assert forcing_of(traits, {"type": "enabled", "budget_tokens": 1_024}) == thinking
