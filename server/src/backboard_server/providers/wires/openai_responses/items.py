"""From a message to the items of the input: messages, function calls and their outputs, and reasoning.

Reference: platform.openai.com/docs/api-reference/responses/create#responses-create-input.
"""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from typing import Any

import msgspec

from backboard_server.domain.prompts import Media, PromptMessage, ToolCall

from .sidecar import GAP, Kept, kept_of

_CALL_ID_CHARACTERS_MAX = 64

Json = dict[str, Any]


def items_of(message: PromptMessage) -> list[Json]:
    """Return the items of a message; none for one that says nothing."""
    match message.role:
        case "system":
            return [developer_message(message.content)] if message.content else []
        case "user" if message.media:
            return [{"role": "user", "content": _parts(message)}]
        case "user":
            return [{"role": "user", "content": message.content}] if message.content else []
        case "tool":
            output = _parts(message) if message.media else message.content
            call_id = _call_id(message.tool_call_id or "")
            return [{"type": "function_call_output", "call_id": call_id, "output": output}]
        case "assistant":
            kept = kept_of(message)
            return _replayed(message, kept) if kept else _retold(message)


def developer_message(content: str) -> Json:
    """Return what is said to the model with authority, somewhere in the conversation."""
    return {"role": "developer", "content": content}


def _retold(message: PromptMessage) -> list[Json]:
    """Return an answer of whoever wrote it: its text and its calls, without the ids that want reasoning."""
    said: list[Json] = [{"role": "assistant", "content": message.content}] if message.content else []
    return said + [_call(call) for call in message.tool_calls]


def _replayed(message: PromptMessage, kept: list[Kept]) -> list[Json]:
    """Return an answer of this provider item by item, as it came.

    Reasoning goes back encrypted, before what it led to: docs/guides/reasoning#encrypted-reasoning-items.
    """
    calls = {call.id: call for call in message.tool_calls}
    items: list[Json] = []
    start = 0
    for item in kept:
        if item.type == "reasoning":
            items.append(
                {
                    "type": "reasoning",
                    "id": item.id,
                    "summary": [],
                    "encrypted_content": item.encrypted_content,
                }
            )
        elif item.type == "function_call":
            items.append(_call(calls[item.call_id]) | ({"id": item.id} if item.id else {}))
        elif item.characters:
            items.append(_said(item, message.content[start : start + item.characters]))
            start += item.characters + len(GAP)
    return items


def _said(item: Kept, text: str) -> Json:
    said: Json = {
        "type": "message",
        "role": "assistant",
        "id": item.id,
        "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
    }
    return said | ({"phase": item.phase} if item.phase else {})


def _call(call: ToolCall) -> Json:
    return {
        "type": "function_call",
        "call_id": _call_id(call.id),
        "name": re.sub(r"[^a-zA-Z0-9_-]", "_", call.name),  # other vendors allow more
        "arguments": _arguments(call.arguments),
    }


def _call_id(call_id: str) -> str:
    """Return an id that is short enough; the same for the call and for its output."""
    if 0 < len(call_id) <= _CALL_ID_CHARACTERS_MAX:
        return call_id
    return f"call_{sha256(call_id.encode()).hexdigest()[:32]}"


def _arguments(written: str) -> str:
    """Return the arguments as JSON, whatever the model wrote; what is none goes back as a text."""
    try:
        _ = msgspec.json.decode(written)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return msgspec.json.encode({"arguments": written}).decode() if written else "{}"
    return written


def _parts(message: PromptMessage) -> list[Json]:
    text = [{"type": "input_text", "text": message.content}] if message.content else []
    return [*text, *(_part(media) for media in message.media)]


def _part(media: Media) -> Json:
    url = f"data:{media.media_type};base64,{b64encode(media.content).decode()}"
    if media.kind == "image":
        return {"type": "input_image", "detail": "auto", "image_url": url}
    return {"type": "input_file", "filename": media.filename, "file_data": url}
