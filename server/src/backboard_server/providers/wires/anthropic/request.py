"""From our prompt to the body of a Messages request.

Reference: platform.claude.com/docs, "Messages", "Prompt caching", "Structured outputs", "Preserved
thinking", "Define tools" (`tool_choice`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Prompt, ResponseFormat, ToolChoice
from backboard_server.providers._calls import Names
from backboard_server.providers._claude import (
    BINDING_BETA,
    Plan,
    Traits,
    claude_of,
    forcing_of,
    plan_of,
    traits_of,
    with_loose_thoughts,
)
from backboard_server.providers._instructions import json_instruction
from backboard_server.providers._schemas import answer_schema, tool_schema
from backboard_server.providers._tool_choice import settled

from .messages import Conversation, Replay, conversation_of, lacks_thought, shows_thought

NAME_CHARACTERS_MAX = 128
_MAX_TOKENS_UNKNOWN = 8_192  # which every model in service writes
_MAX_TOKENS_CLAUDE_4 = 32_000  # the least of that generation and of those after it
_CACHED = {"type": "ephemeral"}

Json = dict[str, Any]


class Request(Struct, frozen=True):
    """A body, and the betas that it makes use of."""

    body: bytes
    betas: tuple[str, ...] = ()


def request_of(prompt: Prompt, facts: Facts, *, is_anthropic: bool, streamed: bool) -> Request:
    """Return the request; `is_anthropic` says that Anthropic itself is the host."""
    model = prompt.choice.model
    traits = traits_of(model, is_claude=is_anthropic)
    max_tokens = _max_tokens(model, facts)
    names = Names(NAME_CHARACTERS_MAX)
    tools = _tools(prompt.tools, names)
    plan = plan_of(prompt.thinking, traits, max_tokens)
    plan, conversation = _conversation(prompt, plan, traits, names)
    thinking, betas = _bound(plan.thinking, conversation, traits, is_anthropic=is_anthropic)
    schema, instruction = _form(prompt.response_format, traits, facts, is_anthropic=is_anthropic)
    choice = settled(prompt, forcing_of(traits, plan.thinking)).tool_choice
    tools, tool_choice = _with_past(tools, conversation, choice and _choice(choice, names))
    steering = {"effort": plan.effort, "format": schema}
    system = [{"type": "text", "text": text} for text in (*conversation.system, *instruction)]
    _mark(tools, system, conversation.turns)
    body: Json = {"model": model, "max_tokens": max_tokens, "messages": conversation.turns}
    further: Json = {
        "system": system,
        "tools": tools,
        "tool_choice": tool_choice,
        "thinking": thinking,
        "output_config": {name: value for name, value in steering.items() if value},
        "stream": streamed,
    }
    return Request(
        msgspec.json.encode(body | {name: value for name, value in further.items() if value}), betas
    )


def _max_tokens(model: str, facts: Facts) -> int:
    """Return how much may be written at most: all that the model can, within half of its window."""
    if facts.max_output_tokens is not None:
        return min(facts.max_output_tokens, max(_MAX_TOKENS_UNKNOWN, facts.context_limit // 2))
    claude = claude_of(model)
    return _MAX_TOKENS_CLAUDE_4 if claude and claude.version >= (4, 0) else _MAX_TOKENS_UNKNOWN


def _tools(tools: Sequence[Json], names: Names) -> list[Json]:
    return [_tool(tool["function"], names) for tool in tools if isinstance(tool.get("function"), dict)]


def _tool(function: Json, names: Names) -> Json:
    name = names.of(str(function.get("name") or ""))
    tool = {"name": name, "input_schema": tool_schema(function.get("parameters"))}
    description = function.get("description")
    return tool | {"description": description} if isinstance(description, str) and description else tool


def _choice(choice: ToolChoice, names: Names) -> Json:
    match choice.mode:
        case "function":
            return {"type": "tool", "name": names.of(choice.name or "")}
        case "required":
            return {"type": "any"}
        case "auto" | "none":
            return {"type": choice.mode}


def _with_past(
    tools: list[Json], conversation: Conversation, choice: Json | None
) -> tuple[list[Json], Json | None]:
    """Declare the tools of the past where there are no others, and that they are not to be called.

    "Requests which include tool_use or tool_result blocks must define tools" (anthropic-sdk-python #494).
    """
    if tools:
        return tools, choice
    past = dict.fromkeys(
        block["name"]
        for turn in conversation.turns
        for block in turn["content"]
        if block["type"] == "tool_use"
    )
    return [{"name": name, "input_schema": tool_schema(None)} for name in past], {
        "type": "none"
    } if past else None


def _conversation(prompt: Prompt, plan: Plan, traits: Traits, names: Names) -> tuple[Plan, Conversation]:
    """Return the turns, and the plan without thinking where they do not allow it (see `lacks_thought`)."""
    replay = Replay(prompt.choice.model, takes_unsigned=traits.takes_unsigned)
    conversation = conversation_of(prompt.messages, names, replay if plan.shows_thoughts else None)
    if plan.has_budget and lacks_thought(conversation.turns):
        plan = Plan(shows_thoughts=traits.takes_unsigned)
        conversation = conversation_of(prompt.messages, names, replay if plan.shows_thoughts else None)
    return plan, conversation


def _bound(
    thinking: Json | None, conversation: Conversation, traits: Traits, *, is_anthropic: bool
) -> tuple[Json | None, tuple[str, ...]]:
    """Return the field of thinking, with thoughts let loose where they would be refused, and its betas."""
    if not (is_anthropic and traits.checks_prefix and shows_thought(conversation.turns)):
        return thinking, ()
    return with_loose_thoughts(thinking), (BINDING_BETA,)


def _form(
    form: ResponseFormat | None, traits: Traits, facts: Facts, *, is_anthropic: bool
) -> tuple[Json | None, list[str]]:
    """Return the schema for the vendor's own field, or the instruction that takes its place."""
    if form is None:
        return None, []
    has_field = facts.has_structured_output or (is_anthropic and traits.has_structured_output)
    schema = answer_schema(form.schema) if form.schema is not None and has_field else None
    if schema is None:
        return None, [json_instruction(form)]
    return {"type": "json_schema", "schema": schema}, []


def _mark(tools: list[Json], system: list[Json], turns: list[Json]) -> None:
    """Mark what is worth caching: the stable beginning, and the conversation up to its last two questions.

    The vendor's order is tools, system, messages; of the four marks that it allows three are used.
    """
    stable = system[0] if system else tools[-1] if tools else None
    asked = [turn["content"][-1] for turn in turns if turn["role"] == "user"]
    for block in (stable, *asked[-2:]):
        if block is not None:
            block["cache_control"] = _CACHED
