"""The choice of tools beside thinking, host by host; the vendor takes every request."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, Thinking, ToolChoice
from backboard_server.providers.table import Dialect
from backboard_server.providers.wires.openai_chat.choice import with_choice, words_of
from backboard_server.providers.wires.openai_chat.request import body_of
from fake_vendor.dialects.openai_chat_demands import refusal_of

TOOL: dict[str, Any] = {"type": "function", "function": {"name": "look_up"}}
FACTS = Facts(context_limit=32_768)
NONE, ANY, NAMED = ToolChoice("none"), ToolChoice("required"), ToolChoice("function", "look_up")
HARD = Thinking(effort="high")
RESTING = Thinking(effort="none")


def _prompt(model: str, choice: ToolChoice | None, thinking: Thinking | None = None) -> Prompt:
    return Prompt(
        choice=ModelChoice("here", model),
        messages=(PromptMessage("user", "Where?"),),
        tools=(TOOL,),
        tool_choice=choice,
        thinking=thinking,
    )


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (NONE, "none"),
        (ANY, "required"),
        (NAMED, {"type": "function", "function": {"name": "look_up"}}),
    ],
)
def test_a_choice_is_said_in_openais_words(choice: ToolChoice, words: object) -> None:
    assert words_of(choice) == words


@pytest.mark.parametrize(
    ("dialect", "model", "thinking", "sent"),
    [
        ("common", "qwen3", HARD, NAMED),
        ("openai", "gpt-4o", None, NAMED),
        ("mistral", "mistral-large-4", HARD, NAMED),
        ("cohere", "command-a", None, ANY),
        ("zai", "glm-5", None, None),
        ("deepseek", "deepseek-v4-pro", HARD, None),
        ("deepseek", "deepseek-v4-pro", None, NAMED),
        ("deepseek", "deepseek-v4-pro", RESTING, NAMED),
        ("moonshot", "kimi-k2.6", HARD, None),
        ("moonshot", "kimi-k2.6", None, NAMED),
        ("moonshot", "kimi-k2.7-code", None, None),
        ("moonshot", "kimi-k2-thinking", None, None),
        ("moonshot", "kimi-k3", None, ANY),
        ("moonshot", "kimi-k2-0905-preview", None, NAMED),
    ],
)
def test_a_host_is_sent_what_it_takes_beside_thinking(
    dialect: Dialect, model: str, thinking: Thinking | None, sent: ToolChoice | None
) -> None:
    assert with_choice(_prompt(model, NAMED, thinking), dialect, FACTS).tool_choice == sent


@pytest.mark.parametrize(
    ("dialect", "model"),
    [
        ("common", "qwen3"),
        ("openai", "gpt-5.6"),
        ("mistral", "mistral-large-4"),
        ("zai", "glm-5"),
        ("deepseek", "deepseek-v4-pro"),
        ("moonshot", "kimi-k2.6"),
        ("moonshot", "kimi-k2-thinking"),
        ("moonshot", "kimi-k3"),
    ],
)
@pytest.mark.parametrize("choice", [None, ToolChoice("auto"), NONE, ANY, NAMED])
@pytest.mark.parametrize("thinking", [None, HARD, RESTING])
def test_no_host_refuses_what_it_is_sent(
    dialect: Dialect, model: str, choice: ToolChoice | None, thinking: Thinking | None
) -> None:
    body = body_of(_prompt(model, choice, thinking), dialect, FACTS, streamed=False)

    assert refusal_of(model, msgspec.json.decode(body)) is None


def test_a_call_that_was_asked_for_goes_before_thinking_that_was_not() -> None:
    prompt = _prompt("deepseek-v4-pro", ANY)

    body = msgspec.json.decode(body_of(prompt, "deepseek", FACTS, streamed=False))

    assert (body["tool_choice"], body["thinking"]) == ("required", {"type": "disabled"})


def test_a_model_that_does_not_reason_needs_no_rest() -> None:
    facts = Facts(context_limit=32_768, may_reason=False)

    assert with_choice(_prompt("deepseek-chat", NAMED), "deepseek", facts) == _prompt("deepseek-chat", NAMED)


def test_a_host_without_a_word_for_none_is_sent_no_tools() -> None:
    body = msgspec.json.decode(body_of(_prompt("glm-5", NONE), "zai", FACTS, streamed=False))

    assert not body.keys() & {"tools", "tool_choice"}
