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
from backboard_server.providers.table import Dialect
from backboard_server.providers.wires.openai_chat.request import body_of
from fake_vendor.description import ABSENT, is_available, problems
from fake_vendor.dialects.openai_chat_demands import refusal_of

PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look_up", "parameters": PARAMETERS}}
CALL = ToolCall("call_1", "look_up", '{"city": "Paris"}')
PROMPT = Prompt(
    choice=ModelChoice("openai", "gpt-4o"),
    messages=(
        PromptMessage("system", "Be brief."),
        PromptMessage("user", "Where is Paris?"),
        PromptMessage("assistant", "", tool_calls=(CALL,)),
        PromptMessage("tool", "In France.", tool_call_id="call_1"),
        PromptMessage("assistant", "In France."),
        PromptMessage("user", "Thank you."),
    ),
)


UNKNOWN = Facts(context_limit=1)
STRUCTURED = Facts(context_limit=1, has_structured_output=True)
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
PNG = Media(kind="image", media_type="image/png", filename="map.png", content=b"png")
PDF = Media(kind="pdf", media_type="application/pdf", filename="report.pdf", content=b"pdf")
WAV = Media(kind="audio", media_type="audio/wav", filename="call.wav", content=b"wav")
OGG = Media(kind="audio", media_type="audio/ogg", filename="call.ogg", content=b"ogg")


def _body(
    prompt: Prompt, dialect: Dialect = "openai", facts: Facts = UNKNOWN, *, streamed: bool = False
) -> dict[str, Any]:
    return msgspec.json.decode(body_of(prompt, dialect, facts, streamed=streamed))


def _parts(dialect: Dialect, *media: Media, text: str = "Look.") -> list[dict[str, Any]]:
    message = PromptMessage("user", text, media=media)
    return _body(replace(PROMPT, messages=(message,)), dialect)["messages"][0]["content"]


def test_every_role_has_its_shape() -> None:
    assert _body(PROMPT)["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Where is Paris?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "look_up", "arguments": '{"city": "Paris"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "In France."},
        {"role": "assistant", "content": "In France."},
        {"role": "user", "content": "Thank you."},
    ]


def test_nothing_is_sent_that_was_not_asked_for() -> None:
    assert set(_body(PROMPT)) == {"model", "messages"}


@pytest.mark.parametrize("dialect", ["common", "openai", "openrouter"])
def test_a_stream_asks_for_usage_at_its_end(dialect: Dialect) -> None:
    body = _body(PROMPT, dialect, streamed=True)

    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})


def test_a_strict_host_gets_no_field_that_it_may_not_know() -> None:
    body = _body(PROMPT, "strict", streamed=True)

    assert set(body) == {"model", "messages", "stream"}


def test_files_are_sent_as_the_reference_has_them() -> None:
    assert _parts("openai", PNG, PDF, WAV) == [
        {"type": "text", "text": "Look."},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n"}},
        {
            "type": "file",
            "file": {"filename": "report.pdf", "file_data": "data:application/pdf;base64,cGRm"},
        },
        {"type": "input_audio", "input_audio": {"data": "d2F2", "format": "wav"}},
    ]


def test_a_file_without_words_is_sent_alone() -> None:
    assert [part["type"] for part in _parts("openai", PNG, text="")] == ["image_url"]


@pytest.mark.parametrize(("dialect", "media"), [("common", PDF), ("strict", PDF), ("openai", OGG)])
def test_a_file_of_a_kind_that_the_host_does_not_take_is_named(dialect: Dialect, media: Media) -> None:
    assert media.filename in _parts(dialect, media)[1]["text"]


def test_openrouter_gets_its_routing_and_nobody_else_does() -> None:
    wish = {
        "providers": ["groq"],
        "allow_fallbacks": False,
        "sort": "price",
        "max_price": {"prompt": 1},
        "excluded_models": ["openai/*"],
        "unknown": 1,
    }
    prompt = replace(PROMPT, openrouter=wish)

    body = _body(prompt, "openrouter")

    assert body["provider"] == {
        "order": ["groq"],
        "allow_fallbacks": False,
        "sort": "price",
        "max_price": {"prompt": 1},
    }
    assert body["plugins"] == [{"id": "auto-router", "excluded_models": ["openai/*"]}]
    assert set(_body(prompt, "openai")) == {"model", "messages"}


def test_a_json_object_is_asked_for_and_spoken_of() -> None:
    wish = ResponseFormat()
    asked = _body(replace(PROMPT, response_format=wish))
    spoken_of = _body(
        replace(PROMPT, response_format=wish, messages=(PromptMessage("user", "As JSON, please."),))
    )

    assert asked["response_format"] == {"type": "json_object"}
    assert "JSON" in asked["messages"][0]["content"]
    assert len(spoken_of["messages"]) == 1


def test_a_schema_is_sent_where_the_host_or_the_model_takes_one() -> None:
    prompt = replace(PROMPT, response_format=ResponseFormat(schema=SCHEMA, name="place", is_strict=True))
    field = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA, "strict": True}}

    assert _body(prompt, "openai")["response_format"] == field
    assert _body(prompt, "common", STRUCTURED)["response_format"] == field


def test_elsewhere_a_schema_is_put_in_words() -> None:
    body = _body(replace(PROMPT, response_format=ResponseFormat(schema=SCHEMA)), "common")

    assert body["response_format"] == {"type": "json_object"}
    assert '"city"' in body["messages"][0]["content"]


def test_beside_tools_only_some_hosts_are_asked_in_the_field() -> None:
    prompt = replace(PROMPT, response_format=ResponseFormat(), tools=(TOOL,))

    assert "response_format" in _body(prompt, "openrouter")
    assert "response_format" not in _body(prompt, "common")
    assert "JSON" in _body(prompt, "common")["messages"][0]["content"]


def test_what_a_host_wants_to_see_again_goes_back_beside_its_answer() -> None:
    kept = {"reasoning_content": "Paris is in France.", "extra_content": {"call_1": {"google": {"x": "y"}}}}
    answer = PromptMessage("assistant", "", tool_calls=(CALL,), sidecar={"openai_chat": kept})

    message = _body(replace(PROMPT, messages=(answer,)))["messages"][0]

    assert message["reasoning_content"] == "Paris is in France."
    assert message["tool_calls"][0]["extra_content"] == {"google": {"x": "y"}}


@pytest.mark.skipif(not is_available(), reason=ABSENT)
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    "prompt",
    [
        PROMPT,
        replace(PROMPT, tools=(TOOL,)),
        replace(PROMPT, response_format=ResponseFormat()),
        replace(PROMPT, response_format=ResponseFormat(schema=SCHEMA)),
        replace(PROMPT, thinking=Thinking(effort="max")),
        replace(PROMPT, messages=(PromptMessage("user", "Look.", media=(PNG, PDF, WAV)),)),
    ],
)
def test_what_we_send_is_what_openai_describes(prompt: Prompt, streamed: bool) -> None:
    assert problems("CreateChatCompletionRequest", _body(prompt, streamed=streamed)) == []


def test_a_wish_to_think_goes_to_models_that_may_reason_alone() -> None:
    thinking = replace(PROMPT, thinking=Thinking(effort="low"))

    assert _body(thinking, "common")["reasoning_effort"] == "low"
    assert "reasoning_effort" not in _body(thinking, "common", replace(UNKNOWN, may_reason=False))


@pytest.mark.parametrize("dialect", ["strict", "mistral", "cohere"])
def test_a_host_that_gives_usage_unasked_is_not_asked_for_it(dialect: Dialect) -> None:
    assert set(_body(PROMPT, dialect, streamed=True)) == {"model", "messages", "stream"}


@pytest.mark.skipif(not is_available(), reason=ABSENT)
@pytest.mark.parametrize(
    "choice", [ToolChoice("none"), ToolChoice("required"), ToolChoice("function", "look_up")]
)
def test_a_choice_of_tools_is_as_the_vendor_describes_it(choice: ToolChoice) -> None:
    body = _body(replace(PROMPT, tools=(TOOL,), tool_choice=choice))

    assert "tool_choice" in body
    assert problems("CreateChatCompletionRequest", body) == []
    assert refusal_of("gpt-4o", body) is None


@pytest.mark.parametrize("fields", [{}, {"tools": (TOOL,)}])
def test_a_model_that_may_choose_is_sent_no_choice(fields: dict[str, Any]) -> None:
    assert "tool_choice" not in _body(replace(PROMPT, tool_choice=ToolChoice("auto"), **fields))
    assert "tool_choice" not in _body(replace(PROMPT, tool_choice=ToolChoice("required")))


@pytest.mark.parametrize(
    "wrong",
    [
        {"tools": []},
        {"tool_choice": "any"},
        {"tool_choice": {"type": "function", "function": {"name": "other"}}},
        {"tool_choice": {"type": "tool", "name": "look_up"}},
    ],
)
def test_the_vendor_refuses_a_choice_that_cannot_be(wrong: dict[str, Any]) -> None:
    body = _body(replace(PROMPT, tools=(TOOL,), tool_choice=ToolChoice("required"))) | wrong

    assert refusal_of("gpt-4o", body) is not None
