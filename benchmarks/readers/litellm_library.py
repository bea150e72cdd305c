"""Answers as LiteLLM reads them, used as a library: every wire, in the shapes of OpenAI."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .calls import KEY, MESSAGES, MODELS, OUTPUT_TOKENS_MAX
from .openai_sdk import characters_of

_PREFIXES = {
    "openai_chat": ("openai", "/v1"),
    "anthropic": ("anthropic", ""),
    "gemini": ("gemini", "/v1beta"),
    "bedrock": ("bedrock/converse", ""),
}


def readers(root_url: str) -> dict[str, Callable[[], Awaitable[int]]]:
    """Return what reads an answer over each wire, and counts its characters."""
    litellm = importlib.import_module("litellm")
    every: dict[str, Callable[[], Awaitable[int]]] = {
        wire: partial(_read, litellm, f"{prefix}/{MODELS[wire]}", root_url + path)
        for wire, (prefix, path) in _PREFIXES.items()
    }
    every["openai_responses"] = partial(_responses, litellm, f"{root_url}/v1")
    return every


async def _read(litellm: Any, model: str, base_url: str) -> int:
    stream = await litellm.acompletion(
        model=model,
        messages=MESSAGES,
        max_tokens=OUTPUT_TOKENS_MAX,
        stream=True,
        stream_options={"include_usage": True},
        api_base=base_url,
        api_key=KEY,
    )
    return sum([characters_of(chunk) async for chunk in stream])


async def _responses(litellm: Any, base_url: str) -> int:
    stream = await litellm.aresponses(
        model=f"openai/{MODELS['openai_responses']}",
        input=MESSAGES,
        stream=True,
        api_base=base_url,
        api_key=KEY,
    )
    return sum([len(event.delta) async for event in stream if event.type.endswith(".delta")])
