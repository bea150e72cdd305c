"""The messages of a request: the history as this wire has it, mended where a host would refuse it as it is.

Mistral's demands are those of its validator (mistralai/mistral-common, protocol/instruct/validator.py), which
answers for its models on other hosts as well; anomalyco/opencode meets them by the names of models, too.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec.structs import replace

from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Media, Prompt, PromptMessage, ToolCall
from backboard_server.providers._calls import object_of
from backboard_server.providers.table import Dialect

from .customs import customs_of
from .sidecar import REASONING, extra_of_call, extra_of_message

_AUDIO_FORMATS = {"audio/wav": "wav", "audio/mpeg": "mp3"}

_MISTRALS = re.compile(r"(mi|mini|ma|dev|code)stral|[mp]ixtral")
_SHORT_ID = re.compile(r"[a-zA-Z0-9]{9}")
_BRIDGE = "OK."  # what an assistant says between the output of a tool and whatever is not its own answer
_NOTHING_SAID = "[No answer.]"
# For a thought that is not ours to show: V4 refuses an empty one (NousResearch/hermes-agent 18263), as does
# Kimi (charmbracelet/crush 2696); both take a space.
_NO_THOUGHT = " "

Json = dict[str, Any]


def messages_of(prompt: Prompt, dialect: Dialect, facts: Facts) -> list[Json]:
    """Return the messages of a prompt as the host and the model take them."""
    messages: Sequence[PromptMessage] = prompt.messages
    if customs_of(dialect).has_mistrals_order or _MISTRALS.search(prompt.choice.model.lower()):
        messages = list(_in_mistrals_order(_with_short_ids(messages)))
    is_complete = customs_of(dialect).is_complete
    shown = [_message(message, is_complete=is_complete) for message in messages]
    if facts.may_reason and _wants_reasoning_back(dialect, facts):
        for message in shown:
            if message["role"] == "assistant":
                message.setdefault(REASONING, _NO_THOUGHT)
    return shown


def _wants_reasoning_back(dialect: Dialect, facts: Facts) -> bool:
    """Whether answers go back with their reasoning: the catalogue names the field, if not the host's docs.

    OpenRouter sees to it itself: there, reasoning is in details that we cannot make up.
    """
    return customs_of(dialect).wants_reasoning_back or (
        facts.reasoning_field == REASONING and dialect != "openrouter"
    )


def _with_short_ids(messages: Sequence[PromptMessage]) -> Iterator[PromptMessage]:
    """Yield the messages with ids of calls of nine letters and digits: the same for the same, always."""
    short = _short_ids(call.id for message in messages for call in message.tool_calls)
    for message in messages:
        if message.tool_calls:
            calls = tuple(ToolCall(short[call.id], call.name, call.arguments) for call in message.tool_calls)
            yield replace(message, tool_calls=calls)
        elif message.tool_call_id in short:
            yield replace(message, tool_call_id=short[message.tool_call_id])
        else:
            yield message


def _short_ids(ids: Iterable[str]) -> dict[str, str]:
    """Return a short id for each: itself where it is one, else what is made of it and given to no other."""
    distinct = list(dict.fromkeys(ids))
    short = {known: known for known in distinct if _SHORT_ID.fullmatch(known)}
    taken = set(short)
    for known in distinct:
        attempt = 0
        while known not in short:
            made = blake2b(f"{attempt} {known}".encode(errors="replace")).hexdigest()[:9]
            if made not in taken:
                short[known] = made
                taken.add(made)
            attempt += 1
    return short


def _in_mistrals_order(messages: Iterable[PromptMessage]) -> Iterator[PromptMessage]:
    """Yield the messages with an answer behind every output, none of them empty, and no late instructions."""
    previous = "system"
    for message in messages:
        if previous == "tool" and message.role in ("user", "system"):
            yield PromptMessage("assistant", _BRIDGE)
            previous = "assistant"
        if message.role == "system" and previous == "assistant":
            message = replace(message, role="user")
        elif message.role == "assistant" and not (message.content or message.tool_calls):
            message = replace(message, content=_NOTHING_SAID)
        previous = message.role
        yield message


def _message(message: PromptMessage, *, is_complete: bool) -> Json:
    match message.role:
        case "user" if message.media:
            return {"role": "user", "content": _parts(message, is_complete=is_complete)}
        case "system" | "user":
            return {"role": message.role, "content": message.content}
        case "tool":
            return {"role": "tool", "tool_call_id": message.tool_call_id or "", "content": message.content}
        case "assistant":
            return _answer(message)


def _answer(message: PromptMessage) -> Json:
    answer: Json = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        answer["content"] = message.content or None
        answer["tool_calls"] = [_tool_call(call, message) for call in message.tool_calls]
    return answer | extra_of_message(message.sidecar)


def _tool_call(call: ToolCall, message: PromptMessage) -> Json:
    function = {"name": call.name, "arguments": _arguments(call.arguments)}
    return {"id": call.id, "type": "function", "function": function} | extra_of_call(message.sidecar, call.id)


def _arguments(written: str) -> str:
    """Return arguments that can be read: vLLM (issue 43995) and llama.cpp refuse a history with others."""
    mended = object_of(written)
    return written if isinstance(mended, msgspec.Raw) else msgspec.json.encode(mended).decode()


def _parts(message: PromptMessage, *, is_complete: bool) -> list[Json]:
    text = [{"type": "text", "text": message.content}] if message.content else []
    return [*text, *(_part(media, is_complete=is_complete) for media in message.media)]


def _part(media: Media, *, is_complete: bool) -> Json:
    """Return a file as the vendor's reference has it; for a host that takes none of its kind, its name."""
    encoded = b64encode(media.content).decode()
    url = f"data:{media.media_type};base64,{encoded}"
    audio_format = _AUDIO_FORMATS.get(media.media_type)
    if media.kind == "image":
        return {"type": "image_url", "image_url": {"url": url}}
    if media.kind == "pdf" and is_complete:
        return {"type": "file", "file": {"filename": media.filename, "file_data": url}}
    if media.kind == "audio" and audio_format:
        return {"type": "input_audio", "input_audio": {"data": encoded, "format": audio_format}}
    return {"type": "text", "text": f"[File attached, which this model cannot see: {media.filename}]"}
