"""What the server is told to be: the tools that it lists, and how it replies."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct, field

CALL_KEY = "backboard/call-key"  # where in `_meta` a call says which one it is

Fault = Literal[
    "error",  # a JSON-RPC error, with `text` as its message and `code` as its code
    "status",  # an HTTP status, with `text` as its body
    "redirect",  # to `text`
    "hang",  # says nothing more, not even a head
    "hang_in_body",  # sends the head of its answer, and then nothing more
    "cut",  # ends the connection instead of answering
    "gzip",  # a healthy answer, compressed although nobody asked for that, where answers are JSON
    "bad_json",  # an answer that is not JSON
    "accepted",  # 202, and no answer to come
    "dropped",  # a stream that can be resumed ends before its answer, whenever it is asked
    "chatter",  # server requests and notifications before the answer, where answers are streams
]


class FakeTool(Struct, frozen=True):
    """A tool as the server lists it; `annotations` are MCP's hints, `{"readOnlyHint": True}`."""

    name: str
    description: str = ""
    input_schema: dict[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    annotations: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None


ECHO = FakeTool("echo", "Say it again.", {"type": "object", "properties": {"text": {"type": "string"}}})


class Reply(Struct, frozen=True, kw_only=True):
    """How one request is answered: without text and content, a call echoes its arguments.

    `content` are MCP's blocks, in place of the text; `result` replaces the whole result, of whatever method.
    """

    text: str | None = None
    content: list[dict[str, Any]] | None = None
    structured: dict[str, Any] | None = None
    is_error: bool = False
    after_seconds: float = 0.0
    fault: Fault | None = None
    status: int = 500
    code: int = -32000
    result: dict[str, Any] | None = None
