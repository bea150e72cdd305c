"""Breaks: the faults in which the response is no answer at all, whatever was asked."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from itertools import repeat

from .render import Asked, error
from .script import Fault
from .steps import DONE, LAST_PIECE, Cut, Hang, Steps, event, head, json_response, stream_head, whole

_BOMB_BYTES = 80 * 1024 * 1024
_LONG_LINE_BYTES = 100 * 1024 * 1024
_BLOCK_BYTES = 256 * 1024
_HTML = b"<!doctype html><html><body><h1>Welcome to the hotel network</h1></body></html>"


def break_of(fault: Fault | None) -> Callable[[Asked], Steps] | None:
    """Return the score of a break, or None for any other fault."""
    return _BREAKS.get(fault)


def _silence(_: Asked) -> Steps:
    yield Hang()


def _closed_without_answer(_: Asked) -> Steps:
    yield Cut()


def _hang_after_headers(asked: Asked) -> Steps:
    yield stream_head() if asked.stream else head(200, "application/json", "Content-Length: 1000")
    yield Hang()


def _redirect(_: Asked) -> Steps:
    yield whole(307, b"", "Location: http://127.0.0.1:9/v1/chat/completions")


def _html(_: Asked) -> Steps:
    yield whole(200, _HTML, content_type="text/html")


def _error_first(asked: Asked) -> Steps:
    body = error("No instances are available.", "server_error", 503)
    if asked.stream:
        yield from (stream_head(), event(body), DONE, LAST_PIECE)
    else:
        yield json_response(200, body)


def _gzip_bomb(_: Asked) -> Steps:
    yield whole(200, _bomb(), "Content-Encoding: gzip", content_type="text/event-stream")


@cache
def _bomb() -> bytes:
    compressor = zlib.compressobj(level=1, wbits=31)
    zeros = bytes(_BLOCK_BYTES)
    packed = b"".join(compressor.compress(zeros) for _ in range(_BOMB_BYTES // _BLOCK_BYTES))
    return packed + compressor.flush()


def _long_line(_: Asked) -> Steps:
    yield head(200, "text/event-stream", f"Content-Length: {_LONG_LINE_BYTES}")
    yield b"data: "
    yield from repeat(b"x" * _BLOCK_BYTES, _LONG_LINE_BYTES // _BLOCK_BYTES)
    yield Cut()


_BREAKS: dict[Fault | None, Callable[[Asked], Steps]] = {
    Fault.SILENCE: _silence,
    Fault.CLOSED_WITHOUT_ANSWER: _closed_without_answer,
    Fault.HANG_AFTER_HEADERS: _hang_after_headers,
    Fault.REDIRECT: _redirect,
    Fault.HTML: _html,
    Fault.ERROR_FIRST: _error_first,
    Fault.GZIP_BOMB: _gzip_bomb,
    Fault.LONG_LINE: _long_line,
}
