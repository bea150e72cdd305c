from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, Thinking, ToolCall
from backboard_server.providers._calls import Names
from backboard_server.providers.wires.bedrock.claude import claudes_forcing, fields_and_turns
from fake_vendor.dialects.bedrock_demands import sealed

TOKENS = 32_000
BUDGETED = "us.anthropic.claude-opus-4-1-20250805-v1:0"
ADAPTIVE = "global.anthropic.claude-sonnet-4-6"
OPUS_5, SONNET_5_5, FABLE = (f"us.anthropic.claude-{name}" for name in ("opus-5", "sonnet-5-5", "fable-5-1"))
HELLO = PromptMessage("user", "Hello.")
CALL = ToolCall("call_1", "weather", "{}")
KEPT = {"reasoning": "Hm.", "signature": sealed("seal", "Hm.")}
CALLED = PromptMessage(
    "assistant", "", tool_calls=(CALL,), sidecar={"bedrock": {"blocks": [KEPT, {"call": "call_1"}]}}
)
THOUGHTLESS = PromptMessage("assistant", "", tool_calls=(CALL,))
OUTPUT = PromptMessage("tool", "Sun.", tool_call_id="call_1")
LOOSE = {"block_binding": {"prefix_mismatch_behavior": "drop_block"}}


def _asked(
    model: str, thinking: Thinking | None, *messages: PromptMessage, max_tokens: int = TOKENS
) -> tuple[dict[str, Any], bool]:
    """Return the fields, and whether an earlier thought is among the turns."""
    tool = {"type": "function", "function": {"name": "weather"}}
    choice = ModelChoice("amazon-bedrock", model)
    prompt = Prompt(choice=choice, messages=(HELLO, *messages), tools=(tool,), thinking=thinking)
    fields, turns = fields_and_turns(prompt, Names(64), max_tokens)
    return fields, any("reasoningContent" in block for turn in turns for block in turn["content"])


@pytest.mark.parametrize(
    ("model", "thinking", "fields"),
    [
        ("anthropic.claude-3-haiku-20240307-v1:0", Thinking(effort="high"), {}),
        (BUDGETED, None, {}),
        (BUDGETED, Thinking(), {"thinking": {"type": "enabled", "budget_tokens": 8_192}}),
        (BUDGETED, Thinking(effort="none"), {}),
        (ADAPTIVE, Thinking(effort="none"), {}),
        (
            ADAPTIVE,
            Thinking(effort="minimal"),
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
        ),
        (
            "jp.anthropic.claude-opus-4-7",
            Thinking(effort="max"),
            {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max"}},
        ),
        (OPUS_5, None, {}),
        (OPUS_5, Thinking(effort="none"), {"thinking": {"type": "disabled"}}),
        (SONNET_5_5, Thinking(effort="none"), {"thinking": {"type": "between_tools"}}),
        (FABLE, Thinking(effort="none"), {"output_config": {"effort": "low"}}),
    ],
)
def test_a_wish_to_think_is_said_as_the_generation_takes_it(
    model: str, thinking: Thinking | None, fields: dict[str, Any]
) -> None:
    assert _asked(model, thinking) == (fields, False)


def test_no_thinking_is_asked_for_where_there_is_no_room_for_it() -> None:
    assert _asked(BUDGETED, Thinking(), max_tokens=2_047)[0] == {}


def test_thoughts_go_back_to_a_model_that_thinks() -> None:
    assert _asked(BUDGETED, Thinking(), CALLED, OUTPUT)[1]
    assert not _asked(BUDGETED, None, CALLED, OUTPUT)[1]
    assert not _asked(ADAPTIVE, Thinking(effort="none"), CALLED, OUTPUT)[1]
    assert _asked(OPUS_5, None, CALLED, OUTPUT)[1]


def test_amid_calls_that_began_without_a_thought_a_budget_is_not_asked_for() -> None:
    second = ToolCall("call_2", "weather", "{}")
    more = (
        PromptMessage("assistant", "", tool_calls=(second,)),
        PromptMessage("tool", "Rain.", tool_call_id="call_2"),
    )

    assert _asked(BUDGETED, Thinking(), THOUGHTLESS, OUTPUT) == ({}, False)
    assert _asked(BUDGETED, Thinking(), THOUGHTLESS, OUTPUT, *more) == ({}, False)
    fields, has_thought = _asked(BUDGETED, Thinking(), CALLED, OUTPUT, *more)
    assert fields["thinking"]["type"] == "enabled"
    assert has_thought


def test_a_model_that_binds_its_thoughts_lets_them_loose_where_there_are_some() -> None:
    fields, _ = _asked(FABLE, Thinking(), CALLED, OUTPUT)
    unasked, _ = _asked(FABLE, None, CALLED, OUTPUT)
    first, _ = _asked(FABLE, Thinking())

    assert fields["thinking"] == {"type": "adaptive", "display": "summarized"} | LOOSE
    assert unasked["thinking"] == {"type": "adaptive"} | LOOSE
    assert fields["anthropic_beta"] == unasked["anthropic_beta"] == ["thinking-binding-controls-2026-08-01"]
    assert "anthropic_beta" not in first


def test_a_thought_that_was_asked_for_goes_before_a_call_that_was() -> None:
    assert claudes_forcing(ADAPTIVE, {}) == "named"
    assert claudes_forcing(ADAPTIVE, {"thinking": {"type": "adaptive"}}) == "never"
    assert claudes_forcing(SONNET_5_5, {}) == "never"
