"""From our prompt to the body of a generateContent request."""

from __future__ import annotations

from typing import Any

import msgspec

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Prompt, ResponseFormat, ToolChoice
from backboard_server.providers._instructions import json_instruction
from backboard_server.providers._tool_choice import settled

from .families import takes_json_with_tools, takes_system, thinking_config
from .history import contents_of
from .schemas import mended, parameters_of

Json = dict[str, Any]


def body_of(prompt: Prompt, facts: Facts) -> bytes:
    """Return the body, with nothing that was not asked for."""
    model = prompt.choice.model
    contents = contents_of(prompt.messages, model)
    body: Json = {"contents": contents}
    config: Json = {}
    system = [message.content for message in prompt.messages if message.role == "system" and message.content]
    if prompt.response_format is not None:
        if _takes_json(prompt, facts):
            config |= _json_config(prompt.response_format)
        else:
            system.append(json_instruction(prompt.response_format))
    parts = [{"text": text} for text in system]
    if parts and takes_system(model):
        body["systemInstruction"] = {"parts": parts}
    elif parts:
        contents[0]["parts"][:0] = parts
    if prompt.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool) for tool in prompt.tools]}]
    if choice := settled(prompt).tool_choice:
        body["toolConfig"] = {"functionCallingConfig": _choice(choice)}
    if prompt.thinking is not None and (thinking := thinking_config(model, prompt.thinking)):
        config["thinkingConfig"] = thinking
    if config:
        body["generationConfig"] = config
    return msgspec.json.encode(body)


def _choice(choice: ToolChoice) -> Json:
    """Return the mode (ai.google.dev/api/caching#FunctionCallingConfig); ANY may be narrowed by names."""
    if choice.mode == "none":
        return {"mode": "NONE"}
    return {"mode": "ANY"} | ({"allowedFunctionNames": [choice.name]} if choice.name else {})


def _takes_json(prompt: Prompt, facts: Facts) -> bool:
    """Whether JSON is asked for in its field; else it is in words."""
    is_able = facts.has_structured_output or not facts.is_known
    return is_able and (not prompt.tools or takes_json_with_tools(prompt.choice.model))


def _json_config(response_format: ResponseFormat) -> Json:
    config: Json = {"responseMimeType": "application/json"}
    if response_format.schema is not None:
        config["responseJsonSchema"] = mended(response_format.schema)
    return config


def _declaration(tool: Json) -> Json:
    function: Json = tool.get("function") or {}
    name = str(function.get("name") or "")
    # A description is required (ai.google.dev/api/caching#FunctionDeclaration).
    declaration: Json = {"name": name, "description": str(function.get("description") or name)}
    parameters = parameters_of(function.get("parameters"))
    if parameters is not None:
        declaration["parametersJsonSchema"] = parameters
    return declaration
