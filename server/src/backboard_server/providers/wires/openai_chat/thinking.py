"""A wish to think, in the words of the host that it goes to."""

from __future__ import annotations

from typing import Any

from backboard_server.domain.prompts import Thinking
from backboard_server.providers._efforts import nearest, wish_of
from backboard_server.providers.table import Dialect

from .customs import Manner, manner_of

Json = dict[str, Any]


def thinking_of(thinking: Thinking | None, dialect: Dialect, model: str, *, has_tools: bool = False) -> Json:
    """Return the fields of a request to a model that may reason."""
    if dialect == "openrouter":
        return {"reasoning": _openrouters(thinking)} if thinking else {}
    manner = manner_of(dialect, model)
    if has_tools and manner.rests_beside_tools:
        return manner.off or {}
    if thinking is None:
        return manner.shown
    seen = manner.hidden if thinking.is_hidden and manner.hidden else manner.shown
    return seen | _switched(thinking, manner)


def _switched(thinking: Thinking, manner: Manner) -> Json:
    """Return whether and how hard to think; one that cannot stop thinking does so as little as it can."""
    wish = wish_of(thinking)
    if wish == "none" and manner.off is not None:
        return manner.off
    effort = nearest(wish, manner.efforts) if wish else manner.unasked
    return manner.on | ({"reasoning_effort": effort} if effort else {})


def _openrouters(thinking: Thinking) -> Json:
    """Return OpenRouter's own object, which knows every effort (openrouter.ai/docs: ChatRequestEffort)."""
    reasoning: Json = {}
    if thinking.effort:
        reasoning["effort"] = thinking.effort
    elif thinking.budget_tokens is not None:
        reasoning["max_tokens"] = thinking.budget_tokens
    else:
        reasoning["enabled"] = True
    if thinking.is_hidden:
        reasoning["exclude"] = True
    return reasoning
