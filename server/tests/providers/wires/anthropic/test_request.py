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
    Sidecar,
    Thinking,
    ToolCall,
    ToolChoice,
)
from backboard_server.providers._claude import BINDING_BETA
from backboard_server.providers.wires.anthropic.request import Request, request_of
from fake_vendor.dialects.anthropic_demands import refusal_of

Json = dict[str, Any]

FACTS = Facts(context_limit=200_000, max_output_tokens=64_000, is_known=True)
UNKNOWN = Facts(context_limit=32_768)
TOOL: Json = {"type": "function", "function": {"name": "weather", "description": "Tells it."}}
ASKED = PromptMessage("user", "Where?")
CITY: Json = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CACHED = {"type": "ephemeral"}


def _request(
    prompt: Prompt, facts: Facts = FACTS, *, is_anthropic: bool = True, streamed: bool = False
) -> Request:
    return request_of(prompt, facts, is_anthropic=is_anthropic, streamed=streamed)


def _prompt(model: str, *messages: PromptMessage, **fields: Any) -> Prompt:
    return Prompt(choice=ModelChoice("anthropic", model), messages=messages or (ASKED,), **fields)


def _body(
    model: str, *messages: PromptMessage, facts: Facts = FACTS, is_anthropic: bool = True, **fields: Any
) -> Json:
    return msgspec.json.decode(
        _request(_prompt(model, *messages, **fields), facts, is_anthropic=is_anthropic).body
    )


def _kept(model: str) -> Sidecar:
    blocks: list[Json] = [{"type": "thinking", "thinking": "Hm.", "signature": "s"}, {"type": "tool_use"}]
    return {"anthropic": {"model": model, "blocks": blocks}}


def _called(sidecar: Sidecar | None = None) -> tuple[PromptMessage, ...]:
    called = PromptMessage("assistant", "", tool_calls=(ToolCall("c", "weather", "{}"),), sidecar=sidecar)
    return (ASKED, called, PromptMessage("tool", "Sun.", tool_call_id="c"))


def test_a_plain_question_is_sent_with_nothing_that_was_not_asked_for() -> None:
    assert _body("claude-sonnet-4-6") == {
        "model": "claude-sonnet-4-6",
        "max_tokens": 64_000,
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Where?", "cache_control": CACHED}]}
        ],
    }


def test_a_stream_is_asked_for() -> None:
    assert msgspec.json.decode(_request(_prompt("m"), streamed=True).body)["stream"] is True


@pytest.mark.parametrize(
    ("model", "facts", "tokens"),
    [
        ("claude-3-haiku-20240307", Facts(context_limit=200_000, max_output_tokens=4_096), 4_096),
        ("MiniMax-M2", Facts(context_limit=200_000, max_output_tokens=131_072), 100_000),
        ("claude-opus-5-5", UNKNOWN, 32_000),
        ("claude-3-9-sonnet", UNKNOWN, 8_192),
        ("some-model", UNKNOWN, 8_192),
    ],
)
def test_the_vendor_is_told_how_much_may_be_written(model: str, facts: Facts, tokens: int) -> None:
    assert _body(model, facts=facts)["max_tokens"] == tokens


def test_a_tool_is_sent_in_the_vendors_form() -> None:
    other = {"type": "function", "function": {"name": "f.g", "parameters": CITY}}

    body = _body("claude-sonnet-4-6", tools=(TOOL, other, {"type": "retrieval"}))

    assert body["tools"] == [
        {
            "name": "weather",
            "description": "Tells it.",
            "input_schema": {"type": "object", "properties": {}},
        },
        {"name": "f_g", "input_schema": CITY, "cache_control": CACHED},
    ]
    assert "tool_choice" not in body


def test_tools_of_the_past_are_declared_and_not_to_be_called() -> None:
    body = _body("claude-sonnet-4-6", *_called())

    assert [tool["name"] for tool in body["tools"]] == ["weather"]
    assert body["tool_choice"] == {"type": "none"}


def test_the_stable_beginning_and_the_last_two_questions_are_marked_for_the_cache() -> None:
    system = (PromptMessage("system", "Be brief."), PromptMessage("system", "Summary."))
    answer = PromptMessage("assistant", "Here.")

    body = _body("claude-sonnet-4-6", *system, ASKED, answer, ASKED, answer, ASKED, tools=(TOOL,))

    marks = ["cache_control" in block for block in (*body["tools"], *body["system"])]
    assert marks == [False, True, False]
    assert ["cache_control" in turn["content"][-1] for turn in body["messages"]] == [
        False,
        False,
        True,
        False,
        True,
    ]


def test_thinking_and_effort_share_the_request_with_the_form_of_the_answer() -> None:
    form = ResponseFormat(schema=CITY)

    body = _body("claude-opus-4-7", thinking=Thinking(effort="low"), response_format=form, tools=(TOOL,))

    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}
    schema = CITY | {"additionalProperties": False}
    assert body["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": schema}}
    assert "system" not in body


@pytest.mark.parametrize(
    ("model", "form", "is_anthropic"),
    [
        ("claude-sonnet-4-6", ResponseFormat(), True),
        ("claude-sonnet-4-6", ResponseFormat(schema={"type": "object"}), True),
        ("claude-opus-4-1", ResponseFormat(schema=CITY), True),
        ("claude-sonnet-4-6", ResponseFormat(schema=CITY), False),
    ],
)
def test_json_is_asked_for_in_words_where_there_is_no_field_for_it(
    model: str, form: ResponseFormat, is_anthropic: bool
) -> None:
    body = _body(
        model, PromptMessage("system", "Be brief."), ASKED, response_format=form, is_anthropic=is_anthropic
    )

    assert "output_config" not in body
    assert [block["text"].split()[0] for block in body["system"]] == ["Be", "Answer"]


def test_a_host_that_is_known_to_hold_answers_to_a_schema_is_given_it() -> None:
    facts = Facts(context_limit=200_000, has_structured_output=True)

    assert "output_config" in _body(
        "m", response_format=ResponseFormat(schema=CITY), facts=facts, is_anthropic=False
    )


def test_a_model_with_a_budget_thinks_on_in_a_turn_that_began_with_its_thought() -> None:
    body = _body("claude-sonnet-4-5", *_called(_kept("claude-sonnet-4-5-20250929")), thinking=Thinking())

    assert body["thinking"]["type"] == "enabled"
    assert [block["type"] for block in body["messages"][1]["content"]] == ["thinking", "tool_use"]


@pytest.mark.parametrize("sidecar", [None, _kept("claude-opus-4-5")])
def test_a_model_with_a_budget_does_not_think_in_a_turn_that_another_began(sidecar: Sidecar | None) -> None:
    body = _body("claude-sonnet-4-5", *_called(sidecar), thinking=Thinking())

    assert "thinking" not in body
    assert [block["type"] for block in body["messages"][1]["content"]] == ["tool_use"]


def test_an_adaptive_model_thinks_in_a_turn_that_another_began() -> None:
    body = _body("claude-sonnet-4-6", *_called(), thinking=Thinking())

    assert body["thinking"] == {"type": "adaptive"}


def test_thoughts_that_are_bound_to_their_context_are_dropped_by_the_vendor_and_not_refused() -> None:
    messages = _called(_kept("claude-opus-5-5"))

    request = _request(_prompt("claude-opus-5-5", *messages))

    binding = {"prefix_mismatch_behavior": "drop_block"}
    assert msgspec.json.decode(request.body)["thinking"] == {"type": "adaptive", "block_binding": binding}
    assert request.betas == (BINDING_BETA,)


@pytest.mark.parametrize(
    ("model", "is_anthropic", "has_thought"),
    [("claude-opus-5-5", True, False), ("claude-opus-5-5", False, True), ("claude-opus-5", True, True)],
)
def test_a_beta_is_used_only_where_it_is_needed(model: str, is_anthropic: bool, has_thought: bool) -> None:
    messages = _called(_kept(model) if has_thought else None)

    request = _request(_prompt(model, *messages), is_anthropic=is_anthropic)

    assert request.betas == ()
    assert "thinking" not in msgspec.json.decode(request.body)


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, None),
        (ToolChoice("auto"), None),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("function", "weather"), {"type": "tool", "name": "weather"}),
    ],
)
def test_a_choice_of_tools_is_said_in_the_vendors_words(choice: ToolChoice | None, sent: Json | None) -> None:
    body = _body("claude-sonnet-4-6", tools=(TOOL,), tool_choice=choice)

    assert body.get("tool_choice") == sent
    assert refusal_of(body) is None


def test_a_function_is_chosen_by_the_name_that_it_goes_by() -> None:
    tool: Json = {"type": "function", "function": {"name": "the weather"}}

    body = _body("claude-sonnet-4-6", tools=(tool,), tool_choice=ToolChoice("function", "the weather"))

    assert body["tool_choice"]["name"] == body["tools"][0]["name"] == "the_weather"


@pytest.mark.parametrize(
    ("model", "thinking", "is_forced"),
    [
        ("claude-3-5-haiku-20241022", Thinking(), True),
        ("claude-sonnet-4-5", None, True),
        ("claude-sonnet-4-5", Thinking(effort="none"), True),
        ("claude-sonnet-4-5", Thinking(effort="high"), False),
        ("claude-opus-4-6", None, True),
        ("claude-opus-4-6", Thinking(effort="high"), False),
        ("claude-opus-4-8", Thinking(effort="high"), True),
        ("claude-sonnet-5", None, True),
        ("claude-haiku-5-5", Thinking(effort="high"), True),
        ("claude-sonnet-5-5", None, False),
        ("claude-opus-5-5", None, False),
        ("claude-fable-5", None, False),
        ("claude-mythos-preview", None, False),
    ],
)
@pytest.mark.parametrize("choice", [ToolChoice("required"), ToolChoice("function", "weather")])
def test_a_model_that_cannot_be_forced_is_left_to_choose(
    model: str, thinking: Thinking | None, is_forced: bool, choice: ToolChoice
) -> None:
    body = _body(model, tools=(TOOL,), tool_choice=choice, thinking=thinking)

    assert ("tool_choice" in body) is is_forced
    assert refusal_of(body) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"tools": []},
        {"tool_choice": {"type": "tool", "name": "other"}},
        {"tool_choice": {"type": "required"}},
        {"model": "claude-opus-5-5"},
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    ],
)
def test_the_vendor_refuses_a_choice_that_cannot_be(wrong: Json) -> None:
    body = _body("claude-sonnet-4-5", tools=(TOOL,), tool_choice=ToolChoice("required"))

    assert "ool" in (refusal_of(body | wrong) or "")
