"""Answers on the wire: JSON or a stream of events, whole or broken as the script wants it."""

from __future__ import annotations

import gzip
from typing import Any, Literal

import msgspec

from fake_vendor.steps import (
    LAST_PIECE,
    Cut,
    Hang,
    Pause,
    Step,
    Steps,
    json_response,
    piece,
    sse,
    stream_head,
    whole,
)

from .script import Reply

Delivery = Literal["json", "sse"]
Message = dict[str, Any]

_JSON = "application/json"
_STREAM = "text/event-stream"
_ASKING: Message = {
    "jsonrpc": "2.0",
    "id": 77,
    "method": "sampling/createMessage",
    "params": {"messages": []},
}
_TELLING: Message = {
    "jsonrpc": "2.0",
    "method": "notifications/message",
    "params": {"level": "info", "data": "hm"},
}
_PRIMING = b"id: 1\nretry: 1\ndata: \n\n"


def answered(reply: Reply, message: Message, delivery: Delivery, *lines: str) -> Steps:
    """Yield the steps of an answer; `message` is what it says if nothing goes wrong, `lines` more headers."""
    if reply.after_seconds:
        yield Pause(reply.after_seconds)
    broken = _broken(reply, delivery, lines)
    if broken is not None:
        yield from broken
    elif delivery == "json" and reply.fault == "gzip":
        yield whole(200, gzip.compress(msgspec.json.encode(message)), "Content-Encoding: gzip", *lines)
    elif delivery == "json":
        yield json_response(200, message, *lines)
    else:
        before = [_TELLING, _ASKING] if reply.fault == "chatter" else []
        yield stream_head(_STREAM, *lines)
        yield from (piece(sse(each, "message")) for each in (*before, message))
        yield LAST_PIECE


def _broken(reply: Reply, delivery: Delivery, lines: tuple[str, ...]) -> list[Step] | None:
    """Return the steps of what goes wrong below the protocol, None for whatever is said in it."""
    text = reply.text or ""
    match reply.fault:
        case "status":
            return [whole(reply.status, text.encode(), *lines)]
        case "redirect":
            return [whole(307, b"", f"Location: {text}")]
        case "hang":
            return [Hang()]
        case "hang_in_body":
            head = whole(200, b"", content_type=_JSON).replace(b"Length: 0", b"Length: 9")
            return [stream_head(_STREAM, *lines) if delivery == "sse" else head, Hang()]
        case "cut":
            return [Cut("reset")]
        case "bad_json":
            body = b'{"jsonrpc": "2.0", "id": 1, "result": {'
            return [_one_event(body, lines) if delivery == "sse" else whole(200, body, *lines)]
        case "accepted":
            return [whole(202, b"", *lines)]
        case "dropped":
            return [stream_head(_STREAM, *lines) + piece(_PRIMING) + LAST_PIECE]
        case "error" | "gzip" | "chatter" | None:
            return None


def _one_event(body: bytes, lines: tuple[str, ...]) -> bytes:
    return stream_head(_STREAM, *lines) + piece(b"event: message\ndata: %b\n\n" % body) + LAST_PIECE


def result_of(reply: Reply, arguments: object) -> Message:
    """Return the result of a tool call."""
    if reply.result is not None:
        return reply.result
    text = reply.text if reply.text is not None else msgspec.json.encode(arguments).decode()
    content = reply.content if reply.content is not None else [{"type": "text", "text": text}]
    result: Message = {"content": content, "isError": reply.is_error}
    return result if reply.structured is None else result | {"structuredContent": reply.structured}


def response(request_id: object, reply: Reply, result: Message) -> Message:
    """Return the message that answers a request."""
    if reply.fault == "error":
        return failure(request_id, reply.code, reply.text or "")
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def failure(request_id: object, code: int, sentence: str) -> Message:
    """Return the message that refuses a request."""
    return {"jsonrpc": "2.0", "id": request_id, "error": {"code": code, "message": sentence}}
