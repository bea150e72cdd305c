"""What goes with an answer that comes back to OpenAI: its items in their order, and its reasoning, encrypted.

The text is not repeated: of a message only its length is kept, and of a call its id.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from backboard_server.domain.prompts import PromptMessage, Sidecar

NAME = "openai_responses"
GAP = "\n\n"  # between two messages of one answer, where they become one text


class Kept(msgspec.Struct, omit_defaults=True):
    """An item: reasoning with its seal, a message with its number of characters, or a call with our id."""

    type: Literal["reasoning", "message", "function_call"]
    id: str = ""
    encrypted_content: str = ""
    phase: str = ""
    characters: int = 0
    call_id: str = ""


def sidecar_of(items: list[Kept]) -> Sidecar | None:
    """Return the sidecar of an answer, or None where its text and its calls say everything.

    Reasoning at the end led to nothing, as when the tokens ran out; without a following item it is refused.
    """
    count = len(items)
    while count and items[count - 1].type == "reasoning":
        count -= 1
    if not any(item.type == "reasoning" or item.phase for item in items[:count]):
        return None
    return {NAME: msgspec.to_builtins(items[:count])}


def kept_of(message: PromptMessage) -> list[Kept] | None:
    """Return the items of an answer, or None where there are none that fit its text and its calls."""
    stored: Any = (message.sidecar or {}).get(NAME)
    try:
        items = msgspec.convert(stored, list[Kept])
    except msgspec.ValidationError:
        return None
    lengths = [item.characters for item in items if item.characters]
    length = sum(lengths) + len(GAP) * max(0, len(lengths) - 1)
    calls = [item.call_id for item in items if item.type == "function_call"]
    fits = length == len(message.content) and calls == [call.id for call in message.tool_calls]
    return items if items and fits and min(lengths, default=0) >= 0 else None
