from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.prompts import Thinking
from backboard_server.providers.wires.bedrock.claude import Generation, generation_of, thinking_fields

TOKENS = 32_000


@pytest.mark.parametrize(
    ("model", "generation"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", "silent"),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", "silent"),
        ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "budget"),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "budget"),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "budget"),
        ("global.anthropic.claude-haiku-4-5-20251001-v1:0", "budget"),
        ("global.anthropic.claude-sonnet-4-6", "adaptive"),
        ("eu.anthropic.claude-opus-4-6-v1", "adaptive"),
        ("jp.anthropic.claude-opus-4-7", "hiding"),
        ("us.anthropic.claude-opus-5", "inborn"),
        ("us.anthropic.claude-opus-5-5", "inborn"),
        ("us.anthropic.claude-mythos-preview", "inborn"),
    ],
)
def test_a_generation_is_read_from_the_id(model: str, generation: Generation) -> None:
    assert generation_of(model) == generation


@pytest.mark.parametrize(
    ("model", "thinking", "fields"),
    [
        ("claude-3-5-sonnet-20241022", Thinking(effort="high"), {}),
        ("claude-opus-4-1", Thinking(), {"thinking": {"type": "enabled", "budget_tokens": 8_192}}),
        (
            "claude-opus-4-1",
            Thinking(effort="low"),
            {"thinking": {"type": "enabled", "budget_tokens": 2_048}},
        ),
        (
            "claude-opus-4-1",
            Thinking(budget_tokens=5),
            {"thinking": {"type": "enabled", "budget_tokens": 1_024}},
        ),
        (
            "claude-opus-4-1",
            Thinking(effort="max"),
            {"thinking": {"type": "enabled", "budget_tokens": TOKENS - 1_024}},
        ),
        ("claude-opus-4-1", Thinking(effort="none"), {}),
        ("claude-sonnet-4-6", Thinking(), {"thinking": {"type": "adaptive"}}),
        ("claude-sonnet-4-6", Thinking(effort="none"), {}),
        (
            "claude-sonnet-4-6",
            Thinking(effort="minimal"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        (
            "claude-sonnet-4-6",
            Thinking(budget_tokens=20_000),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        ),
        ("claude-opus-4-7", Thinking(), {"thinking": {"type": "adaptive", "display": "summarized"}}),
        (
            "claude-opus-4-7",
            Thinking(effort="max", is_hidden=True),
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "max"}},
        ),
        ("claude-opus-5", Thinking(effort="none"), {"output_config": {"effort": "low"}}),
    ],
)
def test_a_wish_to_think_is_said_as_the_generation_takes_it(
    model: str, thinking: Thinking, fields: dict[str, Any]
) -> None:
    assert thinking_fields(model, thinking, TOKENS) == fields


def test_no_thinking_is_asked_for_where_there_is_no_room_for_it() -> None:
    assert thinking_fields("claude-opus-4-1", Thinking(), 2_047) == {}
    assert thinking_fields("claude-opus-4-1", Thinking(), 2_048)["thinking"]["budget_tokens"] == 1_024
