"""Efforts of reasoning: what a wish comes to, and which of them each family of OpenAI's models takes.

A model answers 400 to an effort that is not its own. Sources: `reasoning.effort` in the reference
(platform.openai.com/docs/api-reference/responses), the models' pages (developers.openai.com/api/docs/models),
and learn.microsoft.com/azure/foundry/openai/how-to/reasoning, which also says who has no summaries.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from backboard_server.domain.prompts import Effort, Thinking

_ORDER = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
LOW_TOKENS_MAX = 2_048
MEDIUM_TOKENS_MAX = 8_192


class Family(Struct, frozen=True):
    """Models that take the same: `efforts` from the least to the most, none where they do not reason."""

    efforts: tuple[str, ...] = ("low", "medium", "high")
    has_summary: bool = True


# The first that fits the beginning of a model's name.
_FAMILIES = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r".*deep-research", Family(("medium",))),
        (r"gpt-5-chat|o1-(mini|preview)", Family((), has_summary=False)),
        (r"gpt-5\.\d+-chat", Family(("medium",))),
        (r"gpt-5-pro", Family(("high",))),
        (r"gpt-5\.\d+-pro", Family(("medium", "high", "xhigh"))),
        (r"gpt-5\.1-codex-max|gpt-5\.([2-9]|\d\d)-codex", Family(("low", "medium", "high", "xhigh"))),
        (r"gpt-5(\.1)?-codex", Family()),
        (r"gpt-5\.1", Family(("none", "low", "medium", "high"))),
        (r"gpt-5\.[2-5]", Family(("none", "low", "medium", "high", "xhigh"))),
        (r"gpt-5\.\d|gpt-[6-9]", Family(("none", "low", "medium", "high", "xhigh", "max"))),
        (r"gpt-5", Family(("minimal", "low", "medium", "high"))),
        (r"o1|o3-mini|o3-pro", Family(has_summary=False)),
    )
)
_UNKNOWN = Family()
_REASONING = re.compile(r"gpt-[5-9]|o[1-9](-|$)")


def family_of(model: str) -> Family:
    """Return the family of a model; one that is not known takes what nearly all take."""
    name = model.rpartition("/")[2].lower()
    return next((family for pattern, family in _FAMILIES if pattern.match(name)), _UNKNOWN)


def is_named_to_reason(model: str) -> bool:
    """Whether one of OpenAI's models reasons, by its name alone: newer ones than the catalogue knows do."""
    return bool(_REASONING.match(model)) and bool(family_of(model).efforts)


def effort_of(budget_tokens: int) -> Literal["low", "medium", "high"]:
    """Return the effort that comes closest to a budget of tokens."""
    if budget_tokens <= LOW_TOKENS_MAX:
        return "low"
    return "medium" if budget_tokens <= MEDIUM_TOKENS_MAX else "high"


def wish_of(thinking: Thinking) -> Effort | None:
    """Return the effort that is wished for, by its name or by a number of tokens."""
    if thinking.effort is not None or thinking.budget_tokens is None:
        return thinking.effort
    return effort_of(thinking.budget_tokens)


def nearest(wish: Effort, efforts: Sequence[str]) -> str | None:
    """Return the effort that is wished for or the next higher one, else the highest, if there is any."""
    least = _ORDER.index(wish)
    enough = (effort for effort in efforts if _ORDER.index(effort) >= least)
    return next(enough, efforts[-1] if efforts else None)


def openai_effort(thinking: Thinking, family: Family) -> str | None:
    """Return what to send to one of OpenAI's models, or None where nothing is to be said."""
    wish = wish_of(thinking)
    if wish is None:
        # Families that take `none` do not think unless they are told to (gpt-5.1: its default).
        return "medium" if "none" in family.efforts else None
    return nearest(wish, family.efforts)
