"""What each generation of Claude takes and refuses, by its name; other models have no name here.

Sources: platform.claude.com/docs, "Thinking", "Effort", "Structured outputs", "Preserved thinking" and the
migration guides of Opus 5, Opus 5.5, Sonnet 5.5 and Fable 5.1, read in November 2026.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

ThinkingMode = Literal[
    "none",  # refuses every form of thinking
    "budget",  # thinks where a number of tokens is given, and wants its thoughts back within a turn of tools
    "adaptive",  # thinks where it is told to, as long as it finds right
    "default",  # thinks unless it is told not to
    "always",  # refuses not to think
]


class Traits(Struct, frozen=True, kw_only=True):
    """What a model takes. `off` is the type of thinking that turns it off where that must be said.

    `hides_thoughts` says that thoughts are shown on demand alone, `checks_prefix` that a thought is refused
    when anything before it has changed, `takes_unsigned` that thoughts need no signature.
    """

    thinking: ThinkingMode
    off: Literal["disabled", "between_tools"] | None = None
    has_structured_output: bool = False
    hides_thoughts: bool = False
    checks_prefix: bool = False
    takes_unsigned: bool = False


class Claude(Struct, frozen=True):
    """A model of Anthropic, whatever the host calls it: its line and its version."""

    line: str
    version: tuple[int, int]


# claude-3-5-sonnet-20241022, claude-opus-4-20250514, anthropic/claude-sonnet-4.6: eight digits are a date
_NAME = re.compile(
    r"claude-(?:(?P<early>\d)(?:[.-](?P<early_minor>\d))?-)?(?P<line>[a-z]+)"
    r"(?:-(?P<major>\d{1,2})(?!\d)(?:[.-](?P<minor>\d{1,2})(?!\d))?)?"
)

_UNNUMBERED = (5, 0)  # claude-mythos-preview
_ALWAYS_THINKING_LINES = frozenset({"fable", "mythos"})

_UNKNOWN_CLAUDE = Traits(
    thinking="always", has_structured_output=True, hides_thoughts=True, checks_prefix=True
)
_FOREIGN = Traits(thinking="budget", off="disabled", takes_unsigned=True)


def claude_of(model: str) -> Claude | None:
    """Return which Claude a name means, or None if it is another model or one of two numbers alone."""
    found = _NAME.search(model.lower())
    if found is None:
        return None
    major, minor = found["early"] or found["major"], found["early_minor"] or found["minor"]
    version = (int(major), int(minor or 0)) if major else _UNNUMBERED
    return Claude(found["line"], version)


def traits_of(model: str, *, is_anthropic: bool) -> Traits:
    """Return what a model takes; where Anthropic itself is the host, unknown models are its newest."""
    claude = claude_of(model)
    if claude is None:
        return _UNKNOWN_CLAUDE if is_anthropic else _FOREIGN
    version = claude.version
    if version < (4, 6):
        thinks = version >= (3, 7) and claude.line != "instant"
        return Traits(thinking="budget" if thinks else "none", has_structured_output=version >= (4, 5))
    if version < (5, 0):
        return Traits(thinking="adaptive", has_structured_output=True, hides_thoughts=version >= (4, 7))
    return _fifth_generation(claude)


def _fifth_generation(claude: Claude) -> Traits:
    off = None if claude.line in _ALWAYS_THINKING_LINES else _OFF.get((claude.line, claude.version))
    return Traits(
        thinking="default" if off else "always",
        off=off,
        has_structured_output=True,
        hides_thoughts=True,
        checks_prefix=claude.version > (5, 0),
    )


_OFF: dict[tuple[str, tuple[int, int]], Literal["disabled", "between_tools"]] = {
    ("opus", (5, 0)): "disabled",
    ("sonnet", (5, 0)): "disabled",
    ("sonnet", (5, 5)): "between_tools",
    ("haiku", (5, 5)): "disabled",
}
