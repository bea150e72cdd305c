"""From messages to `contents`: turns of the user and of the model, which answer each other.

References: ai.google.dev/api/caching#Content for the parts; .../gemini-api/docs/function-calling for calls
and their responses; .../docs/thought-signatures for signatures and their stand-in; what a picture may be is
in .../docs/image-understanding.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from backboard_server.domain.prompts import Media, PromptMessage, ToolCall
from backboard_server.providers._calls import object_of

from . import sidecar
from .families import shares_signatures, wants_signatures
from .sidecar import Kept, KeptAnswer

_STAND_IN = (
    "skip_thought_signature_validator"  # for calls of another model, or of a history without signatures
)
_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"})
_MEDIA_TYPES = {"audio/mpeg": "audio/mp3"}  # as .../docs/audio names it
_OPENING = "[The conversation begins with the answer below.]"
_CLOSING = "[Go on.]"
_NAME_CHARACTERS_MAX = 64
_NOT_OF_NAMES = re.compile(r"[^A-Za-z0-9_.:-]")

Json = dict[str, Any]


def contents_of(messages: Iterable[PromptMessage], model: str) -> list[Json]:
    """Return the turns: the first and the last are the user's, neighbours of one role are one turn."""
    contents: list[Json] = []
    names: dict[str, str] = {}
    for message in messages:
        names.update((call.id, _name(call)) for call in message.tool_calls)
        parts = list(_parts(message, names, model))
        if not parts:
            continue
        role = "model" if message.role == "assistant" else "user"
        if not contents and role == "model":
            contents.append({"role": "user", "parts": [{"text": _OPENING}]})
        if contents and contents[-1]["role"] == role:
            contents[-1]["parts"] += parts
        else:
            contents.append({"role": role, "parts": parts})
    # Newer models refuse a conversation in which the last word is theirs.
    if not contents or contents[-1]["role"] == "model":
        contents.append({"role": "user", "parts": [{"text": _CLOSING}]})
    return contents


def _parts(message: PromptMessage, names: dict[str, str], model: str) -> Iterator[Json]:
    match message.role:
        case "system":
            return
        case "user":
            if message.content:
                yield {"text": message.content}
            yield from map(_file, message.media)
        case "tool":
            yield _response(message, names)
            yield from map(_file, message.media)
        case "assistant":
            yield from _answer(message, model)


def _file(media: Media) -> Json:
    if media.kind == "image" and media.media_type not in _PICTURES:
        return {"text": f"[File attached, which this model cannot see: {media.filename}]"}
    kind = _MEDIA_TYPES.get(media.media_type, media.media_type)
    return {"inlineData": {"mimeType": kind, "data": b64encode(media.content).decode()}}


def _response(message: PromptMessage, names: dict[str, str]) -> Json:
    """Return what a function gave back; a response is an object, with the key that the reference proposes."""
    call_id = message.tool_call_id or ""
    response = {"id": call_id, "name": names.get(call_id, "unknown"), "response": {"output": message.content}}
    return {"functionResponse": response}


def _answer(message: PromptMessage, model: str) -> Iterator[Json]:
    kept = sidecar.read(message.sidecar)
    if kept is not None and shares_signatures(kept.model, model):
        parts = list(_as_it_was(message, kept))
    else:
        parts = list(_unsigned(message))
    if wants_signatures(model):
        first = next((part for part in parts if "functionCall" in part), None)
        if first is not None:  # of parallel calls, only the first is signed
            first.setdefault("thoughtSignature", _STAND_IN)
    yield from parts


def _unsigned(message: PromptMessage) -> Iterator[Json]:
    if message.content:
        yield {"text": message.content}
    yield from map(_call, message.tool_calls)


def _as_it_was(message: PromptMessage, kept: KeptAnswer) -> Iterator[Json]:
    """Yield the parts of an answer as they came; unsigned where what was kept does not fit the message."""
    length = sum(part.length for part in kept.parts)
    calls = sum(part.kind == "call" for part in kept.parts)
    is_fitting = length == len(message.content) and calls == len(message.tool_calls)
    if not is_fitting or any(part.length < 0 for part in kept.parts):
        yield from _unsigned(message)
        return
    remaining_calls = iter(message.tool_calls)
    start = 0
    for part in kept.parts:
        end = start + part.length
        yield _signed(_kept(part, message.content[start:end], remaining_calls), part.signature)
        start = end


def _kept(part: Kept, text: str, calls: Iterator[ToolCall]) -> Json:
    match part.kind:
        case "text":
            return {"text": text}
        case "thought":
            return {"text": part.text, "thought": True}
        case "call":
            return _call(next(calls))


def _signed(part: Json, signature: str) -> Json:
    return part | {"thoughtSignature": signature} if signature else part


def _call(call: ToolCall) -> Json:
    return {"functionCall": {"id": call.id, "name": _name(call), "args": object_of(call.arguments)}}


def _name(call: ToolCall) -> str:
    """Return the name of a function as it may be here: another model may have called what does not exist."""
    return _NOT_OF_NAMES.sub("_", call.name)[:_NAME_CHARACTERS_MAX] or "unknown"
