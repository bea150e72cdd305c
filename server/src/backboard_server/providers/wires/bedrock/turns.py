"""From our messages to Converse's: turns that alternate and begin and end with the user, and no empty block.

The rules are those of the vendor's refusals: "A conversation must start with a user message", "… must
alternate between user and assistant roles", "Expected toolResult blocks at …", "The toolConfig field must be
defined when using toolUse and toolResult content blocks", "The text field in the ContentBlock … is blank".
"""

from __future__ import annotations

from typing import Any

from backboard_server.domain.prompts import Prompt, PromptMessage, ToolCall
from backboard_server.providers._calls import CallIds, Names, object_of

from .files import file_blocks
from .sidecar import replayed, text_block

_BEGINNING = "[The conversation begins.]"
_END = "[Go on.]"
_NO_TEXT = "[See the files attached.]"
_NO_OUTPUT = "[No output.]"
_NO_NAME = "nameless"

Json = dict[str, Any]


def turns_of(prompt: Prompt, names: Names, *, shows_thoughts: bool = True) -> list[Json]:
    """Return the messages of a prompt but for its system messages."""
    files = file_blocks(prompt.messages)
    model = prompt.choice.model if shows_thoughts else None
    calls = _Calls(names) if prompt.tools else _SpokenCalls()
    turns: list[Json] = []
    for index, message in enumerate(prompt.messages):
        match message.role:
            case "system":
                continue
            case "user":
                _add(turns, "user", _said(message, files.get(index, [])))
            case "assistant":
                _add(
                    turns,
                    "assistant",
                    _answer(message, calls, model),
                )
            case "tool":
                _add(turns, "user", [calls.output(message)])
    if not turns or turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [{"text": _BEGINNING}]})
    if turns[-1]["role"] == "assistant":
        turns.append({"role": "user", "content": [{"text": _END}]})
    return turns


def _add(turns: list[Json], role: str, blocks: list[Json]) -> None:
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"] += blocks
    else:
        turns.append({"role": role, "content": blocks})


def _said(message: PromptMessage, files: list[Json]) -> list[Json]:
    """Return files first, as Claude reads them best, and a text, which documents must have beside them."""
    text = text_block(message.content)
    return [*files, *(text or [{"text": _NO_TEXT}])] if files else text


def _answer(message: PromptMessage, calls: _Calls | _SpokenCalls, model: str | None) -> list[Json]:
    """Return the blocks of an answer, with its thoughts where there is a `model` that they may go to."""
    blocks = calls.begin(message.tool_calls)
    if not blocks and not message.content.strip():
        return []
    as_it_came = replayed(message, blocks, model) if model else None
    return as_it_came if as_it_came is not None else [*text_block(message.content), *blocks.values()]


class _Calls:
    """Tool calls as blocks, each under an id that the vendor takes and that no other call has."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._ids = CallIds()
        self._given: dict[str, str] = {}  # of the latest answer with calls, by the id in the history

    def begin(self, calls: tuple[ToolCall, ...]) -> dict[str, Json]:
        """Return the blocks of the calls of one answer, by their ids in the history."""
        if calls:
            self._given = {}
        return {call.id: self._block(call) for call in calls}

    def output(self, message: PromptMessage) -> Json:
        """Return the block of an output of the latest calls."""
        call_id = message.tool_call_id or ""
        content = text_block(message.content) or [{"text": _NO_OUTPUT}]
        return {"toolResult": {"toolUseId": self._given.get(call_id, call_id), "content": content}}

    def _block(self, call: ToolCall) -> Json:
        call_id = self._given[call.id] = self._ids.next(call.id)
        use = {"toolUseId": call_id, "name": self._names.of(call.name), "input": object_of(call.arguments)}
        return {"toolUse": use}


class _SpokenCalls:
    """Tool calls as text, for a request without tools: there the vendor refuses their blocks."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def begin(self, calls: tuple[ToolCall, ...]) -> dict[str, Json]:
        """Return the texts of the calls of one answer, by their ids in the history."""
        self._names |= {call.id: call.name for call in calls}
        return {call.id: {"text": f"[Called {call.name} with {call.arguments}]"} for call in calls}

    def output(self, message: PromptMessage) -> Json:
        """Return the text of an output."""
        name = self._names.get(message.tool_call_id or "", _NO_NAME)
        return {"text": f"[{name} returned: {message.content}]"}
