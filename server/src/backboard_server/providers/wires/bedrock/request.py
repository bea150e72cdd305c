"""From our prompt to the body of a Converse request."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Prompt
from backboard_server.providers._instructions import json_instruction

from .claude import generation_of
from .families import caches, is_claude, leaves_length_to_vendor, output_tokens, reasoning_fields
from .schemas import compiled, parameters_of
from .turns import turns_of

_CACHE_POINT = {"cachePoint": {"type": "default"}}

Json = dict[str, Any]


def body_of(prompt: Prompt, facts: Facts) -> bytes:
    """Return the body, the same for a plain and for a streamed answer: their paths differ."""
    model = prompt.choice.model
    turns = turns_of(prompt)
    body: Json = {"messages": turns}
    fields = _reasoning(prompt, facts, turns)
    max_tokens = output_tokens(model, facts)
    if max_tokens is not None and not leaves_length_to_vendor(fields):
        body["inferenceConfig"] = {"maxTokens": max_tokens}
    if prompt.tools:
        body["toolConfig"] = {"tools": [_tool(tool, model) for tool in prompt.tools]}
    system = _system(prompt)
    if prompt.response_format is not None:
        schema = prompt.response_format.schema
        output = compiled(schema) if schema and facts.has_structured_output else None
        if output is not None:
            body["outputConfig"] = _output_config(output, prompt.response_format.name)
            # Claude's own name for the same object: what the vendor makes of the two together is not said.
            fields.pop("output_config", None)
        else:
            system.append({"text": json_instruction(prompt.response_format)})
    if system:
        body["system"] = system
    if fields:
        body["additionalModelRequestFields"] = fields
    if is_claude(model) and caches(model) and (len(turns) > 1 or prompt.tools):
        # The next turn of this conversation finds all of this again. Nova takes none behind tool results.
        turns[-1]["content"].append(_CACHE_POINT)
    return msgspec.json.encode(body)


def _system(prompt: Prompt) -> list[Json]:
    """Return the system messages, and behind them the point up to which tools and these may be cached.

    A prefix that is too short is taken as well, and not cached.
    """
    texts = (message.content for message in prompt.messages if message.role == "system")
    system: list[Json] = [{"text": text} for text in texts if text.strip()]
    return [*system, _CACHE_POINT] if system and caches(prompt.choice.model) else system


def _tool(tool: Json, model: str) -> Json:
    function = cast("Json", tool.get("function") or {})
    specification: Json = {
        "name": function.get("name"),
        "inputSchema": {"json": parameters_of(function.get("parameters"), model)},
    }
    if function.get("description"):
        specification["description"] = function["description"]
    return {"toolSpec": specification}


def _reasoning(prompt: Prompt, facts: Facts, turns: list[Json]) -> Json:
    model = prompt.choice.model
    if prompt.thinking is None:
        return {}
    if is_claude(model) and generation_of(model) == "budget" and _is_amid_calls_without_thoughts(turns):
        return {}
    return reasoning_fields(model, prompt.thinking, output_tokens(model, facts))


def _is_amid_calls_without_thoughts(turns: list[Json]) -> bool:
    """Whether the model is to go on from calls that another model made, or that lost their thoughts.

    Claude: "When `thinking` is enabled, a final `assistant` message must start with a thinking block".
    """
    if len(turns) < 2 or "toolResult" not in turns[-1]["content"][0]:
        return False
    return "reasoningContent" not in turns[-2]["content"][0]


def _output_config(schema: Json, name: str) -> Json:
    definition = {"name": name, "schema": msgspec.json.encode(schema).decode()}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}
