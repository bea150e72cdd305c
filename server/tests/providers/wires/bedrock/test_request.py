from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import (
    ModelChoice,
    Prompt,
    PromptMessage,
    ResponseFormat,
    Thinking,
    ToolCall,
    ToolChoice,
)
from backboard_server.providers import catalogue
from backboard_server.providers.wires.bedrock.request import body_of
from fake_vendor.dialects.bedrock_demands import refusal_of, sealed

CLAUDE = "global.anthropic.claude-sonnet-4-6"
OLDER = "us.anthropic.claude-haiku-4-5-20251001-v1:0"
NOVA = "us.amazon.nova-2-lite-v1:0"
LLAMA = "meta.llama3-3-70b-instruct-v1:0"
FACTS = Facts(context_limit=200_000, max_output_tokens=8_192, is_known=True, has_structured_output=True)
UNKNOWN = Facts(context_limit=32_768)
# By their bare ids those of Anthropic are not to be had.
CALLABLE = [
    model
    for provider, model in catalogue.models()
    if provider == "amazon-bedrock" and not model.startswith("anthropic.")
]
POINT = {"cachePoint": {"type": "default"}}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "weather", "description": "The weather.", "parameters": SCHEMA},
}
MESSAGES = (
    PromptMessage("system", "Be brief."),
    PromptMessage("user", "Hello."),
    PromptMessage("assistant", "Hello."),
    PromptMessage("system", " "),
    PromptMessage("user", "The weather?"),
)
CALLED = (
    *MESSAGES,
    PromptMessage("assistant", "", tool_calls=(ToolCall("call_1", "weather", "{}"),)),
    PromptMessage("tool", "Sun.", tool_call_id="call_1"),
)


def _prompt(model: str = LLAMA, **fields: Any) -> Prompt:
    prompt = Prompt(choice=ModelChoice("amazon-bedrock", model), messages=MESSAGES)
    return replace(prompt, **fields)


def _body(prompt: Prompt, facts: Facts = FACTS) -> dict[str, Any]:
    """Return the body, which the vendor must take."""
    body = msgspec.json.decode(body_of(prompt, facts))
    assert refusal_of(body, prompt.choice.model) is None
    return body


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert _body(_prompt(), UNKNOWN) == {
        "messages": [
            {"role": "user", "content": [{"text": "Hello."}]},
            {"role": "assistant", "content": [{"text": "Hello."}]},
            {"role": "user", "content": [{"text": "The weather?"}]},
        ],
        "system": [{"text": "Be brief."}],
    }


def test_tools_have_a_schema_and_no_empty_description() -> None:
    bare = {"type": "function", "function": {"name": "clock", "description": ""}}

    tools = _body(_prompt(tools=(TOOL, bare)))["toolConfig"]["tools"]

    assert tools == [
        {"toolSpec": {"name": "weather", "description": "The weather.", "inputSchema": {"json": SCHEMA}}},
        {"toolSpec": {"name": "clock", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
    ]


def test_the_length_of_an_answer_is_asked_for_where_it_is_known() -> None:
    assert _body(_prompt())["inferenceConfig"] == {"maxTokens": 8_192}
    assert "inferenceConfig" not in _body(_prompt(), UNKNOWN)


@pytest.mark.parametrize(
    ("model", "system", "messages"),
    [
        (CLAUDE, True, True),
        (NOVA, True, False),
        (LLAMA, False, False),
        ("arn:aws:bedrock:x/hidden", False, False),
    ],
)
def test_the_stable_beginning_is_marked_for_models_that_cache(
    model: str, system: bool, messages: bool
) -> None:
    body = _body(_prompt(model, messages=CALLED, tools=(TOOL,)))

    assert (body["system"][-1] == POINT) is system
    assert (body["messages"][-1]["content"][-1] == POINT) is messages


def test_a_single_question_is_not_paid_for_as_a_conversation() -> None:
    body = _body(_prompt(CLAUDE, messages=(PromptMessage("user", "Hello."),)))

    assert body["messages"] == [{"role": "user", "content": [{"text": "Hello."}]}]
    assert "system" not in body


def test_a_schema_is_held_to_where_the_vendor_can() -> None:
    response_format = ResponseFormat(schema=SCHEMA, name="place")

    body = _body(_prompt(CLAUDE, response_format=response_format, tools=(TOOL,)))

    text_format = body["outputConfig"]["textFormat"]
    definition = text_format["structure"]["jsonSchema"]
    assert (text_format["type"], definition["name"]) == ("json_schema", "place")
    assert msgspec.json.decode(definition["schema"]) == SCHEMA | {"additionalProperties": False}
    assert body["system"] == [{"text": "Be brief."}, POINT]


@pytest.mark.parametrize(
    ("schema", "facts"),
    [(None, FACTS), (SCHEMA, UNKNOWN), (SCHEMA | {"not": {"required": ["zip"]}}, FACTS)],
)
def test_json_is_asked_for_in_words_behind_what_is_cached_where_it_cannot(
    schema: dict[str, Any] | None, facts: Facts
) -> None:
    body = _body(_prompt(CLAUDE, response_format=ResponseFormat(schema=schema)), facts)

    assert "outputConfig" not in body
    assert body["system"][:2] == [{"text": "Be brief."}, POINT]
    assert "JSON" in body["system"][2]["text"]
    assert schema is None or "city" in body["system"][2]["text"]


def test_an_effort_gives_way_to_a_schema() -> None:
    thinking = Thinking(effort="low")

    without = _body(_prompt(CLAUDE, thinking=thinking))["additionalModelRequestFields"]
    beside = _body(_prompt(CLAUDE, thinking=thinking, response_format=ResponseFormat(schema=SCHEMA)))

    assert without == {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    assert beside["additionalModelRequestFields"] == {"thinking": {"type": "adaptive"}}


def test_nova_thinks_hardest_without_a_length() -> None:
    body = _body(_prompt(NOVA, thinking=Thinking(effort="high")))

    assert body["additionalModelRequestFields"]["reasoningConfig"]["maxReasoningEffort"] == "high"
    assert "inferenceConfig" not in body


def test_amid_calls_of_another_model_a_budget_is_not_asked_for() -> None:
    thought = {"reasoning": "Hm.", "signature": sealed("seal", "Hm.")}
    own = replace(CALLED[-2], sidecar={"bedrock": {"blocks": [thought, {"call": "call_1"}]}})
    foreign = _prompt(OLDER, messages=CALLED, tools=(TOOL,), thinking=Thinking())

    assert "additionalModelRequestFields" not in _body(foreign)
    ours = _body(replace(foreign, messages=(*CALLED[:-2], own, CALLED[-1])))
    assert ours["additionalModelRequestFields"]["thinking"]["type"] == "enabled"
    assert "additionalModelRequestFields" in _body(replace(foreign, choice=ModelChoice("b", CLAUDE)))


@pytest.mark.parametrize("model", CALLABLE)
@pytest.mark.parametrize("effort", ["none", "low", "max"])
def test_every_model_takes_what_we_send(model: str, effort: Any) -> None:
    facts = catalogue.facts("amazon-bedrock", model)
    tools = (TOOL,) if facts.takes_tools else ()
    wish = ResponseFormat(schema=SCHEMA)

    for thinking in (None, Thinking(), Thinking(effort=effort), Thinking(budget_tokens=3_000)):
        _body(_prompt(model, tools=tools, thinking=thinking, response_format=wish, messages=CALLED), facts)


@pytest.mark.parametrize(
    ("model", "choice", "sent"),
    [
        (CLAUDE, ToolChoice("auto"), None),
        (CLAUDE, ToolChoice("required"), {"any": {}}),
        (CLAUDE, ToolChoice("function", "weather"), {"tool": {"name": "weather"}}),
        (NOVA, ToolChoice("function", "weather"), {"tool": {"name": "weather"}}),
        ("mistral.mistral-large-2407-v1:0", ToolChoice("function", "weather"), {"any": {}}),
        ("deepseek.v3-v1:0", ToolChoice("required"), {"any": {}}),
        (LLAMA, ToolChoice("required"), None),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/x", ToolChoice("required"), None),
    ],
)
def test_a_choice_of_tools_is_what_the_maker_takes(
    model: str, choice: ToolChoice, sent: dict[str, Any] | None
) -> None:
    body = _body(_prompt(model, tools=(TOOL,), tool_choice=choice))

    assert body["toolConfig"].get("toolChoice") == sent


@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("function", "weather")])
@pytest.mark.parametrize("thinking", [None, Thinking(effort="high")])
def test_no_model_refuses_a_choice(choice: ToolChoice, thinking: Thinking | None) -> None:
    for model in CALLABLE:
        _body(_prompt(model, tools=(TOOL,), tool_choice=choice, thinking=thinking))


def test_tools_that_are_not_to_be_called_are_left_out_and_calls_become_text() -> None:
    body = _body(_prompt(CLAUDE, messages=CALLED, tools=(TOOL,), tool_choice=ToolChoice("none")))

    assert "toolConfig" not in body
    assert {"text": "[Called weather with {}]"} in body["messages"][-2]["content"]


@pytest.mark.parametrize(
    ("choice", "finding"),
    [
        ({"none": {}}, "one of auto, any, tool"),
        ({"tool": {"name": "other"}}, "is not in toolConfig.tools"),
        ({"any": {}}, "doesn't support the toolConfig.toolChoice.any field"),
    ],
)
def test_the_vendor_refuses_a_choice_that_cannot_be(choice: dict[str, Any], finding: str) -> None:
    body = _body(_prompt(tools=(TOOL,)))
    body["toolConfig"]["toolChoice"] = choice

    assert finding in (refusal_of(body, LLAMA) or "")
