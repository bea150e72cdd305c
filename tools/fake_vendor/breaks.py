"""Breaks: the faults in which the response is no answer at all, whatever was asked."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache, partial
from itertools import repeat

from .dialects import Dialect
from .script import AnyFault, ErrorEvent, Fault, Instead
from .steps import LAST_PIECE, Cut, Hang, Steps, head, json_response, piece, stream_head, whole
from .terms import Asked

_BOMB_BYTES = 80 * 1024 * 1024
_LONG_LINE_BYTES = 100 * 1024 * 1024
_BLOCK_BYTES = 256 * 1024
_NO_INSTANCES = ErrorEvent(kind="server", status=503, message="No instances are available.", is_first=True)
_HTML = b"<!doctype html><html><body><h1>Welcome to the hotel network</h1></body></html>"


def break_of(fault: AnyFault | None) -> Callable[[Dialect, Asked], Steps] | None:
    """Return the score of a break, or None for any other fault."""
    if isinstance(fault, Instead):
        return partial(_instead, fault)
    if isinstance(fault, ErrorEvent):
        return partial(_error_first, fault) if fault.is_first else None
    return _BREAKS.get(fault) if isinstance(fault, Fault) else None


def _instead(instead: Instead, dialect: Dialect, asked: Asked) -> Steps:
    healthy = dialect.stream_content_type if asked.stream else "application/json"
    content_type = healthy if instead.content_type is None else instead.content_type
    length = len(instead.body) * instead.repeated
    yield head(200, content_type, f"Content-Length: {length}", *instead.headers)
    yield from repeat(instead.body, instead.repeated)


def _silence(_: Dialect, __: Asked) -> Steps:
    yield Hang()


def _closed_without_answer(_: Dialect, __: Asked) -> Steps:
    yield Cut()


def _hang_after_headers(dialect: Dialect, asked: Asked) -> Steps:
    yield (
        stream_head(dialect.stream_content_type)
        if asked.stream
        else head(200, "application/json", "Content-Length: 1000")
    )
    yield Hang()


def _redirect(_: Dialect, __: Asked) -> Steps:
    yield whole(307, b"", "Location: http://127.0.0.1:9/v1/chat/completions")


def _html(_: Dialect, __: Asked) -> Steps:
    yield whole(200, _HTML, content_type="text/html")


def _error_first(event: ErrorEvent, dialect: Dialect, asked: Asked) -> Steps:
    if not asked.stream:
        yield json_response(200, dialect.error_body(event.problem))
        return
    yield stream_head(dialect.stream_content_type)
    yield from (
        piece(dialect.encode(frame)) for frame in dialect.error_frames(event.problem, asked, is_first=True)
    )
    yield LAST_PIECE


def _gzip_bomb(dialect: Dialect, _: Asked) -> Steps:
    yield whole(200, _bomb(), "Content-Encoding: gzip", content_type=dialect.stream_content_type)


@cache
def _bomb() -> bytes:
    compressor = zlib.compressobj(level=1, wbits=31)
    zeros = bytes(_BLOCK_BYTES)
    packed = b"".join(compressor.compress(zeros) for _ in range(_BOMB_BYTES // _BLOCK_BYTES))
    return packed + compressor.flush()


def _long_line(dialect: Dialect, _: Asked) -> Steps:
    yield head(200, dialect.stream_content_type, f"Content-Length: {_LONG_LINE_BYTES}")
    yield dialect.frame_beginning
    yield from repeat(b"x" * _BLOCK_BYTES, _LONG_LINE_BYTES // _BLOCK_BYTES)
    yield Cut()


_BREAKS: dict[Fault, Callable[[Dialect, Asked], Steps]] = {
    Fault.SILENCE: _silence,
    Fault.CLOSED_WITHOUT_ANSWER: _closed_without_answer,
    Fault.HANG_AFTER_HEADERS: _hang_after_headers,
    Fault.REDIRECT: _redirect,
    Fault.HTML: _html,
    Fault.ERROR_FIRST: partial(_error_first, _NO_INSTANCES),
    Fault.GZIP_BOMB: _gzip_bomb,
    Fault.LONG_LINE: _long_line,
}
