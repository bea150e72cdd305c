"""Fitting a prompt to the model that is called: what it cannot take is left out or becomes text. Pure.

A thread may have been answered by any number of providers. Its history is neutral; here it becomes what this
provider takes: sidecars of others are dropped, tool calls and their outputs come in pairs, files that this
model cannot look at are named instead of shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Media, MediaKind, Prompt, PromptMessage

_SILENT = "[A message without text.]"  # vendors refuse empty ones
_LOST = "[The output of this call is not known.]"


def fit(prompt: Prompt, provider: str, facts: Facts, carried: frozenset[MediaKind]) -> Prompt:
    """Return the prompt as this provider's model takes it; `carried` is what its wire can carry."""
    takes = facts.takes & carried
    messages = tuple(_fitted(message, provider, takes) for message in _paired(prompt.messages))
    return replace(
        prompt,
        messages=messages,
        tools=prompt.tools if facts.takes_tools else (),
        thinking=prompt.thinking if facts.may_reason else None,
    )


def simplified(prompt: Prompt) -> Prompt | None:
    """Return the prompt without all that a provider could stumble over in its history; None if nothing was.

    For a provider that refused the prompt: without sidecars, and with files in the last message alone.
    """
    last = max((index for index, message in enumerate(prompt.messages) if message.role == "user"), default=0)
    messages = tuple(
        _fitted(message, "", frozenset()) if index != last else replace(message, sidecar=None)
        for index, message in enumerate(prompt.messages)
    )
    return None if messages == prompt.messages else replace(prompt, messages=messages)


def _fitted(message: PromptMessage, provider: str, takes: frozenset[MediaKind]) -> PromptMessage:
    if message.sidecar is not None and message.provider != provider:
        message = replace(message, sidecar=None)
    if any(media.kind not in takes for media in message.media):
        shown = tuple(media for media in message.media if media.kind in takes)
        hidden = [media for media in message.media if media.kind not in takes]
        message = replace(message, content=_with_names(message.content, hidden), media=shown)
    if message.role == "user" and not message.content and not message.media:
        message = replace(message, content=_SILENT)
    return message


def _with_names(content: str, hidden: list[Media]) -> str:
    names = ", ".join(media.filename for media in hidden)
    return f"{content}\n\n[Files attached, which this model cannot see: {names}]".strip()


def _paired(messages: tuple[PromptMessage, ...]) -> Iterator[PromptMessage]:
    """Yield the messages with every tool call answered right behind it, and no output without its call."""
    awaited: dict[str, PromptMessage | None] = {}
    order: list[str] = []
    for message in messages:
        if message.role == "tool":
            call_id = message.tool_call_id or ""
            if call_id in awaited and awaited[call_id] is None:
                awaited[call_id] = message
            continue
        yield from _outputs(order, awaited)
        order, awaited = (
            [call.id for call in message.tool_calls],
            {call.id: None for call in message.tool_calls},
        )
        yield message
    yield from _outputs(order, awaited)


def _outputs(order: list[str], given: dict[str, PromptMessage | None]) -> Iterator[PromptMessage]:
    for call_id in dict.fromkeys(order):
        yield given[call_id] or PromptMessage("tool", _LOST, tool_call_id=call_id)
