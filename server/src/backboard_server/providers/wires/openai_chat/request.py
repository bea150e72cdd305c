"""From our prompt to the body of a chat completions request."""

from __future__ import annotations

from typing import Any

import msgspec

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Prompt, ResponseFormat
from backboard_server.providers._instructions import json_instruction
from backboard_server.providers.table import Dialect

from .choice import with_choice, words_of
from .customs import customs_of
from .history import messages_of
from .thinking import thinking_of

Json = dict[str, Any]


def body_of(prompt: Prompt, dialect: Dialect, facts: Facts, *, streamed: bool) -> bytes:
    """Return the body, with nothing that was not asked for: some hosts refuse what they do not know."""
    prompt = with_choice(prompt, dialect, facts)
    body: Json = {
        "model": prompt.choice.model,
        "messages": messages_of(prompt, dialect, facts),
    }
    if streamed:
        body["stream"] = True
        if customs_of(dialect).takes_stream_options:
            body["stream_options"] = {"include_usage": True}
    if prompt.tools:
        body["tools"] = prompt.tools
    if prompt.tool_choice is not None:
        body["tool_choice"] = words_of(prompt.tool_choice)
    if prompt.response_format is not None:
        _ask_for_json(body, prompt, prompt.response_format, dialect, facts)
    if facts.may_reason:
        body |= thinking_of(prompt.thinking, dialect, prompt.choice.model, has_tools=bool(prompt.tools))
    if prompt.openrouter and dialect == "openrouter":
        body |= _routing(prompt.openrouter)
    return msgspec.json.encode(body)


def _ask_for_json(
    body: Json, prompt: Prompt, response_format: ResponseFormat, dialect: Dialect, facts: Facts
) -> None:
    """Ask in the field where the host has it, in words where it does not, or not beside tools."""
    is_complete = customs_of(dialect).is_complete
    takes_field = is_complete or not prompt.tools
    if response_format.schema is not None and takes_field and (is_complete or facts.has_structured_output):
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
