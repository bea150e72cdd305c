"""What Anthropic wants to see again of an answer: its thoughts, unchanged, signed and where they stood.

Reference: platform.claude.com/docs, "Thinking" (section "Preserving thinking blocks"). Texts and tool calls
are not repeated: the neutral history holds them; the sidecar says how long each text was, where calls were.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from backboard_server.domain.prompts import Sidecar
from backboard_server.providers._claude import claude_of

NAME = "anthropic"

BlockKind = Literal["thinking", "redacted_thinking", "text", "tool_use"]


class KeptBlock(msgspec.Struct, omit_defaults=True, gc=False):
    """One block of an answer: a thought with its signature, an encrypted one, or another's place."""

    type: BlockKind
    thinking: str = ""
    signature: str = ""
    data: str = ""
    length: int = 0


class Kept(msgspec.Struct, frozen=True):
    """The blocks of an answer in their order, and the model that gave it, as it calls itself."""

    blocks: list[KeptBlock]
    model: str | None = None


def sidecar_of(blocks: list[KeptBlock], model: str | None) -> Sidecar | None:
    """Return what is to be kept, or None where there was no thought."""
    if not any(block.type in {"thinking", "redacted_thinking"} for block in blocks):
        return None
    return {NAME: msgspec.to_builtins(Kept(blocks, model))}


def kept_of(sidecar: Sidecar | None) -> Kept | None:
    """Return what was kept of an answer, or None if there is nothing or it is of another shape."""
    kept: Any = (sidecar or {}).get(NAME)
    if kept is None:
        return None
    try:
        return msgspec.convert(kept, Kept)
    except (msgspec.ValidationError, RecursionError):
        return None


def is_same_model(one: str | None, other: str) -> bool:
    """Whether an answer came from the model that is called, aliases and dates aside: it signs for itself."""
    if one is None or one == other:
        return True
    first, second = claude_of(one), claude_of(other)
    return first == second
