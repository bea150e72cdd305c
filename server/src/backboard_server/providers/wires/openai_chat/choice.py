"""A choice of tools, in the words of the host that it goes to, and the thinking that goes with it."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Prompt, Thinking, ToolChoice
from backboard_server.providers._tool_choice import is_forced, settled
from backboard_server.providers.table import Dialect

from .customs import customs_of, manner_of

Json = dict[str, Any]

_RESTING = Thinking(effort="none")


def with_choice(prompt: Prompt, dialect: Dialect, facts: Facts) -> Prompt:
    """Return the prompt with the choice that this host takes.

    Some models think unasked and cannot be forced while they do: then the call that was asked for goes before
    the thinking that was not. Where both were asked for, the thinking stays.
    """
    customs = customs_of(dialect)
    manner = manner_of(dialect, prompt.choice.model)
    if not (is_forced(prompt) and facts.may_reason and manner.forcing != "named"):
        return settled(prompt, customs.forcing, takes_none=customs.knows_none)
    if manner.off is not None and (prompt.thinking is None or prompt.thinking.effort == "none"):
        return settled(replace(prompt, thinking=_RESTING), customs.forcing)
    return settled(prompt, manner.forcing)


def words_of(choice: ToolChoice) -> str | Json:
    """Return the field of a request (platform.openai.com/docs/api-reference/chat: tool_choice)."""
    if choice.mode == "function":
        return {"type": "function", "function": {"name": choice.name}}
    return choice.mode
