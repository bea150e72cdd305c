"""What each generation of Claude takes and refuses, by its name, and how it is told to think.

Sources: platform.claude.com/docs, "Thinking", "Extended thinking", "Effort", "Structured outputs", "Preserved
thinking" and the migration guides of Opus 5, Opus 5.5, Sonnet 5.5 and Fable 5.1, read in November 2026. On
Bedrock the same holds: docs.aws.amazon.com/bedrock/latest/userguide, claude-messages-adaptive-thinking and
claude-messages-thinking-block-binding.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Literal

from msgspec import Struct

from backboard_server.domain.prompts import Effort, Thinking

from ._efforts import effort_of
from ._tool_choice import Forcing

BINDING_BETA = "thinking-binding-controls-2026-08-01"
BUDGET_TOKENS_MIN = 1_024  # the vendor's
ANSWER_TOKENS_MIN = 1_024  # what thinking must leave for the answer

Json = dict[str, Any]
ThinkingMode = Literal[
    "none",  # refuses every form of thinking
    "budget",  # thinks where a number of tokens is given, and wants its thoughts back within a turn of tools
    "adaptive",  # thinks where it is told to, as long as it finds right
    "default",  # thinks unless it is told not to
    "always",  # refuses not to think
]


class Traits(Struct, frozen=True, kw_only=True):
    """What a model takes. `off` is the type of thinking that turns it off where that must be said.

    `forced` says when it can be made to call a tool: some refuse to while they are asked to think, some
    always do ("Forced tool use is not supported" of the migration guides; of models before 4.8 on Bedrock,
    langchain-ai/langchain-aws pull request 1141).

    `hides_thoughts` says that thoughts are shown on demand alone, `checks_prefix` that a thought is refused
    when anything before it has changed, `takes_unsigned` that thoughts need no signature.
    """

    thinking: ThinkingMode
    off: Literal["disabled", "between_tools"] | None = None
    has_structured_output: bool = False
    hides_thoughts: bool = False
    checks_prefix: bool = False
    takes_unsigned: bool = False
    forced: Literal["always", "unless_thinking", "never"] = "never"


class Claude(Struct, frozen=True):
    """A model of Anthropic, whatever the host calls it: its line and its version."""

    line: str
    version: tuple[int, int]


class Plan(Struct, frozen=True, kw_only=True):
    """The fields of a request that steer thinking, and whether earlier thoughts are to be shown with them."""

    thinking: Json | None = None
    effort: str | None = None
    shows_thoughts: bool = False

    @property
    def has_budget(self) -> bool:
        """Whether the model is to think within a number of tokens."""
        return self.thinking is not None and self.thinking["type"] == "enabled"


# claude-3-5-sonnet-20241022, claude-opus-4-20250514, anthropic/claude-sonnet-4.6: eight digits are a date
_NAME = re.compile(
    r"claude-(?:(?P<early>\d)(?:[.-](?P<early_minor>\d))?-)?(?P<line>[a-z]+)"
    r"(?:-(?P<major>\d{1,2})(?!\d)(?:[.-](?P<minor>\d{1,2})(?!\d))?)?"
)

_BUDGET_TOKENS: dict[Effort | None, int] = {
    None: 8_192,
    "minimal": 1_024,
    "low": 2_048,
    "medium": 8_192,
    "high": 16_384,
    "max": 32_768,
}

_UNNUMBERED = (5, 0)  # claude-mythos-preview
_ALWAYS_THINKING_LINES = frozenset({"fable", "mythos"})

_OFF: dict[tuple[str, tuple[int, int]], Literal["disabled", "between_tools"]] = {
    ("opus", (5, 0)): "disabled",
    ("sonnet", (5, 0)): "disabled",
    ("sonnet", (5, 5)): "between_tools",
    ("haiku", (5, 5)): "disabled",
}
_UNKNOWN_CLAUDE = Traits(
    thinking="always", has_structured_output=True, hides_thoughts=True, checks_prefix=True
)
_FOREIGN = Traits(thinking="budget", off="disabled", takes_unsigned=True, forced="unless_thinking")


def claude_of(model: str) -> Claude | None:
    """Return which Claude a name means, or None if it is another model or one of two numbers alone."""
    found = _NAME.search(model.lower())
    if found is None:
        return None
    major, minor = found["early"] or found["major"], found["early_minor"] or found["minor"]
    version = (int(major), int(minor or 0)) if major else _UNNUMBERED
    return Claude(found["line"], version)


def traits_of(model: str, *, is_claude: bool) -> Traits:
    """Return what a model takes; with `is_claude`, one whose name is not known is Anthropic's newest."""
    claude = claude_of(model)
    if claude is None:
        return _UNKNOWN_CLAUDE if is_claude else _FOREIGN
    version = claude.version
    if version < (4, 6):
        return Traits(
            thinking="budget" if version >= (3, 7) else "none",
            has_structured_output=version >= (4, 5),
            forced="unless_thinking",
        )
    if version < (5, 0):
        return Traits(
            thinking="adaptive",
            has_structured_output=True,
            hides_thoughts=version >= (4, 7),
            forced="always" if version >= (4, 8) else "unless_thinking",
        )
    return _fifth_generation(claude)


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


def forcing_of(traits: Traits, thinking: Json | None) -> Forcing:
    """Return what a model can be made to call beside its field of thinking."""
    match traits.forced:
        case "always":
            return "named"
        case "unless_thinking":
            return "never" if thinking and thinking["type"] in ("enabled", "adaptive") else "named"
        case "never":
            return "never"


def lacks_thought(
    turns: Sequence[Json], *, is_output: Callable[[Json], bool], is_thought: Callable[[Json], bool]
) -> bool:
    """Whether the answer that is being given, with all its calls of tools, began without a thought.

    A model that thinks by a budget then refuses to: "a final `assistant` message must start with a thinking
    block (preceding the lastmost set of `tool_use` and `tool_result` blocks)".
    """
    first: Json | None = None
    for at in range(len(turns) - 1, 0, -2):
        if not any(is_output(block) for block in turns[at]["content"]):
            break
        first = turns[at - 1]
    return first is not None and not is_thought(first["content"][0])


def with_loose_thoughts(thinking: Json | None) -> Json:
    """Let the vendor drop thoughts whose context has changed, which it refuses otherwise (`BINDING_BETA`).

    Our context changes between turns: summaries grow, memories are recalled, tools come and go.
    """
    binding = {"prefix_mismatch_behavior": "drop_block"}
    return (thinking or {"type": "adaptive"}) | {"block_binding": binding}


def _budgeted(wish: Thinking | None, traits: Traits, max_tokens: int, *, is_off: bool) -> Plan:
    has_room = max_tokens >= BUDGET_TOKENS_MIN + ANSWER_TOKENS_MIN
    if wish is None or not has_room:
        off = {"type": traits.off} if is_off and traits.off else None
        return Plan(thinking=off, shows_thoughts=traits.takes_unsigned)
    budget = wish.budget_tokens if wish.budget_tokens is not None else _BUDGET_TOKENS[wish.effort]
    # Below max_tokens, which counts thoughts and answer together, and with room for the answer.
    room = max_tokens - max(ANSWER_TOKENS_MIN, max_tokens // 4)
    thinking: Json = {"type": "enabled", "budget_tokens": max(BUDGET_TOKENS_MIN, min(budget, room))}
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
            return None if wish.budget_tokens is None else effort_of(wish.budget_tokens)
        case effort:
            return effort


def _fifth_generation(claude: Claude) -> Traits:
    off = None if claude.line in _ALWAYS_THINKING_LINES else _OFF.get((claude.line, claude.version))
    return Traits(
        thinking="default" if off else "always",
        off=off,
        has_structured_output=True,
        hides_thoughts=True,
        checks_prefix=claude.version > (5, 0),
        # Of this generation, those that can be told not to think at all can be told what to call.
        forced="always" if off == "disabled" else "never",
    )
