"""The script: what the vendor answers, how fast, and how it fails."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

from .terms import FrameKind, Problem, ProblemKind


class Fault(StrEnum):
    """Every way in which a vendor is known to fail; a refused connection is a closed port."""

    # Before anything is said
    SILENCE = "silence"
    CLOSED_WITHOUT_ANSWER = "closed_without_answer"
    HANG_AFTER_HEADERS = "hang_after_headers"
    # Another status
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    MODEL_MISSING = "model_missing"
    CONTEXT_LENGTH = "context_length"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    RATE_LIMITED_SECONDS = "rate_limited_seconds"
    RATE_LIMITED_DATE = "rate_limited_date"
    RATE_LIMITED_MILLISECONDS = "rate_limited_milliseconds"
    RATE_LIMITED_ZERO = "rate_limited_zero"
    RATE_LIMITED_HOUR = "rate_limited_hour"
    RATE_LIMITED_GARBAGE = "rate_limited_garbage"
    SERVER_ERROR = "server_error"
    BAD_GATEWAY = "bad_gateway"
    UNAVAILABLE = "unavailable"
    GATEWAY_TIMEOUT = "gateway_timeout"
    OVERLOADED = "overloaded"
    REDIRECT = "redirect"
    # Status 200, and not the protocol
    HTML = "html"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    ERROR_FIRST = "error_first"
    GZIP_BOMB = "gzip_bomb"
    LONG_LINE = "long_line"
    EMPTY_CHOICES = "empty_choices"
    NULL_CONTENT = "null_content"
    # Streams that break or behave oddly; a plain answer breaks likewise where it can
    HANG_BETWEEN_CHUNKS = "hang_between_chunks"
    ERROR_MID_STREAM = "error_mid_stream"
    TRUNCATED = "truncated"
    TRUNCATED_CLOSE = "truncated_close"
    TRUNCATED_RESET = "truncated_reset"
    TRUNCATED_MID_UTF8 = "truncated_mid_utf8"
    TRUNCATED_MID_JSON = "truncated_mid_json"
    DUPLICATED_CHUNK = "duplicated_chunk"
    TWO_FINALS = "two_finals"
    NO_DONE = "no_done"
    COMMENTS = "comments"
    NEVER_CLOSES = "never_closes"
    SILENT_AFTER_FINAL = "silent_after_final"
    SLOW_CLOSE = "slow_close"
    # Odd counts
    USAGE_MISSING = "usage_missing"
    USAGE_NEGATIVE = "usage_negative"
    USAGE_ABSURD = "usage_absurd"
    # Odd tool calls
    OUT_OF_ORDER_INDEX = "out_of_order_index"
    INVALID_ARGUMENTS = "invalid_arguments"
    TRUNCATED_ARGUMENTS = "truncated_arguments"
    HUGE_ARGUMENTS = "huge_arguments"
    UNKNOWN_TOOL = "unknown_tool"
    NAMELESS_CALL = "nameless_call"
    DUPLICATE_CALL_IDS = "duplicate_call_ids"
    MANY_CALLS = "many_calls"


class Status(Struct, frozen=True, kw_only=True, tag="status"):
    """Another status than 200: with the vendor's own error, or with `body`.

    In `headers`, `{date}` is an hour from now and `{past}` an hour ago; in `message`, `{credential}` is what
    the request proved itself with.
    """

    status: int
    kind: ProblemKind = "server"
    message: str = "Something went wrong."
    headers: tuple[str, ...] = ()
    body: bytes | None = None
    content_type: str = "application/json"


class ErrorEvent(Struct, frozen=True, kw_only=True, tag="error_event"):
    """Status 200, and then an error: in the place of the answer, or after half of its frames.

    A plain answer is the error alone, or has it beside what was said.
    """

    kind: ProblemKind
    status: int = 500
    message: str = "Something went wrong."
    is_first: bool = False

    @property
    def problem(self) -> Problem:
        """What the dialect puts into words."""
        return Problem(self.status, self.kind, self.message)


class Instead(Struct, frozen=True, kw_only=True, tag="instead"):
    """Status 200, and something else than an answer; the content type is that of an answer if not given.

    The body is sent `repeated` times.
    """

    body: bytes = b""
    content_type: str | None = None
    headers: tuple[str, ...] = ()
    repeated: int = 1


class Stop(Struct, frozen=True, kw_only=True, tag="stop"):
    """The response stops half-way and then ends in order (`end`), or its connection closes, resets or hangs.

    It stops after the last frame of a kind (the first one that opens), or after a share of all its bytes, or,
    without either, after half of the frames; then a part of a frame may follow: one that ends `inside` its
    JSON or a character.
    """

    how: Literal["end", "close", "reset", "hang"]
    after: FrameKind | None = None
    share: float | None = None
    inside: Literal["json", "character"] | None = None


class Change(Struct, frozen=True, kw_only=True, tag="change"):
    """The frames of a kind (of any kind, without one) are repeated, left out, sent late or replaced.

    `insert` puts a frame with `payload`, and `raw` puts bytes, before the first of them; `replace` puts the
    payload in the place of each, or of the whole body of a plain answer; `crlf` ends lines as Windows does.
    """

    how: Literal["repeat", "drop", "late", "early", "replace", "insert", "raw", "crlf"]
    kind: FrameKind | None = None
    payload: Any = None
    raw: bytes = b""


class Counting(Struct, frozen=True, kw_only=True, tag="counting"):
    """The usage is something else: `value` stands in its place, or in that `of_each` of its numbers."""

    value: Any = None
    of_each: bool = False


class Crumbs(Struct, frozen=True, kw_only=True, tag="crumbs"):
    """A healthy response, head and all, that arrives a few bytes at a time."""

    size: int = 1


class Preface(Struct, frozen=True, kw_only=True, tag="preface"):
    """Bytes in the place of a response, or before a healthy one; without, the connection closes or hangs."""

    raw: bytes
    then: Literal["answer", "close", "hang"] = "close"


AnyFault = Fault | Status | ErrorEvent | Instead | Stop | Change | Counting | Crumbs | Preface


class CalledTool(Struct, frozen=True):
    """A tool call in the answer; `arguments` is JSON text and is streamed in pieces."""

    name: str
    arguments: str = "{}"
    id: str = ""


class Tokens(Struct, frozen=True):
    """The usage that the vendor reports."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0


class Answer(Struct, frozen=True, kw_only=True):
    """One answer. Without `text` it echoes the last user message; without `usage` it counts words.

    `chunks` is how many pieces the text is streamed in (0: one a word), and the arguments of each tool call
    (0: two or more). `signature` is what the vendor wants back with the reasoning or the tool calls, if it
    signs or encrypts them. `finish_reason` is a word of OpenAI's, which each dialect translates.
    """

    text: str | None = None
    reasoning: str = ""
    signature: str = ""
    refusal: str = ""
    tool_calls: tuple[CalledTool, ...] = ()
    usage: Tokens | None = None
    finish_reason: str | None = None
    chunks: int = 0
    first_byte_delay_seconds: float = 0.0
    chunk_delay_seconds: float = 0.0
    fault: AnyFault | None = None
