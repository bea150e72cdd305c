"""Cases in which the status is 200 and the body is no answer at all."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from fake_vendor import ErrorEvent, Fault, Instead
from fake_vendor.terms import ProblemKind
from providers.faults.case import SILENT_AT_ONCE, Case, failing
from providers.faults.expected import Expected, Fails, broken_off, final, retried

_HTML = b"<!doctype html><html><body><h1>Welcome to the hotel network</h1></body></html>"
_HUGE = 70 * 1024 * 1024
_BLOCK = 256 * 1024

_JSON: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "number": b"7",
    "word": b'"Hello."',
    "list": b"[]",
    "object": b"{}",
    "list_of_objects": b"[{}, {}]",
    "foreign": b'{"answer": "Hello.", "ok": true}',
    "half": b'{"id": "x", "choices": [{"mess',
    "deep": b"[" * 100_000,
    "deep_foreign": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "two_objects": b"{}{}",
    "long_number": b"1" * 100_000,
    "surrogate": b'{"\\ud800": "\\udc00"}',
    "invalid_utf8": b'{"id": "\xff\xfe"}',
    "byte_order_mark": b"\xef\xbb\xbf{}",
    "html": _HTML,
    "spaces": b" " * 10_000,
    "zeros": bytes(10_000),
}
_STREAMS: dict[str, bytes] = {
    "empty": b"",
    "html": _HTML,
    "garbage": bytes(range(256)) * 4,
    "spaces": b" " * 10_000,
    "zeros": bytes(10_000),
    "newlines": b"\r\n" * 10_000,
    "json": b'{"answer": "Hello."}',
    "text": b"Hello, this is no protocol at all.\n\n",
    "comments": b": still here\n\n" * 100,
    "other_events": b"event: ping\nid: 7\nretry: 10\n\n" * 100,
    "mark_alone": b"data: [DONE]\n\n",
    "empty_events": b"data:\n\n" * 3,
    "null_event": b"data: null\n\n",
    "list_event": b"data: []\n\n",
    "deep_event": b"data: " + b"[" * 100_000 + b"\n\n",
    "html_event": b"data: " + _HTML + b"\n\n",
    "frame_of_nothing": bytes(16),
    "frame_too_long": b"\xff" * 64,
}


def _both(name: str, fault: Instead | Fault, expected: Expected) -> Case:
    return Case(id=name, answer=failing(fault), streamed=expected, plain=expected)


def _json() -> Iterator[Case]:
    for name, body in _JSON.items():
        fault = Instead(body=body, content_type="application/json")
        yield _both(f"json_{name}", fault, retried("malformed"))


def _streams() -> Iterator[Case]:
    for name, body in _STREAMS.items():
        # Without a frame it is a stream that stopped; with one that says nothing, it is none.
        expected = retried("malformed", "truncated")
        yield Case(id=f"stream_{name}", answer=failing(Instead(body=body)), streamed=expected, plain=None)


def _content_types() -> Iterator[Case]:
    lost = retried("malformed", "truncated")
    for content_type in ("text/html", "text/html; charset=utf-8", "TEXT/HTML"):
        yield _both(f"page_as_{content_type}", Instead(body=_HTML, content_type=content_type), lost)
    for content_type in ("text/plain", "application/octet-stream", "image/png", "nonsense", ""):
        yield _both(
            f"page_as_{content_type or 'nothing'}", Instead(body=_HTML, content_type=content_type), lost
        )
    yield _both("page", Fault.HTML, retried("malformed"))


def _encodings() -> Iterator[Case]:
    lost = retried("malformed", "truncated", "unreachable")
    bodies = {"gzip": b"not gzip", "deflate": b"not deflate", "br": b"not brotli", "nonsense": b"{}"}
    for encoding, body in bodies.items():
        fault = Instead(body=body, headers=(f"Content-Encoding: {encoding}",))
        yield _both(f"encoded_{encoding}", fault, lost)
    half = gzip.compress(b"{}" * 1_000)[:-12]
    yield _both("encoded_half", Instead(body=half, headers=("Content-Encoding: gzip",)), lost)


def _too_much() -> Iterator[Case]:
    # Without a budget there is one attempt: three would only cost the machine time.
    lost = Fails(kinds=("malformed",), attempts=1, said="")
    huge = Instead(body=b" " * _BLOCK, repeated=_HUGE // _BLOCK)
    faults: dict[str, Instead | Fault] = {"huge": huge, "bomb": Fault.GZIP_BOMB, "long_line": Fault.LONG_LINE}
    for name, fault in faults.items():
        yield Case(id=name, answer=failing(fault), streamed=lost, plain=lost, budget_seconds=-1.0)


def _silences() -> Iterator[Case]:
    for name, fault in {"silence": Fault.SILENCE, "silence_after_head": Fault.HANG_AFTER_HEADERS}.items():
        lost = retried("timeout")
        yield Case(id=name, answer=failing(fault), streamed=lost, plain=lost, timeouts=SILENT_AT_ONCE)
    yield _both("closed_without_answer", Fault.CLOSED_WITHOUT_ANSWER, retried("unreachable"))


_ERRORS: dict[str, tuple[ProblemKind, int, str, Expected]] = {
    "server": ("server", 500, "The model crashed.", retried("failed")),
    "overloaded": ("overloaded", 529, "Overloaded.", retried("failed")),
    "timeout": ("timeout", 504, "It took too long.", retried("timeout", "failed")),
    "rate_limit": ("rate_limit", 429, "Too fast.", final("rate_limited")),
    "quota": ("quota", 429, "You exceeded your current quota.", final("spend_limit")),
    "key": ("authentication", 401, "Wrong key.", final("rejected_key")),
    "permission": ("permission", 403, "Not you.", final("rejected_key")),
    "model": ("model_missing", 404, "No such model.", final("model_missing")),
    "context": ("context_length", 400, "The prompt is too long: 9000 tokens.", final("context_length")),
    "invalid": ("invalid", 400, "What is this?", final("rejected_request")),
    "policy": ("content_policy", 400, "No.", final("content_policy", "rejected_request")),
}


def _errors_after_200() -> Iterator[Case]:
    for name, (kind, status, message, expected) in _ERRORS.items():
        event = ErrorEvent(kind=kind, status=status, message=message, is_first=True)
        yield Case(id=f"error_first_{name}", answer=failing(event), streamed=expected, plain=expected)
    for name, (kind, status, message, expected) in _ERRORS.items():
        assert isinstance(expected, Fails)
        event = ErrorEvent(kind=kind, status=status, message=message)
        later = broken_off(*expected.kinds)
        yield Case(
            id=f"error_later_{name}",
            answer=failing(event),
            streamed=Fails(kinds=later.kinds, is_retryable=expected.is_retryable, attempts=1),
            plain=expected,
        )


CASES: tuple[Case, ...] = (
    *_json(),
    *_streams(),
    *_content_types(),
    *_encodings(),
    *_too_much(),
    *_silences(),
    *_errors_after_200(),
)
