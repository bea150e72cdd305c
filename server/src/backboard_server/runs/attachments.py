"""Attachments: the files of a thread that a model is shown, fetched when it is called."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict

from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import NotFound, Unavailable
from backboard_server.domain.prompts import Media, Prompt

from .context import Context, ShownFile

_log = logging.getLogger(__name__)


async def with_files(adapters: Adapters, context: Context) -> Prompt:
    """Return the prompt with the bytes of its files; of one that cannot be read it says the name."""
    if not context.files:
        return context.prompt
    found = await asyncio.gather(*(_fetched(adapters, file) for file in context.files))
    media: dict[int, list[Media]] = defaultdict(list)
    missing: dict[int, list[str]] = defaultdict(list)
    for file, content in zip(context.files, found, strict=True):
        if content is None:
            missing[file.index].append(file.filename)
        else:
            media[file.index].append(
                Media(kind=file.kind, media_type=file.media_type, filename=file.filename, content=content)
            )
    messages = list(context.prompt.messages)
    for index in {*media, *missing}:
        message = messages[index]
        note = (
            f"\n\n[Files attached, which cannot be read: {', '.join(missing[index])}]"
            if missing[index]
            else ""
        )
        messages[index] = replace(message, content=message.content + note, media=tuple(media[index]))
    return replace(context.prompt, messages=tuple(messages))


async def _fetched(adapters: Adapters, file: ShownFile) -> bytes | None:
    try:
        return await adapters.blobs.get(file.blob_key)
    except (NotFound, Unavailable) as error:
        _log.warning("a file of the thread is not shown: %s", error.message)
        return None
