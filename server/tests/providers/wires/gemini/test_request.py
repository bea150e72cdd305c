from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import (
    ModelChoice,
    Prompt,
    PromptMessage,
    ResponseFormat,
    Thinking,
    ToolChoice,
)
from backboard_server.providers.wires.gemini.request import body_of
from fake_vendor.dialects.gemini_demands import refusal_of

UNKNOWN = Facts(context_limit=1_000)
KNOWN = Facts(context_limit=1_000, is_known=True)
SYSTEM = PromptMessage("system", "Be brief.")
QUESTION = PromptMessage("user", "Why?")
SCHEMA = {"type": "object", "properties": {"why": {"const": "so"}}}
TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "description": "Looks up.",
        "parameters": {"type": "object", "properties": {"what": {"type": "string", "pattern": "."}}},
    },
}


def _body(
    *messages: PromptMessage, model: str = "gemini-2.5-flash", facts: Facts = UNKNOWN, **fields: Any
) -> Any:
    choice = ModelChoice("google", model)
    prompt = Prompt(choice=choice, messages=messages or (SYSTEM, QUESTION), **fields)
    return msgspec.json.decode(body_of(prompt, facts))


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert _body() == {
        "contents": [{"role": "user", "parts": [{"text": "Why?"}]}],
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
    }


def test_system_prompts_of_the_whole_conversation_are_one_instruction() -> None:
    body = _body(SYSTEM, QUESTION, PromptMessage("system", "And kind."), PromptMessage("system", ""))

    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "And kind."}]}
    assert len(body["contents"]) == 1


def test_gemma_is_instructed_in_the_first_turn() -> None:
    body = _body(model="gemma-3-27b-it")

    assert "systemInstruction" not in body
    assert body["contents"] == [{"role": "user", "parts": [{"text": "Be brief."}, {"text": "Why?"}]}]


def test_functions_are_declared_with_mended_json_schemas() -> None:
    bare = {"type": "function", "function": {"name": "wait"}}

    body = _body(tools=(TOOL, bare))

    declared = [
        {
            "name": "look_up",
            "description": "Looks up.",
            "parametersJsonSchema": {"type": "object", "properties": {"what": {"type": "string"}}},
        },
        {"name": "wait", "description": "wait"},
    ]
    assert body["tools"] == [{"functionDeclarations": declared}]


def test_json_is_asked_for_in_its_field() -> None:
    config = {"responseMimeType": "application/json"}

    assert _body(response_format=ResponseFormat())["generationConfig"] == config
    schema = {"type": "object", "properties": {"why": {"enum": ["so"]}}}
    body = _body(response_format=ResponseFormat(schema=SCHEMA))
    assert body["generationConfig"] == config | {"responseJsonSchema": schema}


@pytest.mark.parametrize(
    ("model", "facts", "tools"),
    [("gemini-2.5-flash", UNKNOWN, (TOOL,)), ("gemma-3-27b-it", KNOWN, ()), ("some-model", UNKNOWN, (TOOL,))],
)
def test_json_is_asked_for_in_words_where_the_field_is_refused(
    model: str, facts: Facts, tools: tuple[dict[str, Any], ...]
) -> None:
    body = _body(model=model, facts=facts, tools=tools, response_format=ResponseFormat(schema=SCHEMA))

    assert "generationConfig" not in body
    assert '"const":"so"' in str(msgspec.json.encode(body)).replace("\\", "")


def test_json_and_functions_go_together_from_3_on() -> None:
    body = _body(model="gemini-3.5-flash", tools=(TOOL,), response_format=ResponseFormat(schema=SCHEMA))

    assert "responseJsonSchema" in body["generationConfig"]
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}


def test_thinking_is_configured_where_the_model_takes_it() -> None:
    thinking = Thinking(effort="high")

    assert _body(thinking=thinking)["generationConfig"]["thinkingConfig"]["thinkingBudget"] == 24_576
    assert "generationConfig" not in _body(thinking=thinking, model="some-model")


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("function", "look_up"), {"mode": "ANY", "allowedFunctionNames": ["look_up"]}),
    ],
)
def test_a_choice_of_tools_is_a_mode(choice: ToolChoice, config: dict[str, Any]) -> None:
    body = _body(tools=(TOOL,), tool_choice=choice)

    assert body["toolConfig"] == {"functionCallingConfig": config}
    assert refusal_of(body, "gemini-2.5-flash") is None


@pytest.mark.parametrize("choice", [None, ToolChoice("auto")])
def test_a_model_that_may_choose_is_sent_no_choice(choice: ToolChoice | None) -> None:
    assert "toolConfig" not in _body(tools=(TOOL,), tool_choice=choice)


def test_a_choice_without_tools_is_not_sent() -> None:
    assert "toolConfig" not in _body(tool_choice=ToolChoice("required"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"tools": []},
        {"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["other"]}}},
        {"toolConfig": {"functionCallingConfig": {"mode": "SOME"}}},
        {"toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["look_up"]}}},
    ],
)
def test_the_vendor_refuses_a_choice_that_cannot_be(wrong: dict[str, Any]) -> None:
    body = _body(tools=(TOOL,), tool_choice=ToolChoice("required")) | wrong

    assert "unction" in (refusal_of(body, "gemini-2.5-flash") or "")
