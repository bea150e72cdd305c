"""Answers as Amazon's SDK reads them, which has no asynchronous client: each in a thread."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from .calls import MODELS, QUESTION


def readers(root_url: str) -> dict[str, Callable[[], Awaitable[int]]]:
    """Return what reads an answer over each wire, and counts its characters; its key is a variable."""
    client = importlib.import_module("boto3").client("bedrock-runtime", endpoint_url=root_url)
    return {"bedrock": partial(_read_in_thread, client)}


async def _read_in_thread(client: Any) -> int:
    return await asyncio.to_thread(_read, client)


def _read(client: Any) -> int:
    messages = [{"role": "user", "content": [{"text": QUESTION}]}]
    answer = client.converse_stream(modelId=MODELS["bedrock"], messages=messages)
    return sum(_characters_of(event) for event in answer["stream"])


def _characters_of(event: Any) -> int:
    delta = event.get("contentBlockDelta", {}).get("delta", {})
    reasoning = delta.get("reasoningContent", {}).get("text", "")
    return len(delta.get("text", "")) + len(reasoning) + len(delta.get("toolUse", {}).get("input", ""))
