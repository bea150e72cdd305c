from __future__ import annotations

import pytest

from backboard_server.domain.prompts import Effort, Thinking
from backboard_server.providers._efforts import (
    effort_of,
    family_of,
    is_named_to_reason,
    nearest,
    openai_effort,
    wish_of,
)


def _effort(model: str, effort: Effort) -> str | None:
    return openai_effort(Thinking(effort=effort), family_of(model))


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
    assert effort_of(tokens) == wish_of(Thinking(budget_tokens=tokens)) == effort


def test_an_effort_goes_before_a_number_of_tokens_and_neither_is_none() -> None:
    assert wish_of(Thinking(effort="low", budget_tokens=9_000)) == "low"
    assert wish_of(Thinking()) is None


def test_of_no_efforts_none_is_near() -> None:
    assert nearest("low", ()) is None


def test_who_does_not_think_unasked_is_told_to() -> None:
    assert openai_effort(Thinking(), family_of("gpt-5.1")) == "medium"
    assert openai_effort(Thinking(), family_of("gpt-5")) is None


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        ("gpt-7-mini", True),
        ("o5", True),
        ("o4-mini-of-tomorrow", True),
        ("gpt-5-chat-latest", False),
        ("gpt-4.9", False),
        ("omni", False),
    ],
)
def test_a_model_that_is_not_known_reasons_if_its_name_says_so(model: str, reasons: bool) -> None:
    assert is_named_to_reason(model) is reasons
