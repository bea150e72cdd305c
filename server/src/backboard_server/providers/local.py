"""The provider without a key: it quotes what it was given, and says that it is no language model."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec

from backboard_server.domain.models import Facts, Price
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ModelChoice,
    Prompt,
    PromptMessage,
    TextDelta,
    Usage,
)
from backboard_server.domain.tokens import estimate_tokens

from ._quotes import Passage, closest

PROVIDER = "local"
CHOICE = ModelChoice(PROVIDER, "quotes")
FACTS = Facts(
    context_limit=32_768,
    takes=frozenset(),
    takes_tools=False,
    may_reason=False,
    is_known=True,
    is_free=True,
    price=Price(input=0, output=0, source="backboard"),
)

_WHO = "I am Backboard's local provider, not a language model: I can only quote this conversation"
_FOUND = f"{_WHO}. Closest to your message: "
_NOTHING = (
    f"{_WHO}, and nothing earlier in it matches your message. "
    "For real answers set a provider's key, for example OPENAI_API_KEY, and restart."
)
_QUOTES_MAX = 3

# What the user stated is worth most; what another model said may have been its guess.
_WORTH_OF_STATEMENT = {"user": 1.0, "tool": 1.0, "system": 0.8, "assistant": 0.5}


async def answer(prompt: Prompt) -> AsyncGenerator[Delta, None]:
    """Yield the answer word by word, then a Finish with estimated usage; equal prompts get equal answers."""
    text = _text(prompt.messages)
    if prompt.response_format is not None:
        text = msgspec.json.encode({"answer": text}).decode()
    first, *others = text.split(" ")
    yield TextDelta(first)
    for word in others:
        yield TextDelta(f" {word}")
    asked = sum(estimate_tokens(message.content) for message in prompt.messages)
    yield Finish("stop", Usage(input_tokens=asked, output_tokens=estimate_tokens(text)), CHOICE.model)


def _text(messages: tuple[PromptMessage, ...]) -> str:
    last = max((index for index, message in enumerate(messages) if message.role == "user"), default=None)
    if last is None:
        return _NOTHING
    given = [
        Passage(message.content, _WORTH_OF_STATEMENT[message.role])
        for index, message in enumerate(messages)
        if index != last and not message.content.startswith(_WHO)
    ]
    quotes = closest(messages[last].content, given, _QUOTES_MAX)
    return _FOUND + " ".join(f"“{quote}”" for quote in quotes) if quotes else _NOTHING
