"""Files as Converse takes them: blocks beside the text of a user's message."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from backboard_server.domain.prompts import Media, MediaKind, PromptMessage

# What one request may hold (the reference of Message.content); older files are named instead of shown.
FILES_MAX: dict[MediaKind, int] = {"image": 20, "pdf": 5, "audio": 5}

_FORMATS: dict[str, str] = {
    "image/png": "png",
    "image/jpeg": "jpeg",
    "image/gif": "gif",
    "image/webp": "webp",
    "application/pdf": "pdf",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/ogg": "ogg",
    "audio/opus": "opus",
    "audio/mp4": "m4a",
    "audio/webm": "webm",
}
_BLOCK_NAMES: dict[MediaKind, str] = {"image": "image", "pdf": "document", "audio": "audio"}

_NAME_CHARACTERS_MAX = 100
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9()\[\]-]+")  # DocumentBlock.name: spaces as well, but one in a row

Json = dict[str, Any]


def file_blocks(messages: Sequence[PromptMessage]) -> dict[int, list[Json]]:
    """Return the blocks of the files of each message that has some, by its place."""
    room = dict(FILES_MAX)
    names: set[str] = set()
    blocks: dict[int, list[Json]] = {}
    for index in reversed(range(len(messages))):
        if messages[index].role == "user" and messages[index].media:
            blocks[index] = [_block(media, room, names) for media in messages[index].media]
    return blocks


def _block(media: Media, room: dict[MediaKind, int], names: set[str]) -> Json:
    file_format = _FORMATS.get(media.media_type)
    if file_format is None or not media.content or room[media.kind] <= 0:
        return {"text": f"[File attached, which this model cannot see: {media.filename}]"}
    room[media.kind] -= 1
    block: Json = {"format": file_format, "source": {"bytes": b64encode(media.content).decode()}}
    if media.kind == "pdf":
        block["name"] = _name(media.filename, names)
    return {_BLOCK_NAMES[media.kind]: block}


def _name(filename: str, taken: set[str]) -> str:
    """Return a name of the characters that are allowed, and not given twice."""
    stem = filename.rpartition(".")[0] or filename
    name = _NOT_IN_A_NAME.sub(" ", stem).strip()[:_NAME_CHARACTERS_MAX].strip() or "document"
    number = 1
    unique = name
    while unique in taken:
        number += 1
        unique = f"{name} {number}"
    taken.add(unique)
    return unique
