"""From our prompt to the body of a chat completions request."""

from __future__ import annotations

from typing import Any

import msgspec

from backboard_server.domain.prompts import Prompt, PromptMessage, ToolCall
from backboard_server.providers.table import Dialect

_JSON_WISH = "Answer with one JSON object and nothing else."
_LOW_TOKENS_MAX = 2_048
_MEDIUM_TOKENS_MAX = 8_192

Json = dict[str, Any]


def body_of(prompt: Prompt, dialect: Dialect, *, streamed: bool) -> bytes:
    """Return the body, with nothing that was not asked for: some hosts refuse what they do not know."""
    body: Json = {
        "model": prompt.choice.model,
        "messages": [_message(message) for message in prompt.messages],
    }
    if streamed:
        body["stream"] = True
        if dialect != "strict":
            body["stream_options"] = {"include_usage": True}
    if prompt.tools:
        body["tools"] = prompt.tools
    if prompt.json_output:
        _ask_for_json(body, prompt)
    if prompt.thinking is not None:
        body |= _thinking(prompt.thinking, dialect)
    if prompt.openrouter and dialect == "openrouter":
        body |= _routing(prompt.openrouter)
    return msgspec.json.encode(body)


def _message(message: PromptMessage) -> Json:
    match message.role:
        case "system" | "user":
            return {"role": message.role, "content": message.content}
        case "tool":
            return {"role": "tool", "tool_call_id": message.tool_call_id or "", "content": message.content}
        case "assistant" if message.tool_calls:
            calls = [_tool_call(call) for call in message.tool_calls]
            return {"role": "assistant", "content": message.content or None, "tool_calls": calls}
        case "assistant":
            return {"role": "assistant", "content": message.content}


def _tool_call(call: ToolCall) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _ask_for_json(body: Json, prompt: Prompt) -> None:
    body["response_format"] = {"type": "json_object"}
    # OpenAI refuses this format unless a message speaks of JSON.
    if not any("json" in message.content.lower() for message in prompt.messages):
        body["messages"].insert(0, {"role": "system", "content": _JSON_WISH})


def _thinking(thinking: Json, dialect: Dialect) -> Json:
    """Translate the contract's `thinking` (section I): an effort, or a number of tokens, or neither."""
    effort = str(thinking.get("effort") or "").lower()
    tokens = thinking.get("budget_tokens") or thinking.get("max_tokens")
    if dialect == "openrouter":
        return {"reasoning": _openrouter_reasoning(thinking, effort, tokens)}
    if not effort and isinstance(tokens, int):
        effort = _effort_of(tokens)
    if not effort or dialect == "strict":
        return {}
    return {"reasoning_effort": "high" if effort == "max" and dialect != "openai" else effort}


def _openrouter_reasoning(thinking: Json, effort: str, tokens: object) -> Json:
    reasoning: Json = {"enabled": True}
    if effort:
        reasoning["effort"] = "xhigh" if effort == "max" else effort
    elif isinstance(tokens, int):
        reasoning["max_tokens"] = tokens
    if thinking.get("exclude_reasoning"):
        reasoning["exclude"] = True
    return reasoning


def _effort_of(tokens: int) -> str:
    if tokens <= _LOW_TOKENS_MAX:
        return "low"
    return "medium" if tokens <= _MEDIUM_TOKENS_MAX else "high"


def _routing(wish: Json) -> Json:
    """Translate the contract's `openrouter` into a `provider` object and the auto-router plugin."""
    provider = {
        name: wish[name] for name in ("allow_fallbacks", "sort", "ignore", "max_price") if name in wish
    }
    if wish.get("providers"):
        provider["order"] = wish["providers"]
    router = {name: wish[name] for name in ("allowed_models", "excluded_models", "cost_tier") if name in wish}
    body: Json = {"provider": provider} if provider else {}
    return body | {"plugins": [{"id": "auto-router", **router}]} if router else body
