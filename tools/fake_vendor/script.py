"""The script: what the vendor answers, how fast, and how it fails."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


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

    `chunks` is how many pieces the text is streamed in (0: one a word). `signature` is what the vendor wants
    back with the reasoning or the tool calls, if it signs or encrypts them. `finish_reason` is a word of
    OpenAI's, which each dialect translates.
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
    fault: Fault | None = None
