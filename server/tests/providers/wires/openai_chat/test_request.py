from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, ToolCall
from backboard_server.providers.table import Dialect
from backboard_server.providers.wires.openai_chat.request import body_of
from fake_vendor.description import ABSENT, is_available, problems

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


def _body(prompt: Prompt, dialect: Dialect = "openai", *, streamed: bool = False) -> dict[str, Any]:
    return msgspec.json.decode(body_of(prompt, dialect, streamed=streamed))


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
    body = _body(replace(PROMPT, thinking={"effort": "low"}), "strict", streamed=True)

    assert set(body) == {"model", "messages", "stream"}


@pytest.mark.parametrize(
    ("dialect", "thinking", "fields"),
    [
        ("openai", {}, {}),
        ("openai", {"effort": "Low"}, {"reasoning_effort": "low"}),
        ("openai", {"effort": "max"}, {"reasoning_effort": "max"}),
        ("common", {"effort": "max"}, {"reasoning_effort": "high"}),
        ("common", {"effort": "medium"}, {"reasoning_effort": "medium"}),
        ("common", {"budget_tokens": 1_024}, {"reasoning_effort": "low"}),
        ("common", {"budget_tokens": 4_096}, {"reasoning_effort": "medium"}),
        ("common", {"max_tokens": 32_000}, {"reasoning_effort": "high"}),
        ("common", {"budget_tokens": "many"}, {}),
        ("openrouter", {}, {"reasoning": {"enabled": True}}),
        ("openrouter", {"effort": "max"}, {"reasoning": {"enabled": True, "effort": "xhigh"}}),
        (
            "openrouter",
            {"max_tokens": 2_000, "exclude_reasoning": True},
            {"reasoning": {"enabled": True, "max_tokens": 2_000, "exclude": True}},
        ),
    ],
)
def test_thinking_is_said_in_the_words_of_the_host(
    dialect: Dialect, thinking: dict[str, Any], fields: dict[str, Any]
) -> None:
    body = _body(replace(PROMPT, thinking=thinking), dialect)

    assert {name: value for name, value in body.items() if name.startswith("reasoning")} == fields


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


def test_json_output_is_asked_for_and_spoken_of() -> None:
    asked = _body(replace(PROMPT, json_output=True))
    spoken_of = _body(
        replace(PROMPT, json_output=True, messages=(PromptMessage("user", "As JSON, please."),))
    )

    assert asked["response_format"] == {"type": "json_object"}
    assert "JSON" in asked["messages"][0]["content"]
    assert len(spoken_of["messages"]) == 1


@pytest.mark.skipif(not is_available(), reason=ABSENT)
@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize(
    "prompt",
    [
        PROMPT,
        replace(PROMPT, tools=(TOOL,)),
        replace(PROMPT, json_output=True),
        replace(PROMPT, thinking={"effort": "max"}),
    ],
)
def test_what_we_send_is_what_openai_describes(prompt: Prompt, streamed: bool) -> None:
    assert problems("CreateChatCompletionRequest", _body(prompt, streamed=streamed)) == []
