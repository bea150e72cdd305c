"""What differs from one Gemini model to the next: how it thinks, and what it takes together.

References: ai.google.dev/gemini-api/docs/thinking (budgets and levels), .../docs/openai (what an effort is in
each), .../docs/gemini-3, .../docs/generate-content/whats-new-gemini-3.7 and the guide to 3.5 Flash
(docs.cloud.google.com/gemini-enterprise-agent-platform/models/guides) for the levels of single models.
A name that is not known here is sent nothing that it might refuse.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from backboard_server.domain.prompts import Effort, Thinking
from backboard_server.providers._efforts import effort_of

Level = Literal["minimal", "low", "medium", "high"]

_VERSION = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?:-|$)")
_ALIAS = re.compile(r"gemini-(?:pro|flash|flash-lite)-latest$")
_GEMMA = "gemma-"
_ALIAS_VERSION = (3, 8)  # or newer: an alias moves on, and what it takes becomes no more

_RANK: dict[Effort, int] = {"none": 0, "minimal": 0, "low": 1, "medium": 2, "high": 3, "max": 3}
_LEVELS: tuple[Level, ...] = ("minimal", "low", "medium", "high")
_DYNAMIC = -1
_BUDGET: dict[Effort, int] = {"minimal": 1_024, "low": 1_024, "medium": 8_192, "high": 24_576}

Json = dict[str, Any]


def generation_of(model: str) -> int | None:
    """Return the generation of a model: 3 for gemini-3.1-pro, 0 for Gemma, None where a name tells none."""
    name = _plain(model)
    if name.startswith(_GEMMA):
        return 0
    version = _version_of(name)
    return version[0] if version else None


def shares_signatures(model: str, other: str) -> bool:
    """Whether one may be shown what the other signed; of names that tell nothing it is hoped for."""
    first, second = generation_of(model), generation_of(other)
    return first == second or first is None or second is None


def takes_system(model: str) -> bool:
    """Whether there is a system instruction; to Gemma it is said in the first turn of the user."""
    return not _plain(model).startswith(_GEMMA)


def takes_json_with_tools(model: str) -> bool:
    """Whether JSON can be asked for beside functions, which generations before 3 refuse."""
    return (generation_of(model) or 0) >= 3


def wants_signatures(model: str) -> bool:
    """Whether calls in the history must be signed, as from generation 3 on."""
    return (generation_of(model) or 0) >= 3


def thinking_config(model: str, thinking: Thinking) -> Json:
    """Return the `thinkingConfig`, empty where the model takes none."""
    name = _plain(model)
    version = _version_of(name)
    if name.startswith("gemma-4"):
        return _by_level(("minimal", "high"), thinking)
    if version is None or version < (2, 5) or "-tts" in name:
        return {}
    if version >= (3, 0):
        return _by_level(_levels_of(name, version), thinking)
    return {} if "-image" in name else _by_budget(name, thinking)


def _plain(model: str) -> str:
    return model.rpartition("/")[2].lower()


def _version_of(name: str) -> tuple[int, int] | None:
    if _ALIAS.match(name):
        return _ALIAS_VERSION
    found = _VERSION.match(name)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _levels_of(name: str, version: tuple[int, int]) -> tuple[Level, ...]:
    if "-image" in name:
        return () if "-pro" in name else ("minimal", "high")
    if "-pro" in name:
        return ("low", "high") if version == (3, 0) else _LEVELS[1:]
    if "-lite" in name:
        return _LEVELS
    return _LEVELS if version < (3, 7) else _LEVELS[1:]


def _by_level(levels: tuple[Level, ...], thinking: Thinking) -> Json:
    """Return the lowest level that is no less than what is wanted: these models always think."""
    wanted = _wanted_rank(thinking)
    config: Json = {}
    if wanted is not None and levels:
        enough = (level for level in levels if _RANK[level] >= wanted)
        config["thinkingLevel"] = next(enough, levels[-1])
    if not thinking.is_hidden and thinking.effort != "none":
        config["includeThoughts"] = True
    return config


def _wanted_rank(thinking: Thinking) -> int | None:
    if thinking.effort is not None:
        return _RANK[thinking.effort]
    tokens = thinking.budget_tokens
    if tokens is None or tokens < 0:
        return None
    return _RANK[effort_of(tokens)] if tokens else 0


def _by_budget(name: str, thinking: Thinking) -> Json:
    budget = _budget(name, thinking)
    config: Json = {} if budget is None else {"thinkingBudget": budget}
    if not thinking.is_hidden and budget != 0:
        config["includeThoughts"] = True
    return config


def _budget(name: str, thinking: Thinking) -> int | None:
    """Return the budget of a 2.5 model in its range; None is its default, where that is to think."""
    if "-pro" in name:
        least, most, off = 128, 32_768, 128
    else:
        least, most, off = (512 if "-lite" in name else 1), 24_576, 0
    effort, tokens = thinking.effort, thinking.budget_tokens
    if effort is None and tokens is None:
        return _DYNAMIC if "-lite" in name else None
    if effort == "none" or (effort is None and tokens == 0):
        return off
    if effort is not None:
        return most if effort == "max" else min(max(_BUDGET[effort], least), most)
    return _DYNAMIC if tokens is None or tokens < 0 else min(max(tokens, least), most)
