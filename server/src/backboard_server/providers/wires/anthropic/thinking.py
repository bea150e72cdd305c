"""From the wish to think to what a model takes: a budget, an effort, or nothing.

Reference: platform.claude.com/docs, "Thinking", "Effort" and "Extended thinking".
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from backboard_server.domain.prompts import Effort, Thinking

from .models import Traits

BUDGET_TOKENS_MIN = 1_024  # the vendor's
_BUDGET_TOKENS: dict[Effort | None, int] = {
    None: 8_192,
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "max": 32_768,
}
_LOW_TOKENS_MAX = 2_048
_MEDIUM_TOKENS_MAX = 8_192

Json = dict[str, Any]


class Plan(Struct, frozen=True, kw_only=True):
    """The fields of a request that steer thinking, and whether earlier thoughts are to be shown with them."""

    thinking: Json | None = None
    effort: str | None = None
    shows_thoughts: bool = False


def plan_of(wish: Thinking | None, traits: Traits, max_tokens: int) -> Plan:
    """Return how to ask a model; earlier thoughts are shown to one that thinks, as others may refuse them."""
    is_off = wish is not None and wish.effort == "none"
    match traits.thinking:
        case "none":
            return Plan()
        case "budget":
            return _budgeted(None if is_off else wish, traits, max_tokens, is_off=is_off)
        case "adaptive" if wish is None or is_off:
            return Plan()
        case "default" if is_off:
            return Plan(thinking={"type": traits.off})
        case "always" if is_off:
            return Plan(effort="low", shows_thoughts=True)
        case _ if wish is None:
            return Plan(shows_thoughts=True)
        case _:
            return Plan(thinking=_adaptive(wish, traits), effort=_effort(wish), shows_thoughts=True)


def _budgeted(wish: Thinking | None, traits: Traits, max_tokens: int, *, is_off: bool) -> Plan:
    if wish is None:
        off = {"type": traits.off} if is_off and traits.off else None
        return Plan(thinking=off, shows_thoughts=traits.takes_unsigned)
    budget = wish.budget_tokens if wish.budget_tokens is not None else _BUDGET_TOKENS[wish.effort]
    # Below max_tokens, which counts thoughts and answer together, and with room for the answer.
    budget = max(BUDGET_TOKENS_MIN, min(budget, max_tokens - max_tokens // 4))
    thinking: Json = {"type": "enabled", "budget_tokens": budget}
    if wish.is_hidden and not traits.takes_unsigned:
        thinking["display"] = "omitted"
    return Plan(thinking=thinking, shows_thoughts=True)


def _adaptive(wish: Thinking, traits: Traits) -> Json:
    """Ask to see thoughts, or not to, where that is not what the model does anyway."""
    if wish.is_hidden == traits.hides_thoughts:
        return {"type": "adaptive"}
    return {"type": "adaptive", "display": "omitted" if wish.is_hidden else "summarized"}


def _effort(wish: Thinking) -> str | None:
    match wish.effort:
        case "minimal":
            return "low"
        case None | "none":
            return None if wish.budget_tokens is None else _effort_of(wish.budget_tokens)
        case effort:
            return effort


def _effort_of(tokens: int) -> str:
    if tokens <= _LOW_TOKENS_MAX:
        return "low"
    return "medium" if tokens <= _MEDIUM_TOKENS_MAX else "high"
