"""Answers as Google's SDK reads them."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .calls import KEY, MODELS, QUESTION


def readers(root_url: str) -> dict[str, Callable[[], Awaitable[int]]]:
    """Return what reads an answer over each wire, and counts its characters."""
    client = importlib.import_module("google.genai").Client(api_key=KEY, http_options={"base_url": root_url})
    return {"gemini": partial(_read, client)}


async def _read(client: Any) -> int:
    stream = await client.aio.models.generate_content_stream(model=MODELS["gemini"], contents=QUESTION)
    return sum([_characters_of(chunk) async for chunk in stream])


def _characters_of(chunk: Any) -> int:
    return sum(len(part.text or "") for part in chunk.candidates[0].content.parts)
