"""Asking a model for the sake of memory: its answer is read within bounds, and what it cost is known."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Upstream
from backboard_server.domain.prompts import Finish, ModelChoice, Prompt, TextDelta, Usage
from backboard_server.domain.tokens import estimate_tokens

ANSWER_CHARACTERS_MAX = 40_000  # what goes on after that repeats itself: one answer of 582 kB did for days
ANSWER_SECONDS_MAX = 120


class Answered(Struct, frozen=True):
    """What a model wrote, up to ANSWER_CHARACTERS_MAX; its usage is an estimate if nobody counted it."""

    text: str
    usage: Usage


class UnusableAnswer(Upstream):
    """An answer in another form than was asked for; `usage` is what it cost all the same."""

    def __init__(self, choice: ModelChoice, wanted: str, usage: Usage) -> None:
        """`wanted` is the name of the list that was asked for."""
        super().__init__(
            f"{choice.provider}/{choice.model} did not answer with a JSON object that has {wanted!r}. "
            "Try again, or choose a model that follows a JSON Schema.",
            kind="invalid_output",
            provider=choice.provider,
        )
        self.usage = usage


async def ask(adapters: Adapters, prompt: Prompt) -> Answered:
    """Return what a model answers; it is cut off where it has gone on for too long, and so is its stream.

    Raises Upstream, and Invalid where the provider cannot be called.
    """
    texts: list[str] = []
    usage: Usage | None = None
    room = ANSWER_CHARACTERS_MAX
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS_MAX),
            aclosing(adapters.models.stream(prompt, streamed=True)) as deltas,
        ):
            async for delta in deltas:
                if isinstance(delta, TextDelta):
                    texts.append(delta.text[:room])
                    room -= len(delta.text)
                    if room < 0:
                        break
                elif isinstance(delta, Finish):
                    usage = delta.usage
    except TimeoutError:
        raise Upstream(
            f"{prompt.choice.provider} was still writing after {ANSWER_SECONDS_MAX} s, and was stopped.",
            kind="timeout",
            provider=prompt.choice.provider,
        ) from None
    text = "".join(texts)
    return Answered(text, usage or _estimated(prompt, text))


def _estimated(prompt: Prompt, text: str) -> Usage:
    asked = sum(estimate_tokens(message.content) for message in prompt.messages)
    return Usage(input_tokens=asked, output_tokens=estimate_tokens(text))
