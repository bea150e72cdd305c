"""Amazon Bedrock's Converse and ConverseStream: plain JSON, and Amazon's event stream.

Reference: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and
…/API_runtime_ConverseStream.html. How errors are told:
smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html. The frames:
docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import unquote
from zlib import crc32

import msgspec
from msgspec.structs import replace

from fake_vendor.connection import Request
from fake_vendor.script import Answer, Fault
from fake_vendor.terms import Asked, Frame, FrameKind, Json, Problem, ProblemKind, Purpose, Refused
from fake_vendor.wording import argument_pieces, call_id, pieces, text_of, text_pieces, tokens_of

from .bedrock_demands import hidden, refusal_of, sealed
from .bedrock_signatures import problem_of

_ROUTE = re.compile(r"(?:/v1)?/model/([^/]+)/(converse|converse-stream)")
_ENDLESS_BYTES = 100 * 1024 * 1024

_REASONS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"} | {
    "content_filter": "content_filtered"
}
_EXCEPTIONS: dict[ProblemKind, str] = {
    "authentication": "UnrecognizedClientException",
    "permission": "AccessDeniedException",
    "model_missing": "ResourceNotFoundException",
    "context_length": "ValidationException",
    "content_policy": "ValidationException",
    "too_large": "ValidationException",
    "invalid": "ValidationException",
    "payment": "ServiceQuotaExceededException",
    "rate_limit": "ThrottlingException",
    "quota": "ServiceQuotaExceededException",
    "timeout": "ModelTimeoutException",
    "conflict": "ConflictException",
    "server": "InternalServerException",
    "overloaded": "ServiceUnavailableException",
}
_SENTENCES: dict[ProblemKind, str] = {"context_length": "Input is too long for requested model."}


class _Wanted(msgspec.Struct):
    """The fields of a request that decide whether it is one."""

    messages: list[Json]
    system: list[Json] = []


class Bedrock:
    """The dialect, as the registry wants it."""

    name = "bedrock"
    stream_content_type = "application/vnd.amazon.eventstream"
    frame_beginning = struct.pack(">II", _ENDLESS_BYTES, 0) + struct.pack(
        ">I", crc32(struct.pack(">II", _ENDLESS_BYTES, 0))
    )
    idle = None

    def purpose(self, request: Request) -> Purpose | None:
        """Return what a request wants, by its path; models are listed by another service."""
        is_answer = request.method == "POST" and _ROUTE.fullmatch(request.route)
        return "answer" if is_answer else None

    def parse(self, request: Request) -> Asked:
        """Return what is asked; nothing is looked at that does not prove who asks."""
        if problem := problem_of(request, datetime.now(UTC)):
            raise Refused(Problem(403, "authentication", problem))
        route = cast("re.Match[str]", _ROUTE.fullmatch(request.route))
        wanted = msgspec.json.decode(request.content, type=_Wanted)
        contents = [wanted.system, *(message["content"] for message in wanted.messages)]
        return Asked(
            model=unquote(route[1]),
            stream=route[2] == "converse-stream",
            last_user_text=_last_user_text(wanted.messages),
            words=sum(len(_text(blocks).split()) for blocks in contents),
            body=msgspec.json.decode(request.content),
        )

    def refusal(self, asked: Asked) -> str | None:
        """Return why Converse would refuse the request."""
        return refusal_of(asked.body, asked.model)

    def credential(self, headers: Mapping[str, str]) -> str:
        """Return the Authorization header."""
        return headers.get("authorization", "")

    def models(self, names: tuple[str, ...], request: Request) -> Json:
        """Return nothing: models are listed by another service."""
        return {"modelSummaries": []}

    def body(self, answer: Answer, asked: Asked) -> Json:
        """Return ConverseResponse."""
        content = [{"reasoningContent": thought} for thought in _thoughts(answer)]
        text = answer.refusal + (text_of(answer, asked) or "")
        content += [{"text": text}] if text else []
        for index, call in enumerate(answer.tool_calls):
            arguments: Any = msgspec.json.decode(call.arguments)
            called = {"toolUseId": call_id(index, call), "name": call.name, "input": arguments}
            content.append({"toolUse": called})
        return {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": _stop_reason(answer),
            "usage": _usage(answer, asked),
            "metrics": {"latencyMs": 1},
        }

    def frames(self, answer: Answer, asked: Asked) -> list[Frame]:
        """Return ConverseStreamOutput, one event a frame; there is no mark but the stop reason."""
        frames = [Frame("opening", {"role": "assistant"}, "messageStart")]
        block = 0
        for thought in _thoughts(answer):
            frames += [*_reasoning_frames(thought, block), _stop("reasoning", block)]
            block += 1
        speech = [_delta("refusal", {"text": said}, block) for said in pieces(answer.refusal)]
        speech += [_delta("text", {"text": said}, block) for said in text_pieces(answer, asked)]
        frames += [*speech, _stop("opening", block)] if speech else []
        block += bool(speech)
        for index, call in enumerate(answer.tool_calls):
            start = {"toolUse": {"toolUseId": call_id(index, call), "name": call.name}}
            opening = {"start": start, "contentBlockIndex": block + index}
            rest = [
                _delta("tool", {"toolUse": {"input": said}}, block + index)
                for said in argument_pieces(call.arguments, answer.chunks)
            ]
            called = [Frame("tool", opening, "contentBlockStart"), *rest, _stop("tool", block + index)]
            frames += [replace(frame, call=index) for frame in called]
        metadata = {"usage": _usage(answer, asked), "metrics": {"latencyMs": 1}}
        return [*frames, self.ended(_stop_reason(answer), asked), Frame("usage", metadata, "metadata")]

    def encode(self, frame: Frame) -> bytes:
        """Return a message; one of kind `error` is an exception."""
        kind, name = ("exception", ":exception-type") if frame.kind == "error" else ("event", ":event-type")
        headers = {":message-type": kind, name: frame.name, ":content-type": "application/json"}
        return message(headers, msgspec.json.encode(frame.payload))

    def said(self, text: str, asked: Asked) -> Frame:
        """Return a piece of text."""
        return _delta("text", {"text": text}, 0)

    def ended(self, reason: str, asked: Asked) -> Frame:
        """Return the message with the stop reason."""
        return Frame("final", {"stopReason": _REASONS.get(reason, reason)}, "messageStop")

    def odd_body(self, fault: Fault, body: Json) -> Json | None:
        """Return the answer as the fault leaves it."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return body | {"output": {}}
            case Fault.NULL_CONTENT:
                content = [block | {"text": None} if "text" in block else block for block in _content(body)]
                return body | {"output": {"message": {"role": "assistant", "content": content}}}
            case Fault.USAGE_MISSING:
                return {name: value for name, value in body.items() if name != "usage"}
            case _:
                return None

    def odd_frames(self, fault: Fault, frames: list[Frame], asked: Asked) -> list[Frame] | None:
        """Return the messages as the fault leaves them."""
        match fault:
            case Fault.EMPTY_CHOICES:
                return [frame for frame in frames if frame.kind in {"opening", "usage"}]
            case Fault.NULL_CONTENT:
                nothing = _delta("text", {"text": None}, 0)
                return [nothing if frame.kind == "text" else frame for frame in frames]
            case Fault.USAGE_MISSING:
                return [frame for frame in frames if frame.kind != "usage"]
            case _:
                return None

    def error_body(self, problem: Problem) -> Json:
        """Return the members of an exception, and its type as the protocol allows it beside the header."""
        return {"message": _said(problem), "__type": _EXCEPTIONS[problem.kind]}

    def error_lines(self, problem: Problem) -> tuple[str, ...]:
        """Return the header with the type of the exception."""
        return (f"x-amzn-ErrorType: {_EXCEPTIONS[problem.kind]}:http://internal.amazon.com/coral/",)

    def error_frames(self, problem: Problem, asked: Asked, *, is_first: bool) -> list[Frame]:
        """Return an exception, whose name in the stream begins with a small letter."""
        name = _EXCEPTIONS[problem.kind]
        return [Frame("error", {"message": _said(problem)}, name[0].lower() + name[1:])]


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return a message of Amazon's event stream; values of headers are strings, type 7."""
    packed = b"".join(
        struct.pack(">B", len(name))
        + name.encode()
        + struct.pack(">BH", 7, len(value.encode()))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", 16 + len(packed) + len(payload), len(packed))
    head = prelude + struct.pack(">I", crc32(prelude))
    whole = head + packed + payload
    return whole + struct.pack(">I", crc32(whole))


def _said(problem: Problem) -> str:
    return _SENTENCES.get(problem.kind, problem.message)


def _text(blocks: list[Json]) -> str:
    return " ".join(str(block["text"]) for block in blocks if "text" in block)


def _last_user_text(messages: list[Json]) -> str:
    said = (_text(message["content"]) for message in reversed(messages) if message.get("role") == "user")
    return next((text for text in said if text), "")


def _content(body: Json) -> list[Json]:
    return cast("list[Json]", body["output"]["message"]["content"])


def _thoughts(answer: Answer) -> list[Json]:
    """Return the reasoning: in clear text, sealed if it is to be; or encrypted alone."""
    if answer.reasoning:
        text: Json = {"text": answer.reasoning}
        if answer.signature:
            text["signature"] = sealed(answer.signature, answer.reasoning)
        return [{"reasoningText": text}]
    return [{"redactedContent": hidden(answer.signature)}] if answer.signature else []


def _reasoning_frames(thought: Json, block: int) -> list[Frame]:
    if "redactedContent" in thought:
        return [_delta("reasoning", {"reasoningContent": thought}, block)]
    text: Json = thought["reasoningText"]
    said = [{"text": piece} for piece in pieces(text["text"])]
    seal = [{"signature": text["signature"]}] if "signature" in text else []
    return [_delta("reasoning", {"reasoningContent": part}, block) for part in (*said, *seal)]


def _delta(kind: FrameKind, delta: Json, block: int) -> Frame:
    return Frame(kind, {"delta": delta, "contentBlockIndex": block}, "contentBlockDelta")


def _stop(kind: FrameKind, block: int) -> Frame:
    return Frame(kind, {"contentBlockIndex": block}, "contentBlockStop")


def _stop_reason(answer: Answer) -> str:
    reason = answer.finish_reason
    if reason is None:
        reason = "tool_calls" if answer.tool_calls else "stop"
    return _REASONS.get(reason, reason)


def _usage(answer: Answer, asked: Asked) -> Json:
    """Return TokenUsage: what was cached counts apart from the input; reasoning is not counted by itself."""
    tokens = tokens_of(answer, asked)
    usage = {
        "inputTokens": tokens.prompt - tokens.cached - tokens.cache_write,
        "outputTokens": tokens.completion,
        "totalTokens": tokens.prompt + tokens.completion,
    }
    if tokens.cached or tokens.cache_write:
        usage |= {"cacheReadInputTokens": tokens.cached, "cacheWriteInputTokens": tokens.cache_write}
    return usage
