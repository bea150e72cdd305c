"""The names under which tools of several sources stand side by side: each once, each one that models take."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence

from .toolbox import FoundTool, ServerTool

NAME_CHARACTERS_MAX = 64

_TAKEABLE = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_UNTAKEABLE = re.compile(r"[^a-zA-Z0-9_-]")


def named(tools: Sequence[FoundTool], taken: Collection[str]) -> list[ServerTool]:
    """Return the tools under the names that the model is told, none of which is `taken`.

    A tool keeps its name if a model can take it and nobody else has it; else its source stands before it.
    """
    times = Counter(tool.name for tool in tools)
    kept = {name for name in times if times[name] == 1 and name not in taken and _TAKEABLE.fullmatch(name)}
    used = kept.union(taken)
    renamed: list[ServerTool] = []
    for tool in tools:
        name = tool.name if tool.name in kept else _free(f"{tool.source}_{tool.name}", used)
        used.add(name)
        renamed.append(tool.offered_as(name))
    return renamed


def _free(wish: str, used: Collection[str]) -> str:
    name = _UNTAKEABLE.sub("_", wish)[:NAME_CHARACTERS_MAX]
    number = 2
    while name in used:
        ending = f"_{number}"
        name = _UNTAKEABLE.sub("_", wish)[: NAME_CHARACTERS_MAX - len(ending)] + ending
        number += 1
    return name
