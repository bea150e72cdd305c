"""From our history to Anthropic's: turns of user and assistant, made of blocks, with the system prompt apart.

Reference: platform.claude.com/docs, "Messages", "Handle tool calls", "Vision" and "PDF support".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from backboard_server.domain.prompts import Media, PromptMessage, ToolCall
from backboard_server.providers import _claude
from backboard_server.providers._calls import CallIds, Names, object_of

from .sidecar import KeptBlock, is_same_model, kept_of

_BEGINNING = "[The beginning of the conversation is not shown.]"
_CONTINUE = "Continue."
_TITLE_CHARACTERS_MAX = 255

Json = dict[str, Any]


class Replay(Struct, frozen=True):
    """To which model thoughts are shown again, and whether it takes such as are not signed."""

    model: str
    takes_unsigned: bool


class Conversation(Struct, frozen=True):
    """The system prompts, and the turns, which alternate and begin and end with the user."""

    system: list[str]
    turns: list[Json]


def conversation_of(messages: Sequence[PromptMessage], names: Names, replay: Replay | None) -> Conversation:
    """Return a history as this vendor takes it; without `replay` no thought is shown again."""
    system = [message.content for message in messages if message.role == "system" and message.content.strip()]
    ids = CallIds()
    answered: dict[str, str] = {}
    turns: list[Json] = []
    for message in messages:
        match message.role:
            case "system":
                continue
            case "user":
                _add(turns, "user", _said(message))
            case "tool" if (call_id := answered.get(message.tool_call_id or "")) is not None:
                _add(turns, "user", [_output(message, call_id)])
            case "tool":
                continue
            case "assistant":
                answered = {call.id: ids.next(call.id) for call in _distinct(message.tool_calls)}
                _add(turns, "assistant", _answer(message, answered, names, replay))
    if turns and turns[0]["role"] == "assistant":
        turns.insert(0, {"role": "user", "content": [_text(_BEGINNING)]})
    if not turns or turns[-1]["role"] == "assistant":
        # Newer models refuse to go on with an answer that has begun ("prefill").
        turns.append({"role": "user", "content": [_text(_CONTINUE)]})
    return Conversation(system, turns)


def lacks_thought(turns: Sequence[Json]) -> bool:
    """Whether the answer that is being given, with all its calls of tools, began without a thought."""
    return _claude.lacks_thought(turns, is_output=_is_output, is_thought=_is_thought)


def shows_thought(turns: Sequence[Json]) -> bool:
    """Whether any thought is among the turns."""
    return any(_is_thought(block) for turn in turns for block in turn["content"])


def _add(turns: list[Json], role: str, blocks: list[Json]) -> None:
    """Add blocks to the turn of the same role, or begin another; neighbours of one role are one turn."""
    if not blocks:
        return
    if turns and turns[-1]["role"] == role:
        turns[-1]["content"].extend(blocks)
    else:
        turns.append({"role": role, "content": blocks})


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _said(message: PromptMessage) -> list[Json]:
    """Return files and text, the files first, as the vendor advises; blank texts are refused."""
    text = [_text(message.content)] if message.content.strip() else []
    return [*(_file(media) for media in message.media), *text]


def _file(media: Media) -> Json:
    # Bytes become base64 as they are encoded.
    source = {"type": "base64", "media_type": media.media_type, "data": media.content}
    if media.kind == "pdf":
        title = media.filename[:_TITLE_CHARACTERS_MAX]
        return {"type": "document", "source": source} | ({"title": title} if title.strip() else {})
    return {"type": "image", "source": source}


def _output(message: PromptMessage, call_id: str) -> Json:
    output: Json = {"type": "tool_result", "tool_use_id": call_id}
    if message.media:
        output["content"] = _said(message)
    elif message.content.strip():
        output["content"] = message.content
    return output


def _distinct(calls: Sequence[ToolCall]) -> list[ToolCall]:
    return list({call.id: call for call in reversed(calls)}.values())[::-1]


def _answer(
    message: PromptMessage, ids: Mapping[str, str], names: Names, replay: Replay | None
) -> list[Json]:
    text = [_text(message.content)] if message.content.strip() else []
    calls = [_call(call, ids[call.id], names) for call in _distinct(message.tool_calls)]
    blocks = _replayed(message, calls, replay) if replay else None
    if blocks is None:
        return [*text, *calls]
    # "The final block in an assistant message cannot be `thinking`."
    while blocks and _is_thought(blocks[-1]):
        _ = blocks.pop()
    return blocks


def _call(call: ToolCall, call_id: str, names: Names) -> Json:
    arguments = object_of(call.arguments)
    return {"type": "tool_use", "id": call_id, "name": names.of(call.name), "input": arguments}


def _replayed(message: PromptMessage, calls: list[Json], replay: Replay) -> list[Json] | None:
    """Return the blocks of an answer with its thoughts, or None where nothing fitting was kept."""
    kept = kept_of(message.sidecar)
    if kept is None or not is_same_model(kept.model, replay.model):
        return None
    length = sum(block.length for block in kept.blocks if block.type == "text")
    places = sum(block.type == "tool_use" for block in kept.blocks)
    if (
        length != len(message.content)
        or places != len(calls)
        or any(block.length < 0 for block in kept.blocks)
    ):
        return None
    return list(_in_order(kept.blocks, message.content, iter(calls), replay))


def _in_order(
    blocks: Sequence[KeptBlock], content: str, calls: Iterator[Json], replay: Replay
) -> Iterator[Json]:
    start = 0
    for block in blocks:
        match block.type:
            case "text":
                text, start = content[start : start + block.length], start + block.length
                if text.strip():
                    yield _text(text)
            case "tool_use":
                yield next(calls)
            case "redacted_thinking" if block.data:
                yield {"type": "redacted_thinking", "data": block.data}
            case "thinking" if block.signature:
                yield {"type": "thinking", "thinking": block.thinking, "signature": block.signature}
            case "thinking" if replay.takes_unsigned and block.thinking:
                yield {"type": "thinking", "thinking": block.thinking}
            case _:
                continue


def _is_thought(block: Json) -> bool:
    return block["type"] in {"thinking", "redacted_thinking"}


def _is_output(block: Json) -> bool:
    return block["type"] == "tool_result"
