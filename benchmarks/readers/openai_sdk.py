"""Answers as OpenAI's SDK reads them."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .calls import KEY, MESSAGES, MODELS

_SPEAKING = frozenset({
    "response.output_text.delta",
    "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta",
})  # fmt: skip


def readers(root_url: str) -> dict[str, Callable[[], Awaitable[int]]]:
    """Return what reads an answer over each wire, and counts its characters."""
    client = importlib.import_module("openai").AsyncOpenAI(base_url=f"{root_url}/v1", api_key=KEY)
    return {"openai_chat": partial(_chat, client), "openai_responses": partial(_responses, client)}


async def _chat(client: Any) -> int:
    stream = await client.chat.completions.create(
        model=MODELS["openai_chat"], messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    return sum([characters_of(chunk) async for chunk in stream])


async def _responses(client: Any) -> int:
    stream = await client.responses.create(model=MODELS["openai_responses"], input=MESSAGES, stream=True)
    return sum([len(event.delta) async for event in stream if event.type in _SPEAKING])


def characters_of(chunk: Any) -> int:
    """Return how much a chunk of a chat completion says."""
    if not chunk.choices:
        return 0
    delta = chunk.choices[0].delta
    reasoning = getattr(delta, "reasoning_content", None)  # not OpenAI's own, but its SDK hands it on
    arguments = "".join(call.function.arguments or "" for call in delta.tool_calls or ())
    return len(delta.content or "") + len(reasoning or "") + len(arguments)
