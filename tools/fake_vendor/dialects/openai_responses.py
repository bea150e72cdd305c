"""OpenAI Responses: response objects and their events, as OpenAI describes them.

Reference: platform.openai.com/docs/api-reference/responses and /responses-streaming; the refusals are in
`openai_responses_demands.py`. `keepalive` is an event that the reference does not have and the vendor sends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from fake_vendor.connection import Request
from fake_vendor.script import Answer, CalledTool, Fault
from fake_vendor.steps import sse
from fake_vendor.terms import Asked, Frame, FrameKind, Json, Problem, ProblemKind, Purpose, Refused
from fake_vendor.wording import argument_pieces, call_id, pieces, text_of, text_pieces, tokens_of

from .openai_responses_demands import refusal_of, sealed
from .openai_terms import CREATED, TYPE_AND_CODE, TypeAndCode, error_of, list_of

_ID = "resp_fake"
_ROUTES = ("/v1/responses", "/openai/v1/responses")  # the second is Azure's
_REASONS = {"length": "max_output_tokens", "content_filter": "content_filter"}

_TYPE_AND_CODE: dict[ProblemKind, TypeAndCode] = {
    **TYPE_AND_CODE,
    "content_policy": ("invalid_request_error", "invalid_prompt"),
    "rate_limit": ("requests", "rate_limit_exceeded"),
}


class _Wanted(msgspec.Struct):
    """The fields of a request that decide whether it is one."""

    model: str
    input: str | list[Json]
    stream: bool = False
    instructions: str = ""


class OpenAIResponses:
    """The dialect, as the registry wants it."""

    name = "openai_responses"
    stream_content_type = "text/event-stream"
    frame_beginning = b"data: "
    idle = sse({"type": "keepalive", "sequence_number": 0}, "keepalive")

    def purpose(self, request: Request) -> Purpose | None:
        """Return what a request wants, by its path; the models are listed by `openai_chat`."""
        return "answer" if request.method == "POST" and request.route in _ROUTES else None

    def parse(self, request: Request) -> Asked:
        """Return what is asked; a request without a key, or with a field of the wrong type, is an error."""
        if not self.credential(request.headers):
            raise Refused(Problem(401, "authentication", "You didn't provide an API key."))
        wanted = msgspec.json.decode(request.content, type=_Wanted)
        items = [{"role": "user", "content": wanted.input}] if isinstance(wanted.input, str) else wanted.input
        texts = [_text(item) for item in items]
        said = [text for item, text in zip(items, texts, strict=True) if item.get("role") == "user"]
        return Asked(
            model=wanted.model,
            stream=wanted.stream,
            last_user_text=said[-1] if said else "",
            words=sum(len(text.split()) for text in (wanted.instructions, *texts)),
            body=msgspec.json.decode(request.content),
        )

    def refusal(self, asked: Asked) -> str | None:
        """Return why OpenAI would refuse the request."""
        return refusal_of(asked.body)

    def credential(self, headers: Mapping[str, str]) -> str:
        """Return the Authorization header, or the one that Azure has."""
        return headers.get("authorization", "") or headers.get("api-key", "")

    def models(self, names: tuple[str, ...], request: Request) -> Json:
        """Return ListModelsResponse, which nobody asks of this dialect."""
        return list_of(names)

    def body(self, answer: Answer, asked: Asked) -> Json:
        """Return Response."""
        reason = _reason(answer.finish_reason)
        response = _response(asked, "incomplete" if reason else "completed")
        return response | {
            "output": _output(answer, asked),
            "incomplete_details": {"reason": reason} if reason else None,
            "usage": _usage(answer, asked),
        }

    def frames(self, answer: Answer, asked: Asked) -> list[Frame]:
        """Return a ResponseStreamEvent a frame, numbered; there is no mark after the last."""
        begun = _response(asked, "in_progress")
        frames = [
            _frame("opening", "response.created", response=begun),
            _frame("opening", "response.in_progress", response=begun),
        ]
        for place, item in enumerate(_output(answer, asked)):
            frames += _item_frames(place, item, answer, asked)
        last = self.body(answer, asked)
        frames.append(_frame("final", f"response.{last['status']}", response=last))
        return [
            replace(frame, payload=frame.payload | {"sequence_number": number})
            for number, frame in enumerate(frames)
        ]

    def encode(self, frame: Frame) -> bytes:
        """Return an event with its name."""
        return sse(frame.payload, frame.name)

    def said(self, text: str, asked: Asked) -> Frame:
        """Return an event with a piece of text."""
        return _piece("text", "response.output_text.delta", 0, {"id": "msg_0"}, text, logprobs=[])

    def ended(self, reason: str, asked: Asked) -> Frame:
        """Return the last event, with why the answer is not complete."""
        last = self.body(Answer(finish_reason=reason), asked)
        return _frame("final", f"response.{last['status']}", response=last)

    def odd_body(self, fault: Fault, body: Json) -> Json | None:
        """Return the response as the fault leaves it."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return body | {"output": []}
            case Fault.NULL_CONTENT:
                return body | {"output": [_without_text(item) for item in body["output"]]}
            case Fault.USAGE_MISSING:
                return {name: value for name, value in body.items() if name != "usage"}
            case _:
                return None

    def odd_frames(self, fault: Fault, frames: list[Frame], asked: Asked) -> list[Frame] | None:
        """Return the events as the fault leaves them."""
        if fault is Fault.EMPTY_CHOICES:
            frames = [frame for frame in frames if "response" in frame.payload]
        odd = [self._odd_frame(fault, frame) for frame in frames]
        return [frame for frame in odd if frame is not None] if len(odd) and None not in odd else None

    def error_body(self, problem: Problem) -> Json:
        """Return ErrorResponse."""
        return error_of(problem, _TYPE_AND_CODE)

    def error_lines(self, problem: Problem) -> tuple[str, ...]:
        """Return nothing: the body says it all."""
        return ()

    def error_frames(self, problem: Problem, asked: Asked, *, is_first: bool) -> list[Frame]:
        """Return an error event; mid-way, a response that failed."""
        kind, code = _TYPE_AND_CODE[problem.kind]
        error = {"code": code or kind, "message": problem.message}
        if is_first:
            return [_frame("error", "error", **error, param=None, sequence_number=0)]
        failed = _response(asked, "failed") | {"error": error}
        return [_frame("error", "response.failed", response=failed, sequence_number=0)]

    def _odd_frame(self, fault: Fault, frame: Frame) -> Frame | None:
        payload: Json = frame.payload
        if "response" in payload:
            odd = self.odd_body(fault, payload["response"])
            return None if odd is None else replace(frame, payload=payload | {"response": odd})
        if fault is Fault.NULL_CONTENT and frame.kind == "text":
            return replace(frame, payload=payload | {"delta": None})
        if fault is Fault.NULL_CONTENT and "item" in payload:
            return replace(frame, payload=payload | {"item": _without_text(payload["item"])})
        return frame


def _text(item: Json) -> str:
    """Return the text of an item whose content may be a list of parts."""
    content: Any = item.get("content") or item.get("output") or item.get("arguments") or ""
    if isinstance(content, str):
        return content
    return " ".join(str(part["text"]) for part in cast("list[Json]", content) if "text" in part)


def _reason(finish_reason: str | None) -> str | None:
    """Return why an answer is incomplete, or None for one that is not."""
    if finish_reason in (None, "stop", "tool_calls"):
        return None
    return _REASONS.get(finish_reason, finish_reason)


def _response(asked: Asked, status: str) -> Json:
    return {
        "id": _ID,
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": asked.model,
        "tools": [],
        "output": [],
        "parallel_tool_calls": True,
        "metadata": {},
        "tool_choice": "auto",
        "temperature": 1.0,
        "top_p": 1.0,
    }


def _usage(answer: Answer, asked: Asked) -> Json:
    tokens = tokens_of(answer, asked)
    return {
        "input_tokens": tokens.prompt,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.cache_write},
        "output_tokens": tokens.completion,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.prompt + tokens.completion,
    }


def _output(answer: Answer, asked: Asked) -> list[Json]:
    """Return the items; where there is reasoning, the ids of the others say so."""
    thinks = bool(answer.reasoning or answer.signature)
    reasoning_id = f"rs_{sha256(repr(asked.body).encode()).hexdigest()[:8]}"
    mark = f"_{reasoning_id}" if thinks else ""
    text = text_of(answer, asked)
    items: list[Json] = [_reasoning(reasoning_id, answer, asked)] if thinks else []
    parts: list[Json] = [{"type": "refusal", "refusal": answer.refusal}] if answer.refusal else []
    if text is not None:
        parts.append({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
    if parts:
        message = {"type": "message", "id": f"msg_0{mark}", "role": "assistant", "status": "completed"}
        items.append(message | {"content": parts})
    return items + [_call(index, call, mark) for index, call in enumerate(answer.tool_calls)]


def _reasoning(item_id: str, answer: Answer, asked: Asked) -> Json:
    summary = [{"type": "summary_text", "text": answer.reasoning}] if answer.reasoning else []
    item: Json = {"type": "reasoning", "id": item_id, "summary": summary}
    if "reasoning.encrypted_content" in (asked.body.get("include") or ()):
        item["encrypted_content"] = sealed(item_id, answer.signature)
    return item


def _call(index: int, call: CalledTool, mark: str) -> Json:
    return {
        "type": "function_call",
        "id": f"fc_{index}{mark}",
        "call_id": call_id(index, call),
        "name": call.name,
        "arguments": call.arguments,
        "status": "completed",
    }


def _item_frames(place: int, item: Json, answer: Answer, asked: Asked) -> Iterator[Frame]:
    call = int(item["id"].split("_")[1]) if item["type"] == "function_call" else None
    begun: Json = item | {"status": "in_progress"}
    begun |= {"arguments": ""} if call is not None else {}
    begun |= {"content": []} if "content" in item else {}
    begun |= {"summary": []} if "summary" in item else {}
    begun = {name: value for name, value in begun.items() if name != "encrypted_content"}
    kind: FrameKind = "opening" if call is None else "tool"
    frames = [
        _frame(kind, "response.output_item.added", output_index=place, item=begun),
        *_inner_frames(place, item, answer, asked),
        _frame(kind, "response.output_item.done", output_index=place, item=item),
    ]
    return (replace(frame, call=call) for frame in frames)


def _inner_frames(place: int, item: Json, answer: Answer, asked: Asked) -> Iterator[Frame]:
    match item["type"]:
        case "reasoning":
            for said in pieces(answer.reasoning):
                yield _piece(
                    "reasoning", "response.reasoning_summary_text.delta", place, item, said, summary_index=0
                )
        case "function_call":
            for said in argument_pieces(item["arguments"], answer.chunks):
                yield _piece("tool", "response.function_call_arguments.delta", place, item, said)
            whole = {"name": item["name"], "arguments": item["arguments"]}
            at = {"item_id": item["id"], "output_index": place}
            yield _frame("tool", "response.function_call_arguments.done", **at, **whole)
        case _:
            for said in pieces(answer.refusal):
                yield _piece("refusal", "response.refusal.delta", place, item, said)
            for said in text_pieces(answer, asked):
                yield _piece("text", "response.output_text.delta", place, item, said, logprobs=[])


def _piece(kind: FrameKind, name: str, place: int, item: Json, said: str, **further: Any) -> Frame:
    at = {"item_id": item["id"], "output_index": place}
    content = {"content_index": 0} if kind in ("text", "refusal") else {}
    return _frame(kind, name, **at, **content, delta=said, **further)


def _frame(kind: FrameKind, name: str, /, **fields: Any) -> Frame:
    return Frame(kind, {"type": name, **fields}, name)


def _without_text(item: Json) -> Json:
    if item["type"] != "message":
        return item
    return item | {"content": [part | {"text": None} for part in item["content"]]}
