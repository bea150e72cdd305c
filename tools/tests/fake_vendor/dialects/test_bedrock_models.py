from __future__ import annotations

from typing import Any

import pytest

from fake_vendor.dialects.bedrock_models import model_refusal

SONNET, HAIKU = "us.anthropic.claude-sonnet-4-6", "us.anthropic.claude-haiku-4-5-20251001-v1:0"
OPUS, NOVA = "us.anthropic.claude-opus-4-7", "us.amazon.nova-2-lite-v1:0"
POINT = {"cachePoint": {"type": "default"}}
Json = dict[str, Any]


def _refusal(model: str, *blocks: Json, **fields: Any) -> str | None:
    messages = [{"role": "user", "content": [{"text": "Hello."}, *blocks]}]
    return next(model_refusal({"messages": messages} | fields, model), None)


def _thinking(model: str, max_tokens: int = 8_192, **fields: Any) -> str:
    return (
        _refusal(model, inferenceConfig={"maxTokens": max_tokens}, additionalModelRequestFields=fields)
        or "taken"
    )


def _tool(schema: Json) -> Json:
    return {"tools": [{"toolSpec": {"name": "a", "inputSchema": {"json": schema}}}]}


def test_a_bare_id_of_claude_is_not_to_be_had() -> None:
    assert "inference profile" in (_refusal("anthropic.claude-sonnet-4-6") or "")
    assert _refusal(SONNET) is None


@pytest.mark.parametrize(
    ("model", "is_taken"),
    [(SONNET, True), (NOVA, True), ("meta.llama3-3-70b-instruct-v1:0", False), ("some-model", False)],
)
def test_cache_points_are_refused_by_models_that_do_not_cache(model: str, is_taken: bool) -> None:
    assert (_refusal(model, POINT) is None) is is_taken
    assert (_refusal(model, system=[{"text": "a"}, POINT]) is None) is is_taken


def test_nova_takes_no_cache_point_among_tools_and_nobody_more_than_four() -> None:
    assert _refusal(SONNET, toolConfig={"tools": [POINT]}) is None
    assert "cachePoint" in (_refusal(NOVA, toolConfig={"tools": [POINT]}) or "")
    assert "maximum of 4" in (_refusal(SONNET, *[POINT] * 5) or "")


@pytest.mark.parametrize(
    ("model", "thinking", "said"),
    [
        (HAIKU, {"type": "enabled", "budget_tokens": 1_024}, "taken"),
        (HAIKU, {"type": "enabled", "budget_tokens": 1_000}, "must be greater"),
        (HAIKU, {"type": "enabled", "budget_tokens": 8_192}, "must be greater"),
        (HAIKU, {"type": "adaptive"}, "not supported"),
        (OPUS, {"type": "enabled", "budget_tokens": 1_024}, "not supported"),
        (OPUS, {"type": "disabled"}, "not supported"),
        (OPUS, {"type": "adaptive"}, "taken"),
        ("us.anthropic.claude-mythos-preview", {"type": "adaptive"}, "taken"),
        ("us.anthropic.claude-opus-5", {"type": "disabled"}, "taken"),
        ("us.anthropic.claude-opus-5-5", {"type": "disabled"}, "not supported"),
        ("us.anthropic.claude-sonnet-5-5", {"type": "between_tools"}, "taken"),
        ("us.anthropic.claude-sonnet-5-5", {"type": "disabled"}, "not supported"),
        ("us.anthropic.claude-opus-5", {"type": "between_tools"}, "not supported"),
        (NOVA, {"type": "adaptive"}, "extraneous key [thinking]"),
        ("deepseek.r1-v1:0", {"type": "adaptive"}, "extraneous key [thinking]"),
    ],
)
def test_each_model_thinks_in_its_own_way_alone(model: str, thinking: Json, said: str) -> None:
    assert said in _thinking(model, thinking=thinking)


def test_thoughts_are_let_loose_with_the_beta_alone() -> None:
    thinking = {"type": "adaptive", "block_binding": {"prefix_mismatch_behavior": "drop_block"}}

    assert "Extra inputs" in _thinking(OPUS, thinking=thinking)
    betas = ["thinking-binding-controls-2026-08-01"]
    assert _thinking(OPUS, thinking=thinking, anthropic_beta=betas) == "taken"


def test_an_effort_is_refused_by_models_that_have_none() -> None:
    assert _thinking(SONNET, output_config={"effort": "low"}) == "taken"
    assert "effort" in _thinking(HAIKU, output_config={"effort": "low"})


@pytest.mark.parametrize(
    ("firsts", "is_taken"),
    [
        (["toolUse"], False),
        (["reasoningContent"], True),
        (["reasoningContent", "toolUse"], True),
        (["toolUse", "reasoningContent"], False),
    ],
)
def test_with_a_budget_an_answer_with_calls_must_begin_with_a_thought(
    firsts: list[str], is_taken: bool
) -> None:
    parts: list[Json] = []
    for first in firsts:
        parts.append({"role": "assistant", "content": [{first: {}}, {"toolUse": {}}]})
        parts.append({"role": "user", "content": [{"toolResult": {}}]})
    body: Json = {
        "messages": [{"role": "user", "content": [{"text": "Hello."}]}, *parts],
        "inferenceConfig": {"maxTokens": 8_192},
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1_024}},
    }

    assert ("must start with a thinking block" not in next(model_refusal(body, HAIKU), "")) is is_taken


def test_nova_has_three_efforts_and_no_length_beside_the_highest() -> None:
    assert _thinking(NOVA, reasoningConfig={"type": "enabled", "maxReasoningEffort": "low"}) == "taken"
    assert "unset" in _thinking(NOVA, reasoningConfig={"type": "enabled", "maxReasoningEffort": "high"})
    assert "enum" in _thinking(NOVA, reasoningConfig={"type": "enabled", "maxReasoningEffort": "max"})
    assert "extraneous" in _thinking("amazon.nova-pro-v1:0", reasoningConfig={})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "$defs": {}},
        {"type": "object", "additionalProperties": False},
        {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}},
    ],
)
def test_nova_refuses_schemas_with_more_than_it_knows(schema: Json) -> None:
    assert "extraneous" in (_refusal(NOVA, toolConfig=_tool(schema)) or "")
    assert _refusal(SONNET, toolConfig=_tool(schema)) is None
