"""Cases below the protocol: how the bytes arrive, and what is not HTTP, or not of this version."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from fake_vendor import Crumbs, Preface
from providers.faults.case import SILENT_AT_ONCE, Case, failing, failing_at_length
from providers.faults.expected import TEXT, Answers, Expected, retried

_CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
_WHOLE = Answers(text=TEXT, reason="tool_calls", calls=(("look_up", '{"city": "Paris"}'),))

_BEFORE_AN_ANSWER: dict[str, bytes] = {
    "early_hints": b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n",
    "processing": b"HTTP/1.1 102 Processing\r\n\r\n" * 3,
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n",
}
_NO_HTTP: dict[str, bytes] = {
    "ssh": b"SSH-2.0-OpenSSH_9.6\r\n",
    "tls_alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "smtp": b"220 mail ESMTP\r\n",
    "words": b"hello\r\n\r\n",
    "zeros": bytes(1_000),
    "json": b'{"error": {"message": "No."}}\r\n\r\n',
    "no_status": b"HTTP/1.1 OK\r\n\r\n",
    "status_of_letters": b"HTTP/1.1 abc OK\r\n\r\n",
    "status_of_four_digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "status_below_zero": b"HTTP/1.1 -200 OK\r\n\r\n",
    "header_without_colon": b"HTTP/1.1 200 OK\r\nContent-Type\r\n\r\n{}",
    "length_of_letters": b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n{}",
    "length_below_zero": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}",
    "half_status_line": b"HTTP/1.1 20",
    "half_head": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "endless_status_line": b"HTTP/1.1 200 " + b"O" * 100_000,
    "endless_head": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 50_000,
}
_ODD_CHUNKS: dict[str, bytes] = {
    "size_of_letters": b"zz\r\n{}\r\n0\r\n\r\n",
    "size_below_zero": b"-2\r\n{}\r\n0\r\n\r\n",
    "size_beyond_everything": b"fffffffffffffffffff\r\n{}\r\n",
    "size_too_small": b"1\r\n{}\r\n0\r\n\r\n",
    "no_end": b"2\r\n{}\r\n",
    "no_size": b"\r\n\r\n\r\n",
    "endless_size": b"0" * 100_000,
}


def _case(name: str, fault: Crumbs | Preface, expected: Expected) -> Case:
    return Case(id=name, answer=failing(fault), streamed=expected, plain=expected)


def _crumbs() -> Iterator[Case]:
    for size in (1, 2, 3, 5, 7, 64):
        answer = failing_at_length(Crumbs(size=size))
        yield Case(id=f"crumbs_of_{size}", answer=answer, streamed=_WHOLE, plain=_WHOLE)


def _prefaces() -> Iterator[Case]:
    for name, raw in _BEFORE_AN_ANSWER.items():
        yield _case(f"{name}_first", Preface(raw=raw, then="answer"), Answers())
    lost = retried("malformed", "unreachable", "truncated")
    for name, raw in _NO_HTTP.items():
        yield _case(f"no_http_{name}", Preface(raw=raw), lost)
    for name, chunks in _ODD_CHUNKS.items():
        yield _case(f"chunks_{name}", Preface(raw=_CHUNKED + chunks), lost)
    switching = Preface(raw=b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
    yield Case(
        id="other_protocol",
        answer=failing(switching),
        streamed=retried("malformed", status=101),
        plain=retried("malformed", status=101),
    )


def _silences() -> Iterator[Case]:
    beginnings: dict[str, bytes] = {
        "in_status_line": b"HTTP/1.1 2",
        "in_head": b"HTTP/1.1 200 OK\r\nContent-Type: app",
        "after_hints": b"HTTP/1.1 103 Early Hints\r\n\r\n",
        "in_chunk_size": _CHUNKED + b"1",
    }
    then: Literal["hang"] = "hang"
    for name, raw in beginnings.items():
        yield Case(
            id=f"silence_{name}",
            answer=failing(Preface(raw=raw, then=then)),
            streamed=retried("timeout"),
            plain=retried("timeout"),
            timeouts=SILENT_AT_ONCE,
        )


CASES: tuple[Case, ...] = (*_crumbs(), *_prefaces(), *_silences())
