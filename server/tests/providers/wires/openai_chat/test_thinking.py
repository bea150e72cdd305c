from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.prompts import Thinking
from backboard_server.providers.table import Dialect
from backboard_server.providers.wires.openai_chat.thinking import thinking_of

ENABLED = {"thinking": {"type": "enabled"}}
DISABLED = {"thinking": {"type": "disabled"}}
PARSED = {"reasoning_format": "parsed"}
HIDDEN = {"reasoning_format": "hidden"}


def effort(name: str) -> dict[str, str]:
    return {"reasoning_effort": name}


@pytest.mark.parametrize(
    ("dialect", "model", "thinking", "sent"),
    [
        ("common", "any", Thinking(), {}),
        ("common", "any", Thinking(effort="medium", budget_tokens=1), effort("medium")),
        ("common", "any", Thinking(effort="minimal"), effort("low")),
        ("common", "any", Thinking(effort="none"), effort("none")),
        ("common", "any", Thinking(effort="max"), effort("high")),
        ("common", "any", Thinking(budget_tokens=1_024), effort("low")),
        ("common", "any", Thinking(budget_tokens=32_000), effort("high")),
        ("common", "openai/gpt-oss-20b", Thinking(effort="none"), effort("low")),
        ("strict", "any", Thinking(effort="high"), {}),
        ("openai", "gpt-5", Thinking(), {}),
        ("openai", "gpt-5", Thinking(effort="none"), effort("minimal")),
        ("openai", "gpt-5.1", Thinking(), effort("medium")),
        ("openai", "gpt-5.1", Thinking(effort="none"), effort("none")),
        ("azure", "gpt-5.2", Thinking(effort="max"), effort("xhigh")),
        ("openai", "gpt-5-chat-latest", Thinking(effort="high"), {}),
        ("mistral", "mistral-small-latest", Thinking(), effort("high")),
        ("mistral", "mistral-medium-latest", Thinking(effort="low"), effort("high")),
        ("mistral", "mistral-small-latest", Thinking(effort="none"), effort("none")),
        ("mistral", "mistral-large-4-0", Thinking(effort="low"), effort("low")),
        ("mistral", "magistral-medium-latest", Thinking(effort="high"), {}),
        ("cohere", "command-a-reasoning-08-2025", Thinking(effort="low"), effort("high")),
        ("cohere", "command-a-reasoning-08-2025", Thinking(effort="none"), effort("none")),
        ("deepseek", "deepseek-v4-pro", Thinking(), ENABLED),
        ("deepseek", "deepseek-v4-pro", Thinking(effort="none"), DISABLED),
        ("deepseek", "deepseek-v4-pro", Thinking(effort="medium"), ENABLED | effort("high")),
        ("deepseek", "deepseek-v4-pro", Thinking(effort="max"), ENABLED | effort("max")),
        ("moonshot", "kimi-k2.6", Thinking(effort="high"), ENABLED),
        ("moonshot", "kimi-k2.5", Thinking(effort="none"), DISABLED),
        ("moonshot", "kimi-k2-thinking", Thinking(effort="none"), {}),
        ("moonshot", "kimi-k3", Thinking(effort="medium"), effort("high")),
        ("zai", "glm-4.7", Thinking(effort="none"), DISABLED),
        ("zai", "glm-5.1", Thinking(budget_tokens=1), ENABLED),
        ("xai", "grok-4.3", Thinking(effort="none"), effort("none")),
        ("xai", "grok-4.3", Thinking(effort="max"), effort("high")),
        ("xai", "grok-4.5", Thinking(effort="none"), effort("low")),
        ("xai", "grok-3-mini", Thinking(effort="medium"), effort("high")),
        ("xai", "grok-4.20-0309-reasoning", Thinking(effort="high"), {}),
        ("groq", "qwen/qwen3-32b", None, PARSED),
        ("groq", "qwen/qwen3-32b", Thinking(effort="low"), PARSED | effort("default")),
        ("groq", "qwen/qwen3-32b", Thinking(effort="none"), PARSED | effort("none")),
        ("groq", "qwen/qwen3-32b", Thinking(is_hidden=True), HIDDEN | effort("default")),
        ("groq", "openai/gpt-oss-120b", Thinking(effort="max"), effort("high")),
        ("groq", "openai/gpt-oss-120b", Thinking(is_hidden=True), {"include_reasoning": False}),
        ("groq", "groq/compound", Thinking(effort="high"), {}),
        ("cerebras", "qwen-3-32b", None, PARSED),
        ("cerebras", "zai-glm-4.7", Thinking(effort="none"), effort("none")),
        ("cerebras", "zai-glm-4.7", Thinking(effort="high"), {}),
        ("cerebras", "gpt-oss-120b", Thinking(effort="low", is_hidden=True), HIDDEN | effort("low")),
    ],
)
def test_a_wish_to_think_is_said_as_the_host_documents_it(
    dialect: Dialect, model: str, thinking: Thinking | None, sent: dict[str, Any]
) -> None:
    assert thinking_of(thinking, dialect, model) == sent


@pytest.mark.parametrize(
    ("thinking", "reasoning"),
    [
        (Thinking(), {"enabled": True}),
        (Thinking(effort="max"), {"effort": "max"}),
        (Thinking(effort="none"), {"effort": "none"}),
        (Thinking(budget_tokens=2_000, is_hidden=True), {"max_tokens": 2_000, "exclude": True}),
    ],
)
def test_openrouter_has_an_object_of_its_own(thinking: Thinking, reasoning: dict[str, Any]) -> None:
    assert thinking_of(thinking, "openrouter", "openai/gpt-5") == {"reasoning": reasoning}
    assert thinking_of(None, "openrouter", "openai/gpt-5") == {}


@pytest.mark.parametrize(
    ("model", "thinking", "sent"),
    [
        ("gpt-5.6-sol", None, effort("none")),
        ("gpt-5.4", Thinking(effort="high"), effort("none")),
        ("gpt-5.1", Thinking(effort="high"), effort("high")),
        ("gpt-5", None, {}),
    ],
)
def test_what_openai_refuses_beside_tools_is_switched_off_there(
    model: str, thinking: Thinking | None, sent: dict[str, Any]
) -> None:
    assert thinking_of(thinking, "openai", model, has_tools=True) == sent
