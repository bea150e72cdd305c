"""How each generation of Claude is told to think.

Sources: docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-adaptive-thinking.html and
…/claude-messages-extended-thinking.html; platform.claude.com/docs, "Thinking" and "Effort".
"""

from __future__ import annotations

import re
from typing import Any, Literal

from backboard_server.domain.prompts import Effort, Thinking

Json = dict[str, Any]
Generation = Literal[
    "silent",  # refuses every form of thinking
    "budget",  # thinks where a number of tokens is given, and wants its thoughts back within a turn of tools
    "adaptive",  # thinks where it is told to, as long as it finds right
    "hiding",  # the same, and shows its thoughts on demand alone
    "inborn",  # thinks unasked; some refuse not to
]

BUDGET_TOKENS_MIN = 1_024  # the vendor's
_ANSWER_TOKENS_MIN = 1_024  # what thinking must leave for the answer
_LOW_TOKENS_MAX = 2_048
_MEDIUM_TOKENS_MAX = 8_192

# claude-3-7-sonnet-20250219, claude-opus-4-20250514, claude-sonnet-4-6: eight digits are a date
_VERSION = re.compile(r"claude-(?:[a-z]+-)?(\d)(?:-(\d{1,2}))?(?!\d)")
_UNNUMBERED = 5, 0  # claude-mythos-preview

_BUDGETS: dict[Effort | None, int] = {
    None: 8_192,
    "minimal": BUDGET_TOKENS_MIN,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "max": 32_768,
}


def generation_of(model: str) -> Generation:
    """Return how a Claude thinks."""
    found = _VERSION.search(model)
    major, minor = (int(found[1]), int(found[2] or 0)) if found else _UNNUMBERED
    if (major, minor) < (3, 7):
        return "silent"
    if (major, minor) < (4, 6):
        return "budget"
    if major == 4:
        return "adaptive" if minor == 6 else "hiding"
    return "inborn"


def thinking_fields(model: str, thinking: Thinking, max_tokens: int) -> Json:
    """Return `thinking` and `output_config`; `max_tokens` is for thoughts and answer together."""
    generation = generation_of(model)
    if generation == "silent" or max_tokens < BUDGET_TOKENS_MIN + _ANSWER_TOKENS_MIN:
        return {}
    if thinking.effort == "none":
        return {"output_config": {"effort": "low"}} if generation == "inborn" else {}
    if generation == "budget":
        given = thinking.budget_tokens
        budget = _BUDGETS[thinking.effort] if given is None else max(given, BUDGET_TOKENS_MIN)
        tokens = min(budget, max_tokens - _ANSWER_TOKENS_MIN)
        return {"thinking": {"type": "enabled", "budget_tokens": tokens}}
    how: Json = {"type": "adaptive"}
    if generation != "adaptive":
        how["display"] = "omitted" if thinking.is_hidden else "summarized"
    effort = _effort_of(thinking)
    return {"thinking": how} | ({"output_config": {"effort": effort}} if effort else {})


def _effort_of(thinking: Thinking) -> str | None:
    if thinking.effort or thinking.budget_tokens is None:
        return "low" if thinking.effort == "minimal" else thinking.effort
    if thinking.budget_tokens <= _LOW_TOKENS_MAX:
        return "low"
    return "medium" if thinking.budget_tokens <= _MEDIUM_TOKENS_MAX else "high"
