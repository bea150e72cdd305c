"""What hosts of this wire want to see again of their answers, beyond text and tool calls.

OpenRouter's `reasoning_details` (openrouter.ai/docs/use-cases/reasoning-tokens), the `reasoning_content` of
DeepSeek and Moonshot beside tool calls (api-docs.deepseek.com/guides/thinking_mode), and the `extra_content`
of calls by which Google's compatible endpoint carries its thought signatures.
"""

from __future__ import annotations

from typing import Any

from backboard_server.domain.prompts import Sidecar

from .chunks import CallPiece, Saying

NAME = "openai_chat"

_GROWING = ("text", "summary", "data")  # fields of a detail that arrive in pieces; the others come whole

Json = dict[str, Any]


class SidecarDraft:
    """Collects what is to be kept while an answer is read."""

    def __init__(self) -> None:
        self._details: list[Json] = []
        self._thoughts: list[str] = []
        self._extras: dict[str, Any] = {}

    def take(self, saying: Saying) -> None:
        """Take what a message or a delta has to keep."""
        if saying.reasoning_content:
            self._thoughts.append(saying.reasoning_content)
        for detail in saying.reasoning_details or ():
            self._add(detail)

    def take_call(self, piece: CallPiece, call_id: str) -> None:
        """Take what a tool call has to keep, under the id by which it is stored."""
        if piece.extra_content:
            self._extras[call_id] = piece.extra_content

    def whole(self, *, has_calls: bool) -> Sidecar | None:
        """Return the sidecar, or None where there is nothing to keep."""
        kept: Json = {}
        if self._details:
            kept["reasoning_details"] = self._details
        elif self._thoughts and has_calls:  # hosts want it within a turn of tools and refuse it elsewhere
            kept["reasoning_content"] = "".join(self._thoughts)
        if self._extras:
            kept["extra_content"] = self._extras
        return {NAME: kept} if kept else None

    def _add(self, detail: Json) -> None:
        last = self._details[-1] if self._details else None
        if last is None or any(last.get(name) != detail.get(name) for name in ("type", "index")):
            self._details.append(dict(detail))
            return
        for name, value in detail.items():
            grows = name in _GROWING and isinstance(value, str) and isinstance(last.get(name), str)
            if grows:
                last[name] += value
            elif value is not None:
                last[name] = value


def extra_of_message(sidecar: Sidecar | None) -> Json:
    """Return the fields to put beside an answer that goes back to its host."""
    kept = _kept(sidecar)
    found = {name: kept.get(name) for name in ("reasoning_details", "reasoning_content")}
    return {name: value for name, value in found.items() if value}


def extra_of_call(sidecar: Sidecar | None, call_id: str) -> Json:
    """Return the fields to put beside a tool call that goes back to its host."""
    extras = _kept(sidecar).get("extra_content")
    extra = extras.get(call_id) if isinstance(extras, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - stored JSON
    return {"extra_content": extra} if extra else {}


def _kept(sidecar: Sidecar | None) -> Json:
    kept = (sidecar or {}).get(NAME)
    return kept if isinstance(kept, dict) else {}  # pyright: ignore[reportUnknownVariableType] - stored JSON
