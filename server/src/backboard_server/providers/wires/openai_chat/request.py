"""From our prompt to the body of a chat completions request."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import (
    Effort,
    Media,
    Prompt,
    PromptMessage,
    ResponseFormat,
    Thinking,
    ToolCall,
)
from backboard_server.providers._instructions import json_instruction
from backboard_server.providers.table import Dialect

from .sidecar import extra_of_call, extra_of_message

_LOW_TOKENS_MAX = 2_048
_MEDIUM_TOKENS_MAX = 8_192

# Hosts that take files, and a response format beside tools; of the others not every one does.
_COMPLETE: frozenset[Dialect] = frozenset({"openai", "azure", "openrouter"})
_AUDIO_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}

Json = dict[str, Any]


def body_of(prompt: Prompt, dialect: Dialect, facts: Facts, *, streamed: bool) -> bytes:
    """Return the body, with nothing that was not asked for: some hosts refuse what they do not know."""
    body: Json = {
        "model": prompt.choice.model,
        "messages": [_message(message, dialect) for message in prompt.messages],
    }
    if streamed:
        body["stream"] = True
        if dialect != "strict":
            body["stream_options"] = {"include_usage": True}
    if prompt.tools:
        body["tools"] = prompt.tools
    if prompt.response_format is not None:
        _ask_for_json(body, prompt, prompt.response_format, dialect, facts)
    if prompt.thinking is not None:
        body |= _thinking(prompt.thinking, dialect, prompt.choice.model)
    if prompt.openrouter and dialect == "openrouter":
        body |= _routing(prompt.openrouter)
    return msgspec.json.encode(body)


def _message(message: PromptMessage, dialect: Dialect) -> Json:
    match message.role:
        case "user" if message.media:
            return {"role": "user", "content": _parts(message, dialect)}
        case "system" | "user":
            return {"role": message.role, "content": message.content}
        case "tool":
            return {"role": "tool", "tool_call_id": message.tool_call_id or "", "content": message.content}
        case "assistant":
            return _answer(message)


def _answer(message: PromptMessage) -> Json:
    answer: Json = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        answer["content"] = message.content or None
        answer["tool_calls"] = [_tool_call(call, message) for call in message.tool_calls]
    return answer | extra_of_message(message.sidecar)


def _tool_call(call: ToolCall, message: PromptMessage) -> Json:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function} | extra_of_call(message.sidecar, call.id)


def _parts(message: PromptMessage, dialect: Dialect) -> list[Json]:
    text = [{"type": "text", "text": message.content}] if message.content else []
    return [*text, *(_part(media, dialect) for media in message.media)]


def _part(media: Media, dialect: Dialect) -> Json:
    """Return a file as the vendor's reference has it; for a host that takes none of its kind, its name."""
    encoded = b64encode(media.content).decode()
    url = f"data:{media.media_type};base64,{encoded}"
    audio_format = _AUDIO_FORMATS.get(media.media_type)
    if media.kind == "image":
        return {"type": "image_url", "image_url": {"url": url}}
    if media.kind == "pdf" and dialect in _COMPLETE:
        return {"type": "file", "file": {"filename": media.filename, "file_data": url}}
    if media.kind == "audio" and audio_format:
        return {"type": "input_audio", "input_audio": {"data": encoded, "format": audio_format}}
    return {"type": "text", "text": f"[File attached, which this model cannot see: {media.filename}]"}


def _ask_for_json(
    body: Json, prompt: Prompt, response_format: ResponseFormat, dialect: Dialect, facts: Facts
) -> None:
    """Ask in the field where the host has it, in words where it does not, or not beside tools."""
    takes_field = dialect in _COMPLETE or not prompt.tools
    if (
        response_format.schema is not None
        and takes_field
        and (dialect in _COMPLETE or facts.has_structured_output)
    ):
        schema: Json = {"name": response_format.name, "schema": response_format.schema}
        if response_format.is_strict:
            schema["strict"] = True
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return
    if takes_field:
        body["response_format"] = {"type": "json_object"}
    # OpenAI refuses `json_object` unless a message speaks of JSON.
    speaks_of_it = response_format.schema is None and any(
        "json" in message.content.lower() for message in prompt.messages
    )
    if not (takes_field and speaks_of_it):
        body["messages"].insert(0, {"role": "system", "content": json_instruction(response_format)})


def _thinking(thinking: Thinking, dialect: Dialect, model: str) -> Json:
    """Translate the wish to think: to an effort, all that this protocol has, or to OpenRouter's object."""
    if dialect == "openrouter":
        return {"reasoning": _openrouter_reasoning(thinking)}
    if dialect == "strict":
        return _on_or_off(thinking, model)
    effort = thinking.effort
    if effort is None and thinking.budget_tokens is not None:
        effort = _effort_of(thinking.budget_tokens)
    if effort is None:
        return {}
    return {"reasoning_effort": "high" if effort == "max" else effort}


def _on_or_off(thinking: Thinking, model: str) -> Json:
    """Return one of the two efforts that Mistral and Cohere know; Magistral always thinks and takes none.

    Reference: docs.mistral.ai/capabilities/reasoning and docs.cohere.com/docs/compatibility-api.
    """
    if model.startswith("magistral"):
        return {}
    return {"reasoning_effort": "none" if thinking.effort == "none" else "high"}


def _openrouter_reasoning(thinking: Thinking) -> Json:
    """Reference: openrouter.ai/docs/use-cases/reasoning-tokens."""
    reasoning: Json = {"enabled": True}
    if thinking.effort:
        reasoning["effort"] = "xhigh" if thinking.effort == "max" else thinking.effort
    elif thinking.budget_tokens is not None:
        reasoning["max_tokens"] = thinking.budget_tokens
    if thinking.is_hidden:
        reasoning["exclude"] = True
    return reasoning


def _effort_of(tokens: int) -> Effort:
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
