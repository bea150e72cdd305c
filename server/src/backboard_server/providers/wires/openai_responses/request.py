"""From our prompt to the body of a request for a response."""

from __future__ import annotations

import re
from typing import Any, cast

import msgspec

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Prompt, PromptMessage, ResponseFormat, Thinking, ToolChoice
from backboard_server.providers._efforts import Family, family_of, openai_effort
from backboard_server.providers._instructions import json_instruction
from backboard_server.providers._tool_choice import settled

from .items import developer_message, items_of

_NAME_CHARACTERS_MAX = 64

# OpenAI: "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level"
_REFUSED_AT_THE_TOP = frozenset({"oneOf", "anyOf", "allOf", "enum", "not"})

Json = dict[str, Any]


def body_of(prompt: Prompt, facts: Facts, *, streamed: bool) -> bytes:
    """Return the body. Nothing is stored, so the reasoning comes back encrypted, for us to keep."""
    family = family_of(prompt.choice.model)
    instructions, messages = _split(prompt.messages)
    body: Json = {
        "model": prompt.choice.model,
        "input": [item for message in messages for item in items_of(message)],
        "store": False,
    }
    if (
        family.efforts and facts.may_reason
    ):  # models that do not reason: "Encrypted content is not supported with this model"
        body["include"] = ["reasoning.encrypted_content"]
    if instructions:
        body["instructions"] = instructions
    if streamed:
        body["stream"] = True
    if prompt.tools:
        body["tools"] = [_tool(tool.get("function") or {}) for tool in prompt.tools]
    if choice := settled(prompt).tool_choice:
        body["tool_choice"] = _choice(choice)
    if prompt.response_format is not None:
        _ask_for_json(body, prompt.response_format, messages, facts)
    if prompt.thinking and (reasoning := _reasoning(prompt.thinking, family)):
        body["reasoning"] = reasoning
    return msgspec.json.encode(body)


def _split(messages: tuple[PromptMessage, ...]) -> tuple[str, tuple[PromptMessage, ...]]:
    """Return what the system says first, as instructions, and the rest, which must not be empty."""
    first = next((at for at, message in enumerate(messages) if message.role != "system"), None)
    if first is None:
        return "", messages
    return "\n\n".join(message.content for message in messages[:first] if message.content), messages[first:]


def _reasoning(thinking: Thinking, family: Family) -> Json:
    """Return the `reasoning` object; empty where nothing is to be said or the model takes none."""
    effort = openai_effort(thinking, family)
    reasoning: Json = {"effort": effort} if effort else {}
    if family.has_summary and not thinking.is_hidden and effort != "none":
        reasoning["summary"] = "auto"
    return reasoning


def _tool(function: Json) -> Json:
    """Return a function, flat. Here `strict` is on unless it is switched off."""
    tool: Json = {
        "type": "function",
        "name": function.get("name"),
        "parameters": _parameters(function.get("parameters")),
        "strict": function.get("strict") is True,
    }
    if function.get("description"):
        tool["description"] = function["description"]
    return tool


def _choice(choice: ToolChoice) -> str | Json:
    return {"type": "function", "name": choice.name} if choice.mode == "function" else choice.mode


def _parameters(given: object) -> Json:
    schema = cast("Json", given) if isinstance(given, dict) else {}
    taken = {word: value for word, value in schema.items() if word not in _REFUSED_AT_THE_TOP}
    return taken | {"type": "object", "properties": taken.get("properties") or {}}


def _ask_for_json(
    body: Json, wish: ResponseFormat, messages: tuple[PromptMessage, ...], facts: Facts
) -> None:
    """Ask in the vendor's field where it takes the wish, and in words where it does not."""
    if wish.schema is not None and facts.has_structured_output and wish.schema.get("type") == "object":
        body["text"] = {
            "format": {
                "type": "json_schema",
                "name": _schema_name(wish.name),
                "schema": wish.schema,
                "strict": wish.is_strict,
            }
        }
        return
    if wish.schema is None:
        body["text"] = {"format": {"type": "json_object"}}
    # "Response input messages must contain the word 'json' in some form": instructions are no messages.
    told = (message.content for message in messages if message.role in ("user", "system"))
    if wish.schema is not None or not any("json" in content.lower() for content in told):
        body["input"].insert(0, developer_message(json_instruction(wish)))


def _schema_name(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[:_NAME_CHARACTERS_MAX] or "answer"
