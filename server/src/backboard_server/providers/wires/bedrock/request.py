"""From our prompt to the body of a Converse request."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Prompt, ToolChoice
from backboard_server.providers._calls import Names
from backboard_server.providers._instructions import json_instruction
from backboard_server.providers._tool_choice import settled

from .claude import claudes_forcing, fields_and_turns
from .families import (
    caches,
    forcing_of,
    is_claude,
    leaves_length_to_vendor,
    output_tokens,
    reasoning_fields,
)
from .schemas import compiled, parameters_of
from .turns import turns_of

NAME_CHARACTERS_MAX = 64
_CACHE_POINT = {"cachePoint": {"type": "default"}}

Json = dict[str, Any]


def body_of(prompt: Prompt, facts: Facts) -> bytes:
    """Return the body, the same for a plain and for a streamed answer: their paths differ."""
    model = prompt.choice.model
    # Converse has no word for `none` (boto/boto3 issue 4687).
    prompt = settled(prompt, takes_none=False)
    names = Names(NAME_CHARACTERS_MAX)
    tools = [_tool(tool, model, names) for tool in prompt.tools]
    max_tokens = output_tokens(model, facts)
    if is_claude(model):
        fields, turns = fields_and_turns(prompt, names, max_tokens or 0)
    else:
        fields, turns = reasoning_fields(model, prompt.thinking), turns_of(prompt, names)
    body: Json = {"messages": turns}
    if max_tokens is not None and not leaves_length_to_vendor(fields):
        body["inferenceConfig"] = {"maxTokens": max_tokens}
    if tools:
        forcing = claudes_forcing(model, fields) if is_claude(model) else forcing_of(model)
        choice = settled(prompt, forcing).tool_choice
        body["toolConfig"] = {"tools": tools} | ({"toolChoice": _choice(choice, names)} if choice else {})
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
    if is_claude(model) and caches(model) and (len(turns) > 1 or tools):
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


def _tool(tool: Json, model: str, names: Names) -> Json:
    function = cast("Json", tool.get("function") or {})
    specification: Json = {
        "name": names.of(str(function.get("name") or "")),
        "inputSchema": {"json": parameters_of(function.get("parameters"), model)},
    }
    if function.get("description"):
        specification["description"] = function["description"]
    return {"toolSpec": specification}


def _choice(choice: ToolChoice, names: Names) -> Json:
    return {"tool": {"name": names.of(choice.name)}} if choice.name else {"any": {}}


def _output_config(schema: Json, name: str) -> Json:
    definition = {"name": name, "schema": msgspec.json.encode(schema).decode()}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}
