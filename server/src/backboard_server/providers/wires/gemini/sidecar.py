"""What Gemini wants to see again of an answer: the signatures of its thoughts, each on the part that bore it.

"Return the entire response with all parts"; parts with a signature are never joined with others
(ai.google.dev/gemini-api/docs/thought-signatures). The text itself is not kept twice: a part of text is its
length, a call is the next one of the message. Signed thoughts are kept whole, as nothing else holds them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from backboard_server.domain.prompts import Sidecar

NAME = "gemini"

_PARTS_MAX = 4_096
_CHARACTERS_MAX = 2_000_000  # signatures have some thousands each; more is no use of ours to keep


class Kept(msgspec.Struct, omit_defaults=True):
    """A part of an answer: `length` characters of its text, a thought with `text`, or its next call."""

    kind: Literal["text", "thought", "call"]
    length: int = 0
    text: str = ""
    signature: str = ""


class KeptAnswer(msgspec.Struct):
    """The parts of one answer, in their order, and the model that gave it."""

    model: str
    parts: list[Kept]


class SidecarDraft:
    """Collects what is to be kept while an answer is read."""

    def __init__(self) -> None:
        self._parts: list[Kept] = []
        self._is_signed = False
        self._characters = 0

    def take_text(self, text: str, signature: str | None) -> None:
        """Take a part of text; without signatures, neighbours are one."""
        last = self._parts[-1] if self._parts else None
        if not signature and last and last.kind == "text" and not last.signature:
            last.length += len(text)
        elif text or signature:
            self._add(Kept("text", len(text), signature=signature or ""))

    def take_thought(self, text: str, signature: str | None) -> None:
        """Take a thought, which is kept only if it is signed."""
        if signature:
            self._add(Kept("thought", text=text, signature=signature))

    def take_call(self, signature: str | None) -> None:
        """Take a call."""
        self._add(Kept("call", signature=signature or ""))

    def whole(self, model: str | None) -> Sidecar | None:
        """Return the sidecar, or None where nothing was signed, or more than can be kept."""
        is_too_much = len(self._parts) >= _PARTS_MAX or self._characters > _CHARACTERS_MAX
        if not self._is_signed or is_too_much:
            return None
        return {NAME: msgspec.to_builtins(KeptAnswer(model or "", self._parts))}

    def _add(self, part: Kept) -> None:
        self._characters += len(part.text) + len(part.signature)
        if len(self._parts) < _PARTS_MAX and self._characters <= _CHARACTERS_MAX:
            self._parts.append(part)
        self._is_signed = self._is_signed or bool(part.signature)


def read(sidecar: Sidecar | None) -> KeptAnswer | None:
    """Return what was kept of an answer, or None where that has no shape of ours."""
    try:
        return msgspec.convert((sidecar or {}).get(NAME), KeptAnswer)
    except msgspec.ValidationError:
        return None
