"""Answers as our own wires read them: the whole of `Providers.stream`, as a run uses it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial

from backboard_server.domain.prompts import (
    ModelChoice,
    Prompt,
    PromptMessage,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
)
from backboard_server.providers import Providers

from .calls import MODELS, PROVIDERS, QUESTION, configuration


def readers(root_url: str) -> dict[str, Callable[[], Awaitable[int]]]:
    """Return what reads an answer over each wire, and counts its characters."""
    providers = Providers(configuration(root_url))
    return {
        wire: partial(_read, providers, ModelChoice(PROVIDERS[wire], model)) for wire, model in MODELS.items()
    }


async def _read(providers: Providers, choice: ModelChoice) -> int:
    prompt = Prompt(choice=choice, messages=(PromptMessage("user", QUESTION),))
    characters = 0
    async with aclosing(providers.stream(prompt, streamed=True)) as deltas:
        async for delta in deltas:
            if isinstance(delta, TextDelta | ReasoningDelta):
                characters += len(delta.text)
            elif isinstance(delta, ToolCallDelta):
                characters += len(delta.arguments)
    return characters
