from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Thinking
from backboard_server.providers.wires.bedrock.families import (
    caches,
    forcing_of,
    leaves_length_to_vendor,
    output_tokens,
    reasoning_fields,
    takes_encrypted_reasoning,
    takes_sealed_reasoning,
)

CLAUDE = "us.anthropic.claude-sonnet-4-6"
ARN = "arn:aws:bedrock:us-east-1:123456789012:"
HIDDEN = f"{ARN}application-inference-profile/abc123"
OPENAI = "us.openai.gpt-5.6-terra"
NOVA = "us.amazon.nova-2-lite-v1:0"


@pytest.mark.parametrize(
    ("model", "does"),
    [
        (CLAUDE, True),
        (f"{ARN}inference-profile/{CLAUDE}", True),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", True),
        ("anthropic.claude-3-haiku-20240307-v1:0", False),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", False),
        ("amazon.nova-pro-v1:0", True),
        ("meta.llama3-3-70b-instruct-v1:0", False),
        (HIDDEN, False),
    ],
)
def test_cache_points_go_to_models_that_take_them_alone(model: str, does: bool) -> None:
    assert caches(model) is does


@pytest.mark.parametrize(
    ("model", "sealed", "encrypted"),
    [(CLAUDE, True, True), (OPENAI, False, True), (NOVA, False, False), (HIDDEN, True, True)],
)
def test_reasoning_goes_back_to_models_that_may_take_it(model: str, sealed: bool, encrypted: bool) -> None:
    assert (takes_sealed_reasoning(model), takes_encrypted_reasoning(model)) == (sealed, encrypted)


@pytest.mark.parametrize(
    ("facts", "tokens"),
    [
        (Facts(context_limit=200_000, max_output_tokens=64_000, is_known=True), 32_000),
        (Facts(context_limit=200_000, max_output_tokens=4_096, is_known=True), 4_096),
        (Facts(context_limit=16_384, max_output_tokens=16_384, is_known=True), 4_096),
        (Facts(context_limit=200_000, is_known=True), None),
        (Facts(context_limit=32_768), None),
    ],
)
def test_an_answer_may_be_long_and_leaves_room_for_the_prompt(facts: Facts, tokens: int | None) -> None:
    assert output_tokens("meta.llama3-3-70b-instruct-v1:0", facts) == tokens


def test_an_unknown_claude_is_given_room_to_think() -> None:
    assert output_tokens("us.anthropic.claude-opus-9", Facts(context_limit=32_768)) == 8_192


@pytest.mark.parametrize(
    ("model", "thinking", "fields"),
    [
        (CLAUDE, Thinking(), {}),
        (NOVA, None, {}),
        (NOVA, Thinking(), {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}),
        (
            NOVA,
            Thinking(effort="max"),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
        ),
        (
            NOVA,
            Thinking(budget_tokens=1_000),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}},
        ),
        (
            NOVA,
            Thinking(budget_tokens=9_000),
            {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}},
        ),
        (NOVA, Thinking(effort="none"), {}),
        ("amazon.nova-pro-v1:0", Thinking(effort="high"), {}),
        ("deepseek.r1-v1:0", Thinking(effort="high"), {}),
        (HIDDEN, Thinking(effort="high"), {}),
    ],
)
def test_thinking_is_asked_for_in_the_words_of_the_maker(
    model: str, thinking: Thinking | None, fields: dict[str, Any]
) -> None:
    assert reasoning_fields(model, thinking) == fields


def test_nova_wants_no_length_beside_its_highest_effort() -> None:
    assert leaves_length_to_vendor(reasoning_fields(NOVA, Thinking(effort="high")))
    assert not leaves_length_to_vendor(reasoning_fields(NOVA, Thinking(effort="low")))
    assert not leaves_length_to_vendor({})


@pytest.mark.parametrize(
    ("model", "forcing"),
    [
        (NOVA, "named"),
        ("mistral.mistral-large-2407-v1:0", "any"),
        ("us.deepseek.v3-v1:0", "any"),
        ("us.deepseek.r1-v1:0", "never"),
        ("meta.llama3-3-70b-instruct-v1:0", "never"),
        (OPENAI, "never"),
        (HIDDEN, "never"),
    ],
)
def test_few_can_be_made_to_call_a_tool(model: str, forcing: str) -> None:
    assert forcing_of(model) == forcing
