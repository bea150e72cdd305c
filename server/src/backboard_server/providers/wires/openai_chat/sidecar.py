"""What hosts of this wire want to see again of their answers, beyond text and tool calls.

OpenRouter's `reasoning_details` (openrouter.ai/docs/use-cases/reasoning-tokens), the `reasoning_content` of
DeepSeek and Moonshot beside tool calls (api-docs.deepseek.com/guides/thinking_mode), and the `extra_content`
of calls by which Google's compatible endpoint carries its thought signatures.
"""

from __future__ import annotations

from typing import Any, cast

from backboard_server.domain.prompts import Sidecar

from .chunks import CallPiece, Saying

NAME = "openai_chat"
REASONING = "reasoning_content"

_GROWING = ("text", "summary", "data")  # fields of a detail that arrive in pieces; the others come whole

Json = dict[str, Any]


class SidecarDraft:
    """Collects what is to be kept while an answer is read."""

    def __init__(self) -> None:
        self._details: list[_Detail] = []
        self._thoughts: list[str] = []
        self._extras: dict[str, Any] = {}

    def take(self, saying: Saying) -> None:
        """Take what a message or a delta has to keep."""
        if saying.reasoning_content:
            self._thoughts.append(saying.reasoning_content)
        for piece in _objects(saying.reasoning_details):
            if not self._details or not self._details[-1].continues_with(piece):
                self._details.append(_Detail())
            self._details[-1].add(piece)

    def take_call(self, piece: CallPiece, call_id: str) -> None:
        """Take what a tool call has to keep, under the id by which it is stored."""
        for extra in _objects([piece.extra_content]):
            self._extras[call_id] = extra

    def whole(self, *, has_calls: bool) -> Sidecar | None:
        """Return the sidecar, or None where there is nothing to keep."""
        kept: Json = {}
        if self._details:
            kept["reasoning_details"] = [detail.whole() for detail in self._details]
        elif self._thoughts and has_calls:  # hosts want it within a turn of tools and refuse it elsewhere
            kept[REASONING] = "".join(self._thoughts)
        if self._extras:
            kept["extra_content"] = self._extras
        return {NAME: kept} if kept else None


class _Detail:
    """One of OpenRouter's `reasoning_details`, put together from the pieces of a stream."""

    def __init__(self) -> None:
        self._fields: Json = {}
        self._growing: dict[str, list[str]] = {}

    def continues_with(self, piece: Json) -> bool:
        """Whether a piece is more of this one: of its type, at its place, and by no other id."""
        is_another = bool(piece.get("id") and self._fields.get("id") and piece["id"] != self._fields["id"])
        return not is_another and all(self._fields.get(name) == piece.get(name) for name in ("type", "index"))

    def add(self, piece: Json) -> None:
        """Take a piece: texts go on, other fields are the last that was said of them."""
        for name, value in piece.items():
            if name in _GROWING and isinstance(value, str):
                self._growing.setdefault(name, []).append(value)
            if value is not None or name not in self._fields:
                self._fields[name] = value

    def whole(self) -> Json:
        """Return the detail as the host wants it back."""
        return self._fields | {name: "".join(pieces) for name, pieces in self._growing.items()}


def _objects(details: object) -> list[Json]:
    """Return the objects of a list, whatever a host put in its place."""
    items = cast("list[object]", details) if isinstance(details, list) else []
    return [cast("Json", item) for item in items if isinstance(item, dict)]


def extra_of_message(sidecar: Sidecar | None) -> Json:
    """Return the fields to put beside an answer that goes back to its host."""
    kept = _kept(sidecar)
    found = {name: kept.get(name) for name in ("reasoning_details", REASONING)}
    return {name: value for name, value in found.items() if value}


def extra_of_call(sidecar: Sidecar | None, call_id: str) -> Json:
    """Return the fields to put beside a tool call that goes back to its host."""
    extras = _kept(sidecar).get("extra_content")
    extra = extras.get(call_id) if isinstance(extras, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - stored JSON
    return {"extra_content": extra} if extra else {}


def _kept(sidecar: Sidecar | None) -> Json:
    kept = (sidecar or {}).get(NAME)
    return kept if isinstance(kept, dict) else {}  # pyright: ignore[reportUnknownVariableType] - stored JSON
