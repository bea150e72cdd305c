"""What Bedrock's models want to see again of their answers: sealed and encrypted reasoning, in its place.

`ReasoningContentBlock` of the reference: text goes back with its signature, both as they came. Claude refuses
reasoning without a signature, others refuse one that is empty: reasoning without any seal is not kept.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any, cast

import msgspec

from backboard_server.domain.prompts import PromptMessage, Sidecar

from .families import takes_encrypted_reasoning, takes_sealed_reasoning

NAME = "bedrock"
KEPT_CHARACTERS_MAX = 1_000_000

Json = dict[str, Any]


class Kept(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """One block: of text only the length is kept, of a call only the id, as the history has the rest."""

    reasoning: str = ""
    signature: str = ""
    redacted: str = ""
    characters: int = 0
    call: str = ""


class _Draft:
    """One block in the making: its pieces are joined once, at the end."""

    __slots__ = ("call", "characters", "encrypted", "seals", "thoughts")

    def __init__(self) -> None:
        self.thoughts: list[str] = []
        self.seals: list[str] = []
        self.encrypted: list[str] = []
        self.characters = 0
        self.call = ""

    def kept(self) -> Kept:
        seal = "".join(self.seals)
        thoughts = "".join(self.thoughts) if seal else ""
        return Kept(thoughts, seal, _joined(self.encrypted), self.characters, self.call)


class SidecarDraft:
    """Collects the blocks of an answer while it is read."""

    def __init__(self) -> None:
        self._drafts: dict[int, _Draft] = {}

    def say(self, index: int, text: str) -> None:
        """Note text."""
        self._at(index).characters += len(text)

    def think(self, index: int, text: str | None, signature: str | None) -> None:
        """Note a piece of reasoning, its seal, or both."""
        draft = self._at(index)
        if text:
            draft.thoughts.append(text)
        if signature:
            draft.seals.append(signature)

    def hide(self, index: int, encrypted: str) -> None:
        """Note a piece of encrypted reasoning, in base64."""
        self._at(index).encrypted.append(encrypted)

    def call(self, index: int, call_id: str) -> None:
        """Note a tool call, under the id by which it is stored."""
        self._at(index).call = call_id

    def whole(self) -> Sidecar | None:
        """Return the sidecar, or None where there is nothing to keep, or too much."""
        blocks = [draft.kept() for _, draft in sorted(self._drafts.items())]
        if not any(block.signature or block.redacted for block in blocks):
            return None
        if sum(len(block.reasoning) + len(block.redacted) for block in blocks) > KEPT_CHARACTERS_MAX:
            return None
        return {NAME: {"blocks": msgspec.to_builtins([block for block in blocks if block != Kept()])}}

    def _at(self, index: int) -> _Draft:
        draft = self._drafts.get(index)
        if draft is None:
            draft = self._drafts[index] = _Draft()
        return draft


def replayed(message: PromptMessage, calls: dict[str, Json], model: str) -> list[Json] | None:
    """Return the blocks of an answer as they came, or None where the history and what was kept differ.

    `calls` are the blocks of its tool calls by their ids in the history.
    """
    kept = _blocks_of(message.sidecar)
    text = message.content
    blocks: list[Json] = []
    left = dict(calls)
    for block in kept:
        if block.call:
            if block.call not in left:
                return None
            blocks.append(left.pop(block.call))
        elif block.characters:
            blocks += text_block(text[: block.characters])
            text = text[block.characters :]
        else:
            blocks += _reasoning(block, model)
    if not kept or text or left:
        return None
    # Claude: "The final block in an assistant message cannot be `thinking`."
    while blocks and "reasoningContent" in blocks[-1]:
        _ = blocks.pop()
    return blocks


def text_block(text: str) -> list[Json]:
    """Return a text as a block, or nothing where there is none: blank ones are refused."""
    return [{"text": text}] if text.strip() else []


def _reasoning(block: Kept, model: str) -> list[Json]:
    if block.redacted and takes_encrypted_reasoning(model):
        return [{"reasoningContent": {"redactedContent": block.redacted}}]
    if block.signature and takes_sealed_reasoning(model):
        text = {"text": block.reasoning, "signature": block.signature}
        return [{"reasoningContent": {"reasoningText": text}}]
    return []


def _joined(pieces: list[str]) -> str:
    """Join pieces of base64, each of which may be padded by itself; what is none is as good as nothing."""
    try:
        return b64encode(b"".join(b64decode(piece, validate=True) for piece in pieces)).decode()
    except (NotBase64, ValueError):
        return ""


def _blocks_of(sidecar: Sidecar | None) -> list[Kept]:
    kept = (sidecar or {}).get(NAME)
    if not isinstance(kept, dict):
        return []
    try:
        return msgspec.convert(cast("Json", kept).get("blocks"), list[Kept])
    except msgspec.ValidationError:
        return []
