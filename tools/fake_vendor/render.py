"""Answers in the vendor's own words: completion objects and chunks, as OpenAI describes them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import msgspec

from .script import Answer, CalledTool, Tokens

_CREATED = 1_760_000_000
_ID = "chatcmpl-fake"
_ARGUMENTS_PIECE_CHARACTERS = 16_384

Json = dict[str, Any]


class StreamOptions(msgspec.Struct):
    """How the client wants its stream."""

    include_usage: bool = False


class Asked(msgspec.Struct):
    """What the vendor needs to know of a request."""

    model: str
    messages: list[Json]
    stream: bool = False
    stream_options: StreamOptions | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether the stream ends with a chunk of usage."""
        return self.stream_options is not None and self.stream_options.include_usage


def completion(answer: Answer, asked: Asked) -> Json:
    """Return the plain answer: CreateChatCompletionResponse."""
    text = None if answer.tool_calls and answer.text is None else text_of(answer, asked)
    message: Json = {"role": "assistant", "content": text, "refusal": answer.refusal or None}
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [_call(index, call) for index, call in enumerate(answer.tool_calls)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(answer)}
    return _envelope(asked, "chat.completion", [choice]) | {"usage": _usage(answer, asked)}


def chunks(answer: Answer, asked: Asked) -> list[Json]:
    """Return the streamed answer: CreateChatCompletionStreamResponse, one for each event."""
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"reasoning_content": piece} for piece in _pieces(answer.reasoning, 0)]
    deltas += [{"refusal": piece} for piece in _pieces(answer.refusal, 0)]
    if not answer.tool_calls or answer.text is not None:
        deltas += [{"content": piece} for piece in _pieces(text_of(answer, asked), answer.chunks)]
    for index, call in enumerate(answer.tool_calls):
        deltas += _call_pieces(index, call)
    events = [delta_chunk(asked, delta) for delta in deltas]
    events.append(delta_chunk(asked, {}, _finish_reason(answer)))
    if asked.wants_usage:
        events.append(_envelope(asked, "chat.completion.chunk", []) | {"usage": _usage(answer, asked)})
    return events


def delta_chunk(asked: Asked, delta: Json, finish_reason: str | None = None) -> Json:
    """Return one chunk with one choice."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
    return _envelope(asked, "chat.completion.chunk", [choice])


def text_of(answer: Answer, asked: Asked) -> str:
    """Return the scripted text or an echo of the last user message, at least a character a chunk."""
    text = answer.text
    if text is None:
        said = (message["content"] for message in reversed(asked.messages) if message["role"] == "user")
        text = f"You said: {next(said, '')}"
    return text.ljust(answer.chunks, ".") if text else text


def models(names: tuple[str, ...]) -> Json:
    """Return the list of models: ListModelsResponse."""
    rows = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "fake"} for name in names]
    return {"object": "list", "data": rows}


def error(message: str, kind: str, code: str | int | None = None) -> Json:
    """Return an error body: ErrorResponse."""
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def _envelope(asked: Asked, kind: str, choices: list[Json]) -> Json:
    return {"id": _ID, "object": kind, "created": _CREATED, "model": asked.model, "choices": choices}


def _finish_reason(answer: Answer) -> str:
    return answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")


def _usage(answer: Answer, asked: Asked) -> Json:
    tokens = answer.usage or _counted(answer, asked)
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": {"cached_tokens": tokens.cached},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def _counted(answer: Answer, asked: Asked) -> Tokens:
    prompt = sum(len(str(message.get("content") or "").split()) for message in asked.messages)
    return Tokens(prompt=prompt, completion=len(text_of(answer, asked).split()))


def _call(index: int, call: CalledTool) -> Json:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id or f"call_{index}", "type": "function", "function": function}


def _call_pieces(index: int, call: CalledTool) -> list[Json]:
    opening = {"index": index} | _call(index, call)
    opening["function"] = {"name": call.name, "arguments": ""}
    size = min(_ARGUMENTS_PIECE_CHARACTERS, max(1, len(call.arguments) // 2))
    arguments = [call.arguments[at : at + size] for at in range(0, len(call.arguments), size)]
    rest = [{"index": index, "function": {"arguments": piece}} for piece in arguments]
    return [{"tool_calls": [piece]} for piece in [opening, *rest]]


def _pieces(text: str, count: int) -> list[str]:
    """Cut a text into `count` pieces, or one a word with its space."""
    if not text:
        return []
    if not count:
        words = text.split(" ")
        return [words[0], *(f" {word}" for word in words[1:])]
    size, longer = divmod(len(text), count)
    cuts = [index * size + min(index, longer) for index in range(count + 1)]
    return [text[start:end] for start, end in pairwise(cuts)]
