"""From our messages to Converse's: turns that alternate and begin and end with the user, and no empty block.

The rules are those of the vendor's refusals: "A conversation must start with a user message", "… must
alternate between user and assistant roles", "Expected toolResult blocks at …", "The toolConfig field must be
defined when using toolUse and toolResult content blocks", "The text field in the ContentBlock … is blank".
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Any

import msgspec

from backboard_server.domain.prompts import Prompt, PromptMessage, ToolCall

from .files import file_blocks
from .sidecar import replayed, text_block

_BEGINNING = "[The conversation begins.]"
_END = "[Go on.]"
_NO_TEXT = "[See the files attached.]"
_NO_OUTPUT = "[No output.]"
_NO_NAME = "nameless"

_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")  # ToolUseBlock.toolUseId
_NOT_IN_A_NAME = re.compile(r"[^a-zA-Z0-9_-]+")  # ToolUseBlock.name
_NAME_CHARACTERS_MAX = 64

Json = dict[str, Any]


def turns_of(prompt: Prompt) -> list[Json]:
    """Return the messages of a prompt but for its system messages."""
    files = file_blocks(prompt.messages)
    calls = _Calls() if prompt.tools else _SpokenCalls()
    turns: list[Json] = []
    for index, message in enumerate(prompt.messages):
        match message.role:
            case "system":
                continue
            case "user":
                _add(turns, "user", _said(message, files.get(index, [])))
            case "assistant":
                _add(turns, "assistant", _answer(message, calls, prompt.choice.model))
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


def _answer(message: PromptMessage, calls: _Calls | _SpokenCalls, model: str) -> list[Json]:
    blocks = calls.begin(message.tool_calls)
    if not blocks and not message.content.strip():
        return []
    as_it_came = replayed(message, blocks, model)
    return as_it_came if as_it_came is not None else [*text_block(message.content), *blocks.values()]


class _Calls:
    """Tool calls as blocks, each under an id that the vendor takes and that no other call has."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
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
        wanted = call.id if _ID.fullmatch(call.id) else f"call_{sha256(call.id.encode()).hexdigest()[:32]}"
        unique = wanted
        while unique in self._taken:
            unique = f"{wanted[:58]}.{len(self._taken)}"
        self._taken.add(unique)
        self._given[call.id] = unique
        name = _NOT_IN_A_NAME.sub("_", call.name)[:_NAME_CHARACTERS_MAX] or _NO_NAME
        return {"toolUse": {"toolUseId": unique, "name": name, "input": _input_of(call.arguments)}}


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


def _input_of(arguments: str) -> Json | msgspec.Raw:
    """Return arguments as the object that they must be; what is none becomes the only field of one."""
    content = arguments.encode("utf-8", "replace")
    if not content.strip():
        return {}
    try:
        if isinstance(msgspec.json.decode(content), dict):
            return msgspec.Raw(content)
    except (msgspec.MsgspecError, RecursionError):
        pass
    return {"arguments": arguments}
