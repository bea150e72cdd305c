"""Answers as Anthropic's SDK reads them: the plain stream of events, which is cheaper than its helper."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .calls import KEY, MESSAGES, MODELS, OUTPUT_TOKENS_MAX


def readers(root_url: str) -> dict[str, Callable[[], Awaitable[int]]]:
    """Return what reads an answer over each wire, and counts its characters."""
    client = importlib.import_module("anthropic").AsyncAnthropic(base_url=root_url, api_key=KEY)
    return {"anthropic": partial(_read, client)}


async def _read(client: Any) -> int:
    stream = await client.messages.create(
        model=MODELS["anthropic"], max_tokens=OUTPUT_TOKENS_MAX, messages=MESSAGES, stream=True
    )
    return sum([_characters_of(event.delta) async for event in stream if event.type == "content_block_delta"])


def _characters_of(delta: Any) -> int:
    match delta.type:
        case "text_delta":
            return len(delta.text)
        case "thinking_delta":
            return len(delta.thinking)
        case "input_json_delta":
            return len(delta.partial_json)
        case _:
            return 0
