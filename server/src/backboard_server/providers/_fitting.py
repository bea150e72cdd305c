"""Fitting a prompt to the model that is called: what it cannot take is left out or becomes text. Pure.

A thread may have been answered by any number of providers. Its history is neutral; here it becomes what this
provider takes: sidecars of others are dropped, tool calls and their outputs come in pairs (or as text, for a
model without tools), files that this model cannot look at are named instead of shown. A choice of tools goes
no further than the tools do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Media, MediaKind, Prompt, PromptMessage

from ._tool_choice import settled

_SILENT = "[A message without text.]"  # vendors refuse empty ones
_LOST = "[The output of this call is not known.]"


def fit(prompt: Prompt, provider: str, facts: Facts, carried: frozenset[MediaKind]) -> Prompt:
    """Return the prompt as this provider's model takes it; `carried` is what its wire can carry."""
    takes = facts.takes & carried
    messages = _paired(prompt.messages)
    if not facts.takes_tools:
        messages = _spoken(messages)
    fitted = replace(
        prompt,
        messages=tuple(_fitted(message, provider, takes) for message in messages),
        tools=prompt.tools if facts.takes_tools else (),
        thinking=prompt.thinking if facts.may_reason else None,
    )
    return settled(fitted)


def simplified(prompt: Prompt) -> Prompt | None:
    """Return the prompt without all that a provider could stumble over in its history; None if there is none.

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
    if message.role == "user" and not message.content.strip() and not message.media:
        message = replace(message, content=_SILENT)
    return message


def _with_names(content: str, hidden: list[Media]) -> str:
    names = ", ".join(media.filename for media in hidden)
    return f"{content}\n\n[Files attached, which this model cannot see: {names}]".strip()


def _paired(messages: Iterable[PromptMessage]) -> Iterator[PromptMessage]:
    """Yield the messages with every tool call answered right behind it, and no output without its call."""
    outputs: dict[str | None, PromptMessage | None] = {}
    for message in messages:
        if message.role != "tool":
            yield from _given(outputs)
            outputs = {call.id: None for call in message.tool_calls}
            yield message
        elif message.tool_call_id in outputs and outputs[message.tool_call_id] is None:
            outputs[message.tool_call_id] = message
    yield from _given(outputs)


def _given(outputs: dict[str | None, PromptMessage | None]) -> Iterator[PromptMessage]:
    for call_id, output in outputs.items():
        yield output or PromptMessage("tool", _LOST, tool_call_id=call_id)


def _spoken(messages: Iterable[PromptMessage]) -> Iterator[PromptMessage]:
    """Yield the messages with calls and their outputs as text, for a model that knows no tools."""
    names: dict[str | None, str] = {}
    for message in messages:
        if message.role == "tool":
            said = f"[{names[message.tool_call_id]} returned: {message.content}]"
            yield replace(message, role="user", content=said, tool_call_id=None)
        elif message.tool_calls:
            names = {call.id: call.name for call in message.tool_calls}
            called = "\n".join(f"[Called {call.name}: {call.arguments}]" for call in message.tool_calls)
            content = f"{message.content}\n\n{called}".strip()
            yield replace(message, content=content, tool_calls=(), sidecar=None)
        else:
            yield message
