"""OpenAI chat completions, spoken by most hosts: completion objects and chunks, as OpenAI describes them.

Reference: platform.openai.com/docs/api-reference/chat. What a host refuses is in `openai_chat_demands`.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from fake_vendor.connection import Request
from fake_vendor.script import Answer, CalledTool, Fault
from fake_vendor.steps import sse
from fake_vendor.terms import Asked, Frame, FrameKind, Json, Problem, Purpose
from fake_vendor.wording import argument_pieces, call_id, pieces, text_of, text_pieces, tokens_of

from .openai_chat_demands import is_mistrals, refusal_of, text_of_message
from .openai_terms import CREATED, error_of, list_of

_ID = "chatcmpl-fake"
_DONE = Frame("mark")


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Wanted(msgspec.Struct):
    """The fields of a request that decide whether it is one."""

    model: str
    messages: list[Json]
    stream: bool = False
    stream_options: _StreamOptions | None = None


class OpenAIChat:
    """The dialect, as the registry wants it."""

    name = "openai_chat"
    stream_content_type = "text/event-stream"
    frame_beginning = b"data: "
    idle = b": OPENROUTER PROCESSING\n\n"

    def purpose(self, request: Request) -> Purpose | None:
        """Return what a request wants, by its path."""
        # Azure has the same behind one more folder (learn.microsoft.com/azure/foundry/openai/latest).
        match request.method, request.route.removeprefix("/openai"):
            case "POST", "/v1/chat/completions":
                return "answer"
            case "GET", "/v1/models":
                return "models"
            case _:
                return None

    def parse(self, request: Request) -> Asked:
        """Return what is asked; a field of the wrong type is an error."""
        wanted = msgspec.json.decode(request.content, type=_Wanted)
        return Asked(
            model=wanted.model,
            stream=wanted.stream,
            last_user_text=_last_user_text(wanted.messages),
            words=sum(len(text_of_message(message).split()) for message in wanted.messages),
            body=msgspec.json.decode(request.content),
        )

    def refusal(self, asked: Asked) -> str | None:
        """Return why the host of this model would refuse the request."""
        return refusal_of(asked.model, asked.body)

    def credential(self, headers: Mapping[str, str]) -> str:
        """Return the Authorization header."""
        return headers.get("authorization", "")

    def models(self, names: tuple[str, ...], request: Request) -> Json:
        """Return ListModelsResponse."""
        return list_of(names)

    def body(self, answer: Answer, asked: Asked) -> Json:
        """Return CreateChatCompletionResponse."""
        text = text_of(answer, asked)
        message: Json = {"role": "assistant", "content": text, "refusal": answer.refusal or None}
        if answer.reasoning:
            message |= _thought(answer.reasoning, asked, text)
        if answer.tool_calls:
            message["tool_calls"] = [_call(index, call) for index, call in enumerate(answer.tool_calls)]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish_reason(answer)}
        return _envelope(asked, "chat.completion", [choice]) | {"usage": _usage(answer, asked)}

    def frames(self, answer: Answer, asked: Asked) -> list[Frame]:
        """Return a CreateChatCompletionStreamResponse a frame, and `[DONE]`."""
        frames = [_chunk("opening", asked, {"role": "assistant", "content": ""})]
        frames += [_chunk("reasoning", asked, _thought(said, asked)) for said in pieces(answer.reasoning)]
        frames += [_chunk("refusal", asked, {"refusal": said}) for said in pieces(answer.refusal)]
        frames += [self.said(said, asked) for said in text_pieces(answer, asked)]
        for index, call in enumerate(answer.tool_calls):
            frames += _call_frames(index, call, answer.chunks, asked)
        frames.append(self.ended(_finish_reason(answer), asked))
        if _wants_usage(asked):
            counts = _envelope(asked, "chat.completion.chunk", []) | {"usage": _usage(answer, asked)}
            frames.append(Frame("usage", counts))
        return [*frames, _DONE]

    def encode(self, frame: Frame) -> bytes:
        """Return an event; the mark is no JSON."""
        return b"data: [DONE]\n\n" if frame.kind == "mark" else sse(frame.payload)

    def said(self, text: str, asked: Asked) -> Frame:
        """Return a chunk with a piece of text."""
        return _chunk("text", asked, {"content": text})

    def ended(self, reason: str, asked: Asked) -> Frame:
        """Return the chunk with the finish reason."""
        return _chunk("final", asked, {}, reason)

    def odd_body(self, fault: Fault, body: Json) -> Json | None:
        """Return the completion as the fault leaves it."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return body | {"choices": []}
            case Fault.NULL_CONTENT:
                choice = body["choices"][0]
                return body | {"choices": [choice | {"message": choice["message"] | {"content": None}}]}
            case Fault.USAGE_MISSING:
                return {name: value for name, value in body.items() if name != "usage"}
            case _:
                return None

    def odd_frames(self, fault: Fault, frames: list[Frame], asked: Asked) -> list[Frame] | None:
        """Return the chunks as the fault leaves them."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return [
                    frame if frame.kind == "mark" else replace(frame, payload=frame.payload | {"choices": []})
                    for frame in frames
                ]
            case Fault.NULL_CONTENT:
                nothing = _chunk("text", asked, {"content": None})
                return [nothing if frame.kind == "text" else frame for frame in frames]
            case Fault.USAGE_MISSING:
                return [frame for frame in frames if frame.kind != "usage"]
            case _:
                return None

    def error_body(self, problem: Problem) -> Json:
        """Return ErrorResponse."""
        return error_of(problem)

    def error_lines(self, problem: Problem) -> tuple[str, ...]:
        """Return nothing: the body says it all."""
        return ()

    def error_frames(self, problem: Problem, asked: Asked, *, is_first: bool) -> list[Frame]:
        """Return an error as OpenRouter sends it; mid-way, in a chunk that ends the answer with `error`."""
        error = self.error_body(problem)
        error["error"]["code"] = problem.status
        chunk: Json = {} if is_first else _chunk("error", asked, {"content": ""}, "error").payload
        return [Frame("error", chunk | error), _DONE]


def _last_user_text(messages: list[Json]) -> str:
    said = (text_of_message(message) for message in reversed(messages) if message.get("role") == "user")
    return next(said, "")


def _thought(said: str, asked: Asked, text: str | None = None) -> Json:
    """Return reasoning in a field of its own, or as a part of the content (docs.mistral.ai, "Reasoning")."""
    if not is_mistrals(asked.model):
        return {"reasoning_content": said}
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": said}]}
    return {"content": [thought, {"type": "text", "text": text}] if text else [thought]}


def _wants_usage(asked: Asked) -> bool:
    options: Json = asked.body.get("stream_options") or {}
    return bool(options.get("include_usage")) or is_mistrals(asked.model)  # which gives it unasked


def _chunk(kind: FrameKind, asked: Asked, delta: Json, reason: str | None = None) -> Frame:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return Frame(kind, _envelope(asked, "chat.completion.chunk", [choice]))


def _envelope(asked: Asked, kind: str, choices: list[Json]) -> Json:
    return {"id": _ID, "object": kind, "created": CREATED, "model": asked.model, "choices": choices}


def _finish_reason(answer: Answer) -> str:
    return answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")


def _usage(answer: Answer, asked: Asked) -> Json:
    tokens = tokens_of(answer, asked)
    prompt = {"cached_tokens": tokens.cached}
    if tokens.cache_write:
        prompt["cache_write_tokens"] = tokens.cache_write
    return {
        "prompt_tokens": tokens.prompt,
        "completion_tokens": tokens.completion,
        "total_tokens": tokens.prompt + tokens.completion,
        "prompt_tokens_details": prompt,
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    }


def _call(index: int, call: CalledTool) -> Json:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call_id(index, call), "type": "function", "function": function}


def _call_frames(index: int, call: CalledTool, chunks: int, asked: Asked) -> list[Frame]:
    opening = {"index": index} | _call(index, call)
    opening["function"] = {"name": call.name, "arguments": ""}
    said = argument_pieces(call.arguments, chunks)
    rest = [{"index": index, "function": {"arguments": arguments}} for arguments in said]
    return [replace(_chunk("tool", asked, {"tool_calls": [piece]}), call=index) for piece in (opening, *rest)]
