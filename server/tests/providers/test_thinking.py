from __future__ import annotations

import pytest

from backboard_server.domain.models import Facts, ThinkingControls, ThinkingField
from backboard_server.providers import catalogue
from backboard_server.providers._thinking import controls_of
from backboard_server.providers.table import find_row, wire_of

ALL: tuple[ThinkingField, ...] = ("effort", "budget_tokens", "max_tokens", "exclude_reasoning")


def controls(provider: str, model: str, facts: Facts | None = None) -> ThinkingControls:
    row = find_row(provider)
    assert row is not None
    return controls_of(row, wire_of(row, model), model, facts or catalogue.facts(provider, model))


@pytest.mark.parametrize(
    ("provider", "model", "allowed"),
    [
        ("openrouter", "anthropic/claude-sonnet-4.5", ALL),
        ("openai", "gpt-5", ALL),  # over Responses, where a budget becomes an effort
        ("anthropic", "claude-opus-4-5", ALL),
        ("google", "gemini-2.5-pro", ALL),
        ("groq", "openai/gpt-oss-120b", ALL),
        ("togetherai", "openai/gpt-oss-120b", ("effort", "budget_tokens", "max_tokens")),
        ("mistral", "mistral-small-latest", ("effort",)),  # it thinks or it does not
        ("mistral", "magistral-medium-latest", ()),  # it thinks, and refuses every field about it
    ],
)
def test_what_is_allowed_is_what_the_wire_passes_on(
    provider: str, model: str, allowed: tuple[ThinkingField, ...]
) -> None:
    assert controls(provider, model) == ThinkingControls(True, allowed)


def test_a_model_that_does_not_reason_has_no_controls() -> None:
    assert controls("openai", "gpt-4o") == ThinkingControls()


def test_an_unknown_model_may_be_told_to_think() -> None:
    facts = Facts(context_limit=8_192)

    assert controls("groq", "a-model-of-tomorrow", facts).is_supported


def test_every_model_that_can_be_called_has_controls() -> None:
    """The wires take any name and any facts of the catalogue, none of them with an error."""
    callable_models = [
        model
        for model in catalogue.models().values()
        if model.model_type == "llm" and model.may_reason and find_row(model.provider)
    ]

    found = [controls(model.provider, model.name) for model in callable_models]

    assert len(found) > 1_000
    assert all(found_one.is_supported for found_one in found)
