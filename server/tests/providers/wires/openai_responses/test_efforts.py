from __future__ import annotations

import pytest

from backboard_server.domain.prompts import Effort, Thinking
from backboard_server.providers.wires.openai_responses.efforts import family_of, reasoning_of

HIDDEN = Thinking(is_hidden=True)


def _effort(model: str, effort: Effort) -> str | None:
    return reasoning_of(Thinking(effort=effort), family_of(model)).get("effort")


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("o1", ["low", "low", "low", "medium", "high", "high"]),
        ("o4-mini-2025-04-16", ["low", "low", "low", "medium", "high", "high"]),
        ("gpt-5", ["minimal", "minimal", "low", "medium", "high", "high"]),
        ("gpt-5-mini", ["minimal", "minimal", "low", "medium", "high", "high"]),
        ("openai/gpt-5-nano", ["minimal", "minimal", "low", "medium", "high", "high"]),
        ("gpt-5-pro", ["high"] * 6),
        ("gpt-5.2-pro", ["medium", "medium", "medium", "medium", "high", "xhigh"]),
        ("gpt-5-codex", ["low", "low", "low", "medium", "high", "high"]),
        ("gpt-5.1-codex-mini", ["low", "low", "low", "medium", "high", "high"]),
        ("gpt-5.1-codex-max", ["low", "low", "low", "medium", "high", "xhigh"]),
        ("gpt-5.3-codex", ["low", "low", "low", "medium", "high", "xhigh"]),
        ("gpt-5.1", ["none", "low", "low", "medium", "high", "high"]),
        ("gpt-5.4-mini", ["none", "low", "low", "medium", "high", "xhigh"]),
        ("gpt-5.6-sol", ["none", "low", "low", "medium", "high", "max"]),
        ("gpt-5.2-chat-latest", ["medium"] * 6),
        ("o4-mini-deep-research", ["medium"] * 6),
        ("gpt-5-chat-latest", [None] * 6),
        ("somebody-elses", ["low", "low", "low", "medium", "high", "high"]),
    ],
)
def test_a_wish_becomes_the_nearest_effort_that_the_model_takes(model: str, sent: list[str | None]) -> None:
    wishes: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "max")

    assert [_effort(model, wish) for wish in wishes] == sent


@pytest.mark.parametrize(("tokens", "effort"), [(1, "low"), (2_049, "medium"), (8_193, "high")])
def test_a_number_of_tokens_becomes_an_effort(tokens: int, effort: str) -> None:
    assert reasoning_of(Thinking(budget_tokens=tokens), family_of("gpt-5"))["effort"] == effort


def test_who_does_not_think_unasked_is_told_to() -> None:
    assert reasoning_of(HIDDEN, family_of("gpt-5.1")) == {"effort": "medium"}
    assert reasoning_of(HIDDEN, family_of("gpt-5")) == {}


@pytest.mark.parametrize(
    ("model", "thinking", "is_shown"),
    [
        ("gpt-5", Thinking(), True),
        ("gpt-5", HIDDEN, False),
        ("gpt-5.1", Thinking(effort="none"), False),
        ("o3", Thinking(), True),
        ("o3-mini", Thinking(), False),
        ("gpt-5-chat-latest", Thinking(), False),
    ],
)
def test_a_summary_is_asked_for_where_there_is_one_to_show(
    model: str, thinking: Thinking, is_shown: bool
) -> None:
    assert ("summary" in reasoning_of(thinking, family_of(model))) is is_shown
