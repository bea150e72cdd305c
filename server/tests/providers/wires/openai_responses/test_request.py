from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import (
    Media,
    ModelChoice,
    Prompt,
    PromptMessage,
    ResponseFormat,
    Thinking,
    ToolCall,
    ToolChoice,
)
from backboard_server.providers.wires.openai_responses.request import body_of
from backboard_server.providers.wires.openai_responses.sidecar import Kept, sidecar_of
from fake_vendor.description import ABSENT, is_available, problems
from fake_vendor.dialects.openai_responses_demands import refusal_of, sealed

FACTS = Facts(context_limit=400_000, has_structured_output=True)
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
FUNCTION: dict[str, Any] = {"name": "look_up", "description": "Finds it.", "parameters": SCHEMA}
IMAGE = Media(kind="image", media_type="image/png", filename="a.png", content=b"png")
PDF = Media(kind="pdf", media_type="application/pdf", filename="a.pdf", content=b"pdf")
THOUGHT = Kept("reasoning", "rs_1", sealed("rs_1", "seal"))
CALL = ToolCall("call_1", "look_up", '{"city": "Paris"}')
PROMPT = Prompt(
    choice=ModelChoice("openai", "gpt-5"),
    messages=(
        PromptMessage("system", "Be brief."),
        PromptMessage("system", "Be kind."),
        PromptMessage("user", "Where is Paris?", media=(IMAGE, PDF)),
        PromptMessage(
            "assistant",
            "Let me see.",
            (CALL,),
            sidecar=sidecar_of(
                [
                    THOUGHT,
                    Kept("message", "msg_1_rs_1", phase="commentary", characters=11),
                    Kept("function_call", "fc_1_rs_1", call_id="call_1"),
                ]
            ),
        ),
        PromptMessage("tool", "In France.", tool_call_id="call_1"),
        PromptMessage("assistant", "In France."),
        PromptMessage("system", "It is late."),
        PromptMessage("user", "Thank you."),
    ),
)
GREETING = replace(PROMPT, messages=(PromptMessage("user", "Hello."),))
WISH = ResponseFormat(schema=SCHEMA)


def _body(prompt: Prompt, facts: Facts = FACTS, *, streamed: bool = False) -> dict[str, Any]:
    return msgspec.json.decode(body_of(prompt, facts, streamed=streamed))


def _tool(**fields: Any) -> dict[str, Any]:
    prompt = replace(GREETING, tools=({"type": "function", "function": {"name": "look_up", **fields}},))
    return _body(prompt)["tools"][0]


@pytest.mark.skipif(not is_available(), reason=ABSENT)
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("response_format", [None, ResponseFormat(), WISH])
def test_a_request_is_what_openai_describes(response_format: ResponseFormat | None, streamed: bool) -> None:
    prompt = replace(
        PROMPT,
        tools=({"type": "function", "function": FUNCTION},),
        thinking=Thinking(effort="max"),
        response_format=response_format,
    )

    body = _body(prompt, streamed=streamed)

    assert problems("CreateResponse", body) == []
    assert refusal_of(body) is None


def test_nothing_is_sent_that_was_not_asked_for_and_nothing_is_stored() -> None:
    assert _body(GREETING) == {
        "model": "gpt-5",
        "input": [{"role": "user", "content": "Hello."}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    assert _body(GREETING, streamed=True)["stream"] is True


def test_the_system_instructs_first_and_speaks_up_later() -> None:
    body = _body(PROMPT)

    assert body["instructions"] == "Be brief.\n\nBe kind."
    assert body["input"][-2] == {"role": "developer", "content": "It is late."}


def test_a_prompt_of_the_system_alone_still_has_an_input() -> None:
    body = _body(replace(PROMPT, messages=PROMPT.messages[:1]))

    assert body["input"] == [{"role": "developer", "content": "Be brief."}]
    assert "instructions" not in body


def test_reasoning_goes_back_in_front_of_what_it_led_to() -> None:
    kinds = [item.get("type", item.get("role")) for item in _body(PROMPT)["input"]]

    assert kinds[1:5] == ["reasoning", "message", "function_call", "function_call_output"]


def test_a_model_that_does_not_reason_is_not_asked_for_reasoning() -> None:
    choice = ModelChoice("openai", "gpt-5-chat-latest")

    body = _body(replace(GREETING, choice=choice, thinking=Thinking(effort="high")))

    assert body.keys() & {"include", "reasoning"} == set()


def test_a_wish_to_think_is_passed_on() -> None:
    body = _body(replace(GREETING, thinking=Thinking(effort="max")))

    assert body["reasoning"] == {"effort": "high", "summary": "auto"}


@pytest.mark.parametrize(
    ("model", "thinking", "sent"),
    [
        ("gpt-5", Thinking(), {"summary": "auto"}),
        ("gpt-5", Thinking(is_hidden=True), None),
        ("gpt-5.1", Thinking(is_hidden=True), {"effort": "medium"}),
        ("gpt-5.1", Thinking(effort="none"), {"effort": "none"}),
        ("o3", Thinking(), {"summary": "auto"}),
        ("o3-mini", Thinking(), None),
        ("gpt-5-chat-latest", Thinking(), None),
    ],
)
def test_a_summary_is_asked_for_where_there_is_one_to_show(
    model: str, thinking: Thinking, sent: dict[str, Any] | None
) -> None:
    prompt = replace(PROMPT, choice=ModelChoice("openai", model), thinking=thinking)

    assert _body(prompt).get("reasoning") == sent


def test_a_function_is_flat_and_strict_only_where_that_is_asked() -> None:
    assert _tool(description="Finds it.", parameters=SCHEMA) == {
        "type": "function",
        "name": "look_up",
        "description": "Finds it.",
        "parameters": SCHEMA,
        "strict": False,
    }
    assert _tool(strict=True)["strict"] is True


PARAMETERS: list[tuple[object, dict[str, Any]]] = [
    (None, {"type": "object", "properties": {}}),
    ({}, {"type": "object", "properties": {}}),
    ({"type": "object", "required": []}, {"type": "object", "properties": {}, "required": []}),
    (SCHEMA | {"anyOf": [{}], "not": {}}, SCHEMA),
]


@pytest.mark.parametrize(("given", "sent"), PARAMETERS)
def test_parameters_that_the_vendor_refuses_are_mended(given: object, sent: dict[str, Any]) -> None:
    assert _tool(parameters=given)["parameters"] == sent


def test_a_schema_is_a_format_of_its_own() -> None:
    body = _body(replace(GREETING, response_format=replace(WISH, name="the city", is_strict=True)))

    assert body["text"]["format"] == {
        "type": "json_schema",
        "name": "the_city",
        "schema": SCHEMA,
        "strict": True,
    }
    assert body["input"] == [{"role": "user", "content": "Hello."}]


@pytest.mark.parametrize(
    ("schema", "facts"),
    [(SCHEMA, replace(FACTS, has_structured_output=False)), ({"type": "array"}, FACTS)],
)
def test_a_schema_that_the_model_does_not_take_is_asked_for_in_words(
    schema: dict[str, Any], facts: Facts
) -> None:
    body = _body(replace(GREETING, response_format=ResponseFormat(schema=schema)), facts)

    assert "text" not in body
    assert msgspec.json.encode(schema).decode() in body["input"][0]["content"]


def test_a_wish_for_json_stands_in_the_input_as_well_where_nobody_speaks_of_it() -> None:
    spoken = replace(GREETING, messages=(PromptMessage("user", "JSON, please."),))
    answered = replace(GREETING, messages=(*GREETING.messages, PromptMessage("assistant", "In JSON?")))
    instructed = replace(PROMPT, messages=(PromptMessage("system", "Use JSON."), *GREETING.messages))
    bodies = [
        _body(replace(each, response_format=ResponseFormat()))
        for each in (GREETING, spoken, instructed, answered)
    ]

    assert [body["text"]["format"]["type"] for body in bodies] == ["json_object"] * 4
    assert [len(body["input"]) for body in bodies] == [2, 1, 2, 3]
    assert [refusal_of(body) for body in bodies] == [None] * 4


@pytest.mark.skipif(not is_available(), reason=ABSENT)
@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("function", "look_up"), {"type": "function", "name": "look_up"}),
    ],
)
def test_a_choice_of_tools_is_as_the_vendor_describes_it(choice: ToolChoice, sent: object) -> None:
    tool = {"type": "function", "function": FUNCTION}

    body = _body(replace(GREETING, tools=(tool,), tool_choice=choice))

    assert body["tool_choice"] == sent
    assert problems("CreateResponse", body) == []
    assert refusal_of(body) is None


def test_a_model_that_may_choose_is_sent_no_choice() -> None:
    tool = {"type": "function", "function": FUNCTION}

    assert "tool_choice" not in _body(replace(GREETING, tools=(tool,), tool_choice=ToolChoice("auto")))
    assert "tool_choice" not in _body(replace(GREETING, tool_choice=ToolChoice("required")))


@pytest.mark.parametrize("wrong", [{"tools": []}, {"tool_choice": {"type": "function", "name": "other"}}])
def test_the_vendor_refuses_a_choice_that_cannot_be(wrong: dict[str, Any]) -> None:
    tool = {"type": "function", "function": FUNCTION}
    body = _body(replace(GREETING, tools=(tool,), tool_choice=ToolChoice("required"))) | wrong

    assert "'tools'" in (refusal_of(body) or "")
