"""Anthropic Messages: messages and stream events; what the vendor refuses is in `anthropic_demands.py`.

Reference: platform.claude.com/docs, "Messages", "Streaming messages", "Errors", "Stop reasons and fallback",
"List models". The sentence about content is quoted as anthropics/claude-code issue 55789 reports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from fake_vendor.connection import Request
from fake_vendor.script import Answer, CalledTool, Fault
from fake_vendor.steps import sse
from fake_vendor.terms import Asked, Frame, FrameKind, Json, Problem, ProblemKind, Purpose, Refused
from fake_vendor.wording import argument_pieces, call_id, pieces, text_of, text_pieces, tokens_of

from .anthropic_demands import BINDING_BETA, refusal_of, sealed

_ID = "msg_fake"
_MADE_AT = "2026-01-01T00:00:00Z"
_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_TYPES: dict[ProblemKind, str] = {
    "authentication": "authentication_error",
    "permission": "permission_error",
    "model_missing": "not_found_error",
    "too_large": "request_too_large",
    "payment": "billing_error",
    "rate_limit": "rate_limit_error",
    "quota": "billing_error",
    "timeout": "timeout_error",
    "server": "api_error",
    "overloaded": "overloaded_error",
}
# What is `invalid_request_error` to programs, Anthropic tells apart in its sentences alone.
_SENTENCES: dict[ProblemKind, str] = {
    "context_length": "prompt is too long: ",
    "content_policy": "Output blocked by content filtering policy: ",
}


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """The fields that a request may have; any other is an error."""

    model: str
    max_tokens: int
    messages: list[Json]
    system: str | list[Json] | None = None
    stream: bool = False
    tools: list[Json] | None = None
    tool_choice: Json | None = None
    thinking: Json | None = None
    output_config: Json | None = None
    metadata: Json | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    service_tier: str | None = None
    cache_control: Json | None = None


class Anthropic:
    """The dialect, as the registry wants it."""

    name = "anthropic"
    stream_content_type = "text/event-stream"
    frame_beginning = b"data: "
    idle = b'event: ping\ndata: {"type": "ping"}\n\n'

    def purpose(self, request: Request) -> Purpose | None:
        """Return what a request wants; the path of models is OpenAI's as well, the header is not."""
        match request.method, request.route:
            case "POST", "/v1/messages":
                return "answer"
            case "GET", "/v1/models" if "anthropic-version" in request.headers:
                return "models"
            case _:
                return None

    def parse(self, request: Request) -> Asked:
        """Return what is asked; without a key or a version nothing is looked at."""
        if not self.credential(request.headers):
            raise Refused(Problem(401, "authentication", "x-api-key header is required"))
        if "anthropic-version" not in request.headers:
            raise ValueError("anthropic-version: header is required")
        wanted = msgspec.json.decode(request.content, type=_Wanted)
        betas = request.headers.get("anthropic-beta", "").split(",")
        if "block_binding" in (wanted.thinking or {}) and BINDING_BETA not in betas:
            raise ValueError("thinking.block_binding: Extra inputs are not permitted")
        return Asked(
            model=wanted.model,
            stream=wanted.stream,
            last_user_text=_last_user_text(wanted.messages),
            words=sum(len(text.split()) for message in wanted.messages for text in _texts(message)),
            body=msgspec.json.decode(request.content),
        )

    def refusal(self, asked: Asked) -> str | None:
        """Return why Anthropic would refuse the request."""
        return refusal_of(asked.body)

    def credential(self, headers: Mapping[str, str]) -> str:
        """Return the key, in either of the headers that may hold it."""
        return headers.get("x-api-key", "") or headers.get("authorization", "")

    def models(self, names: tuple[str, ...], request: Request) -> Json:
        """Return the list of models, all on one page."""
        rows = [{"type": "model", "id": name, "display_name": name, "created_at": _MADE_AT} for name in names]
        return {"data": rows, "has_more": False, "first_id": names[0], "last_id": names[-1]}

    def body(self, answer: Answer, asked: Asked) -> Json:
        """Return a message."""
        message = _message(asked, _usage(answer, asked))
        message["content"] = [_whole(block) for block in _blocks(answer, asked)]
        return message | _end(answer)

    def frames(self, answer: Answer, asked: Asked) -> list[Frame]:
        """Return the events of a message."""
        counts = _usage(answer, asked)
        frames = [
            _event("opening", "message_start", message=_message(asked, counts | {"output_tokens": 1})),
            _event("opening", "ping"),
        ]
        calls = 0
        for index, block in enumerate(_blocks(answer, asked)):
            call = calls if block["type"] == "tool_use" else None
            calls += call is not None
            frames += [replace(frame, call=call) for frame in _streamed(index, block, answer, asked)]
        final = _event("final", "message_delta", delta=_end(answer), usage=counts)
        return [*frames, final, _event("mark", "message_stop")]

    def encode(self, frame: Frame) -> bytes:
        """Return an event, under the name that its data repeats."""
        return sse(frame.payload, frame.name)

    def said(self, text: str, asked: Asked) -> Frame:
        """Return an event with a piece of text, of the first block."""
        return _delta("text", 0, {"type": "text_delta", "text": text})

    def ended(self, reason: str, asked: Asked) -> Frame:
        """Return the event with the stop reason."""
        delta = {"stop_reason": _REASONS.get(reason, reason), "stop_sequence": None}
        return _event("final", "message_delta", delta=delta, usage={"output_tokens": 1})

    def odd_body(self, fault: Fault, body: Json) -> Json | None:
        """Return the message as the fault leaves it."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return body | {"content": [], "stop_reason": None}
            case Fault.NULL_CONTENT:
                return body | {"content": [block | {"text": None} for block in body["content"]]}
            case Fault.USAGE_MISSING:
                return {name: value for name, value in body.items() if name != "usage"}
            case _:
                return None

    def odd_frames(self, fault: Fault, frames: list[Frame], asked: Asked) -> list[Frame] | None:
        """Return the events as the fault leaves them."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return [frame for frame in frames if frame.name in {"message_start", "message_stop"}]
            case Fault.NULL_CONTENT:
                return [_nothing_said(frame) if frame.kind == "text" else frame for frame in frames]
            case Fault.USAGE_MISSING:
                return [_uncounted(frame) for frame in frames]
            case _:
                return None

    def error_body(self, problem: Problem) -> Json:
        """Return an error as Anthropic shapes it."""
        kind = _TYPES.get(problem.kind, "invalid_request_error")
        message = _SENTENCES.get(problem.kind, "") + problem.message
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}

    def error_lines(self, problem: Problem) -> tuple[str, ...]:
        """Return the header by which Anthropic finds a request again."""
        return ("request-id: req_fake",)

    def error_frames(self, problem: Problem, asked: Asked, *, is_first: bool) -> list[Frame]:
        """Return an error event; nothing follows it."""
        return [Frame("error", self.error_body(problem), "error")]


def _texts(message: Json) -> Iterator[str]:
    content: Any = message.get("content")
    if isinstance(content, str):
        yield content
        return
    for block in content or ():
        if block.get("type") == "text":
            yield str(block["text"])


def _last_user_text(messages: list[Json]) -> str:
    said = (" ".join(_texts(message)) for message in reversed(messages) if message.get("role") == "user")
    return next(said, "")


def _blocks(answer: Answer, asked: Asked) -> Iterator[Json]:
    """Yield the blocks of an answer; the arguments of a call are still text.

    A signature without reasoning stands on a thought whose text is withheld.
    """
    if answer.reasoning or answer.signature:
        seal = sealed(answer.reasoning, answer.signature, asked.body)
        yield {"type": "thinking", "thinking": answer.reasoning, "signature": seal}
    if text := text_of(answer, asked):
        yield {"type": "text", "text": text}
    for index, call in enumerate(answer.tool_calls):
        yield _call(index, call)


def _call(index: int, call: CalledTool) -> Json:
    return {"type": "tool_use", "id": call_id(index, call), "name": call.name, "input": call.arguments}


def _whole(block: Json) -> Json:
    return block | {"input": msgspec.json.decode(block["input"])} if block["type"] == "tool_use" else block


def _streamed(index: int, block: Json, answer: Answer, asked: Asked) -> list[Frame]:
    match block["type"]:
        case "thinking":
            opened, kind = {"type": "thinking", "thinking": "", "signature": ""}, "opening"
            deltas = [
                _delta("reasoning", index, {"type": "thinking_delta", "thinking": said})
                for said in pieces(block["thinking"])
            ]
            signature = {"type": "signature_delta", "signature": block["signature"]}
            deltas.append(_delta("reasoning", index, signature))
        case "text":
            opened, kind = {"type": "text", "text": ""}, "opening"
            deltas = [
                _delta("text", index, {"type": "text_delta", "text": said})
                for said in text_pieces(answer, asked)
            ]
        case _:
            opened, kind = block | {"input": msgspec.Raw(b"{}")}, "tool"
            deltas = [
                _delta("tool", index, {"type": "input_json_delta", "partial_json": said})
                for said in argument_pieces(block["input"], answer.chunks)
            ]
    return [
        _event(kind, "content_block_start", index=index, content_block=opened),
        *deltas,
        _event(kind, "content_block_stop", index=index),
    ]


def _event(kind: FrameKind, name: str, **fields: Any) -> Frame:
    return Frame(kind, {"type": name, **fields}, name)


def _delta(kind: FrameKind, index: int, delta: Json) -> Frame:
    return _event(kind, "content_block_delta", index=index, delta=delta)


def _message(asked: Asked, usage: Json) -> Json:
    return {
        "id": _ID,
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }


def _end(answer: Answer) -> Json:
    """Return why the answer ends; a refusal explains itself beside its reason, and not in the text."""
    reason = answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")
    end: Json = {"stop_reason": _REASONS.get(reason, reason), "stop_sequence": None}
    if answer.refusal:
        details = {"type": "refusal", "category": None, "explanation": answer.refusal}
        end |= {"stop_reason": "refusal", "stop_details": details}
    return end


def _usage(answer: Answer, asked: Asked) -> Json:
    """Return the counts; what was read from the cache or written to it is not part of `input_tokens`."""
    tokens = tokens_of(answer, asked)
    return {
        "input_tokens": tokens.prompt - tokens.cached - tokens.cache_write,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.completion,
        "output_tokens_details": {"thinking_tokens": tokens.reasoning},
    }


def _nothing_said(frame: Frame) -> Frame:
    return replace(frame, payload=frame.payload | {"delta": frame.payload["delta"] | {"text": None}})


def _uncounted(frame: Frame) -> Frame:
    payload: Json = {name: value for name, value in frame.payload.items() if name != "usage"}
    if message := payload.get("message"):
        payload["message"] = {name: value for name, value in message.items() if name != "usage"}
    return replace(frame, payload=payload)
