"""Steps: what a connection does next, as data, so that every fault can be read as a short score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec


class Pause(msgspec.Struct, frozen=True):
    """Say nothing for a while."""

    seconds: float


class Hang(msgspec.Struct, frozen=True):
    """Say nothing more until the client goes away."""


class Cut(msgspec.Struct, frozen=True):
    """End the connection: with everything sent first, or with a reset."""

    how: Literal["close", "reset"] = "close"


Step = bytes | Pause | Hang | Cut
Steps = Iterator[Step]

_REASONS = {200: "OK", 307: "Temporary Redirect", 404: "Not Found", 429: "Too Many Requests"}
_JSON = "application/json"


def head(status: int, content_type: str, *lines: str) -> bytes:
    """Return a status line and headers; `lines` are further headers."""
    fields = "".join(f"{line}\r\n" for line in (f"Content-Type: {content_type}", *lines))
    return f"HTTP/1.1 {status} {_REASONS.get(status, 'Fault')}\r\n{fields}\r\n".encode()


def whole(status: int, body: bytes, *lines: str, content_type: str = _JSON) -> bytes:
    """Return a complete response."""
    return head(status, content_type, f"Content-Length: {len(body)}", *lines) + body


def json_response(status: int, body: object, *lines: str) -> bytes:
    """Return a complete response with a JSON body."""
    return whole(status, msgspec.json.encode(body), *lines)


def stream_head(content_type: str, *lines: str) -> bytes:
    """Return the head of a response whose body comes in pieces."""
    return head(200, content_type, "Transfer-Encoding: chunked", "Cache-Control: no-cache", *lines)


def piece(content: bytes) -> bytes:
    """Return one piece of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def sse(payload: object, name: str = "") -> bytes:
    """Return one server-sent event, with its name where it has one."""
    line = b"event: %b\n" % name.encode() if name else b""
    return b"%bdata: %b\n\n" % (line, msgspec.json.encode(payload))


LAST_PIECE = b"0\r\n\r\n"
