from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.prompts import Effort, Thinking
from backboard_server.providers.wires.gemini.families import (
    generation_of,
    shares_signatures,
    takes_json_with_tools,
    takes_system,
    thinking_config,
    wants_signatures,
)

SHOWN = {"includeThoughts": True}


@pytest.mark.parametrize(
    ("model", "generation"),
    [
        ("gemini-2.5-flash", 2),
        ("models/gemini-3.1-pro-preview-customtools", 3),
        ("Gemini-3-flash-preview", 3),
        ("gemini-flash-lite-latest", 3),
        ("gemini-4-pro", 4),
        ("gemma-4-31b-it", 0),
        ("gemini-embedding-001", None),
        ("some-model", None),
    ],
)
def test_the_generation_is_read_from_the_name(model: str, generation: int | None) -> None:
    assert generation_of(model) == generation
    assert wants_signatures(model) == takes_json_with_tools(model) == ((generation or 0) >= 3)


@pytest.mark.parametrize(
    ("model", "other", "is_shared"),
    [
        ("gemini-3-pro-preview", "gemini-3.5-flash", True),
        ("gemini-3-pro-preview", "gemini-2.5-flash", False),
        ("gemini-3-pro-preview", "gemma-4-31b-it", False),
        ("gemini-3-pro-preview", "", True),
        ("a-name-of-a-proxy", "gemini-3.5-flash", True),
    ],
)
def test_signatures_are_shared_within_a_generation(model: str, other: str, is_shared: bool) -> None:
    assert shares_signatures(model, other) == shares_signatures(other, model) == is_shared


def test_gemma_has_no_system_instruction() -> None:
    assert takes_system("gemini-2.5-flash")
    assert not takes_system("models/gemma-3-27b-it")


@pytest.mark.parametrize(
    ("model", "effort", "budget"),
    [
        ("gemini-2.5-flash", "none", 0),
        ("gemini-2.5-pro", "none", 128),
        ("gemini-2.5-flash", "minimal", 1_024),
        ("gemini-2.5-flash", "low", 1_024),
        ("gemini-2.5-flash-lite", "medium", 8_192),
        ("gemini-2.5-pro", "high", 24_576),
        ("gemini-2.5-pro", "max", 32_768),
        ("gemini-2.5-flash", "max", 24_576),
    ],
)
def test_an_effort_is_a_budget_up_to_2_5(model: str, effort: Effort, budget: int) -> None:
    assert thinking_config(model, Thinking(effort=effort))["thinkingBudget"] == budget


@pytest.mark.parametrize(
    ("model", "tokens", "budget"),
    [
        ("gemini-2.5-flash", 0, 0),
        ("gemini-2.5-flash", -1, -1),
        ("gemini-2.5-flash", 5, 5),
        ("gemini-2.5-flash", 99_999, 24_576),
        ("gemini-2.5-flash-lite", 5, 512),
        ("gemini-2.5-flash-lite", 0, 0),
        ("gemini-2.5-pro", 0, 128),
        ("gemini-2.5-pro", 99_999, 32_768),
    ],
)
def test_a_budget_is_kept_in_the_models_range(model: str, tokens: int, budget: int) -> None:
    assert thinking_config(model, Thinking(budget_tokens=tokens))["thinkingBudget"] == budget


@pytest.mark.parametrize(
    ("model", "effort", "level"),
    [
        ("gemini-3-pro-preview", "none", "low"),
        ("gemini-3-pro-preview", "medium", "high"),
        ("gemini-3.1-pro-preview", "minimal", "low"),
        ("gemini-3.1-pro-preview", "medium", "medium"),
        ("gemini-3-flash-preview", "none", "minimal"),
        ("gemini-3.5-flash", "minimal", "minimal"),
        ("gemini-3.7-flash", "minimal", "low"),
        ("gemini-3.7-flash-lite", "minimal", "minimal"),
        ("gemini-flash-latest", "none", "low"),
        ("gemini-3.1-flash-image-preview", "low", "high"),
        ("gemini-3.5-flash", "max", "high"),
        ("gemma-4-31b-it", "none", "minimal"),
        ("gemma-4-31b-it", "low", "high"),
    ],
)
def test_an_effort_is_a_level_that_the_model_has_from_3_on(model: str, effort: Effort, level: str) -> None:
    config = thinking_config(model, Thinking(effort=effort))

    assert config["thinkingLevel"] == level
    assert "thinkingBudget" not in config


@pytest.mark.parametrize(
    ("tokens", "level"), [(0, "minimal"), (500, "low"), (5_000, "medium"), (9_000, "high"), (-1, None)]
)
def test_a_budget_is_a_level_from_3_on(tokens: int, level: str | None) -> None:
    assert thinking_config("gemini-3.5-flash", Thinking(budget_tokens=tokens)).get("thinkingLevel") == level


@pytest.mark.parametrize(
    ("model", "config"),
    [
        ("gemini-2.5-flash", SHOWN),
        ("gemini-2.5-flash-lite", SHOWN | {"thinkingBudget": -1}),  # off unless it is asked for
        ("gemini-3.1-pro-preview", SHOWN),
        ("gemini-3-pro-image-preview", SHOWN),
        ("gemini-2.5-flash-image", {}),
        ("gemini-2.5-pro-preview-tts", {}),
        ("gemini-2.0-flash", {}),
        ("gemma-3-27b-it", {}),
        ("some-model", {}),
    ],
)
def test_a_wish_without_particulars_is_the_vendors_default(model: str, config: dict[str, Any]) -> None:
    assert thinking_config(model, Thinking()) == config


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-3.5-flash"])
def test_thoughts_that_are_hidden_or_off_are_not_asked_for(model: str) -> None:
    assert "includeThoughts" not in thinking_config(model, Thinking(effort="high", is_hidden=True))
    assert "includeThoughts" not in thinking_config(model, Thinking(effort="none"))
