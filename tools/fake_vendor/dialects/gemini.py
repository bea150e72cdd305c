"""The Gemini API of Google AI Studio: generateContent, and its stream with `alt=sse`.

Reference: ai.google.dev/api/generate-content and ai.google.dev/api/models; errors as google.rpc.Status
(cloud.google.com/apis/design/errors). That each chunk repeats the counts, and that the end is a chunk with a
finish reason, is as recorded in the fixtures of vercel/ai (packages/google).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qs, unquote

import msgspec
from msgspec.structs import replace

from fake_vendor.connection import Request
from fake_vendor.script import Answer, CalledTool, Fault
from fake_vendor.steps import sse
from fake_vendor.terms import Asked, Frame, FrameKind, Json, Problem, ProblemKind, Purpose, Refused
from fake_vendor.wording import call_id, pieces, text_of, text_pieces, tokens_of

from .gemini_demands import refusal_of, signature

_ROUTE = re.compile(r"/v1(?:alpha|beta)?/models(?:/([^/:]+):(generateContent|streamGenerateContent))?$")
_KEYLESS = (
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or "
    "other form of API consumer identity to call this API."
)
_ID = "fake-response"
_PAGE = 50

_REASONS = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}

_STATUS: dict[ProblemKind, str] = {
    "authentication": "UNAUTHENTICATED",
    "permission": "PERMISSION_DENIED",
    "model_missing": "NOT_FOUND",
    "context_length": "INVALID_ARGUMENT",
    "content_policy": "INVALID_ARGUMENT",
    "too_large": "INVALID_ARGUMENT",
    "invalid": "INVALID_ARGUMENT",
    "payment": "FAILED_PRECONDITION",
    "rate_limit": "RESOURCE_EXHAUSTED",
    "quota": "RESOURCE_EXHAUSTED",
    "timeout": "DEADLINE_EXCEEDED",
    "conflict": "ABORTED",
    "server": "INTERNAL",
    "overloaded": "UNAVAILABLE",
}
_DETAILS: dict[ProblemKind, Json] = {
    "authentication": {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
    },
    "quota": {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
    },
}
_SENTENCES: dict[ProblemKind, str] = {
    "context_length": "The input token count exceeds the maximum number of tokens allowed (8192).",
    "quota": "You exceeded your current quota, please check your plan and billing details.",
}


class _Wanted(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The fields of a request: what is unknown is refused, as the real parser does."""

    contents: list[Json]
    system_instruction: Json | None = None
    tools: list[Json] = []
    tool_config: Json | None = None
    safety_settings: list[Json] = []
    generation_config: Json = {}
    cached_content: str | None = None


class Gemini:
    """The dialect, as the registry wants it."""

    name = "gemini"
    stream_content_type = "text/event-stream"
    frame_beginning = b"data: "
    idle = None

    def purpose(self, request: Request) -> Purpose | None:
        """Return what a request wants, by its path; the list of models shares one with others."""
        route = _ROUTE.match(request.route)
        if route is None:
            return None
        if request.method == "POST" and route[1]:
            return "answer"
        return "models" if request.method == "GET" and "x-goog-api-key" in request.headers else None

    def parse(self, request: Request) -> Asked:
        """Return what is asked; without a key nothing is looked at."""
        if not self.credential(request.headers):
            raise Refused(Problem(403, "permission", _KEYLESS))
        route = _ROUTE.match(request.route)
        model, method = (unquote(route[1]), route[2]) if route else ("", "")
        is_streamed = method == "streamGenerateContent"
        if is_streamed and "alt=sse" not in request.path:
            raise ValueError("This vendor streams server-sent events alone: ask with alt=sse.")
        wanted = msgspec.json.decode(request.content, type=_Wanted)
        contents = [wanted.system_instruction or {}, *wanted.contents]
        return Asked(
            model=model,
            stream=is_streamed,
            last_user_text=_last_user_text(wanted.contents),
            words=sum(len(_text(content).split()) for content in contents),
            body=msgspec.json.decode(request.content),
        )

    def refusal(self, asked: Asked) -> str | None:
        """Return why the API would refuse the request."""
        return refusal_of(asked.body, asked.model)

    def credential(self, headers: Mapping[str, str]) -> str:
        """Return the key."""
        return headers.get("x-goog-api-key", "")

    def models(self, names: tuple[str, ...], request: Request) -> Json:
        """Return ListModelsResponse, in pages."""
        query = parse_qs(request.path.partition("?")[2])
        start = int(query.get("pageToken", ["0"])[0])
        end = start + int(query.get("pageSize", [str(_PAGE)])[0])
        rows = [_model(name) for name in names[start:end]]
        return {"models": rows} | ({"nextPageToken": str(end)} if end < len(names) else {})

    def body(self, answer: Answer, asked: Asked) -> Json:
        """Return GenerateContentResponse."""
        parts: list[Json] = [{"text": answer.reasoning, "thought": True}] if answer.reasoning else []
        text = answer.refusal + (text_of(answer, asked) or "")
        parts += [{"text": text}] if text else []
        parts += _calls(answer)
        if answer.signature and not answer.tool_calls:
            last = parts.pop() if text else {"text": ""}
            parts.append(_signed(last, answer.signature))
        return _response(parts, answer, asked, _finish_reason(answer))

    def frames(self, answer: Answer, asked: Asked) -> list[Frame]:
        """Return a GenerateContentResponse a frame, each with the counts so far; calls come whole."""
        frames = [
            _frame("reasoning", [{"text": said, "thought": True}], answer, asked)
            for said in pieces(answer.reasoning)
        ]
        frames += [_frame("refusal", [{"text": said}], answer, asked) for said in pieces(answer.refusal)]
        frames += [_frame("text", [{"text": said}], answer, asked) for said in text_pieces(answer, asked)]
        for index, call in enumerate(_calls(answer)):
            frames.append(replace(_frame("tool", [call], answer, asked), call=index))
        last: Json = {"text": ""}
        if answer.signature and not answer.tool_calls:
            last = _signed(last, answer.signature)
        return [*frames, _frame("final", [last], answer, asked, _finish_reason(answer))]

    def encode(self, frame: Frame) -> bytes:
        """Return an event."""
        return sse(frame.payload)

    def said(self, text: str, asked: Asked) -> Frame:
        """Return a chunk with a piece of text."""
        return _frame("text", [{"text": text}], Answer(text=text), asked)

    def ended(self, reason: str, asked: Asked) -> Frame:
        """Return a chunk with a finish reason."""
        return _frame("final", [{"text": ""}], Answer(text=""), asked, _REASONS.get(reason, reason))

    def odd_body(self, fault: Fault, body: Json) -> Json | None:
        """Return the response as the fault leaves it."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return body | {"candidates": []}
            case Fault.NULL_CONTENT:
                candidate = body["candidates"][0]
                parts = [
                    part | {"text": None} if "text" in part else part
                    for part in candidate["content"]["parts"]
                ]
                return body | {"candidates": [candidate | {"content": {"role": "model", "parts": parts}}]}
            case Fault.USAGE_MISSING:
                return {name: value for name, value in body.items() if name != "usageMetadata"}
            case _:
                return None

    def odd_frames(self, fault: Fault, frames: list[Frame], asked: Asked) -> list[Frame] | None:
        """Return the chunks as the fault leaves them: each is a response of its own."""
        odd = [self.odd_body(fault, frame.payload) for frame in frames]
        if any(payload is None for payload in odd):
            return None
        return [replace(frame, payload=payload) for frame, payload in zip(frames, odd, strict=True)]

    def error_body(self, problem: Problem) -> Json:
        """Return google.rpc.Status."""
        error: Json = {
            "code": problem.status,
            "message": _SENTENCES.get(problem.kind, problem.message),
            "status": _STATUS[problem.kind],
        }
        if problem.kind in _DETAILS:
            error["details"] = [_DETAILS[problem.kind]]
        return {"error": error}

    def error_lines(self, problem: Problem) -> tuple[str, ...]:
        """Return nothing: the body says it all."""
        return ()

    def error_frames(self, problem: Problem, asked: Asked, *, is_first: bool) -> list[Frame]:
        """Return the error as one more event."""
        return [Frame("error", self.error_body(problem))]


def _text(content: Json) -> str:
    parts = cast("list[Json]", content.get("parts") or [])
    return " ".join(str(part["text"]) for part in parts if part.get("text"))


def _last_user_text(contents: list[Json]) -> str:
    said = (_text(content) for content in reversed(contents) if content.get("role") == "user")
    return next((text for text in said if text), "")


def _model(name: str) -> Json:
    return {
        "name": f"models/{name}",
        "displayName": name,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }


def _calls(answer: Answer) -> list[Json]:
    """Return the calls as parts; the first of them bears the signature."""
    parts = [_call(index, call) for index, call in enumerate(answer.tool_calls)]
    if parts and answer.signature:
        parts[0] = _signed(parts[0], answer.signature)
    return parts


def _call(index: int, call: CalledTool) -> Json:
    arguments: Any = msgspec.json.decode(call.arguments)
    return {"functionCall": {"id": call_id(index, call), "name": call.name, "args": arguments}}


def _signed(part: Json, seal: str) -> Json:
    return part | {"thoughtSignature": signature(seal, part)}


def _finish_reason(answer: Answer) -> str:
    reason = answer.finish_reason or "stop"
    return _REASONS.get(reason, reason)


def _frame(
    kind: FrameKind, parts: list[Json], answer: Answer, asked: Asked, reason: str | None = None
) -> Frame:
    return Frame(kind, _response(parts, answer, asked, reason))


def _response(parts: list[Json], answer: Answer, asked: Asked, reason: str | None) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(answer, asked),
        "modelVersion": asked.model,
        "responseId": _ID,
    }


def _usage(answer: Answer, asked: Asked) -> Json:
    tokens = tokens_of(answer, asked)
    usage = {
        "promptTokenCount": tokens.prompt,
        "candidatesTokenCount": tokens.completion - tokens.reasoning,
        "totalTokenCount": tokens.prompt + tokens.completion,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens.prompt}],
    }
    if tokens.cached:
        usage["cachedContentTokenCount"] = tokens.cached
    if tokens.reasoning:
        usage["thoughtsTokenCount"] = tokens.reasoning
    return usage
