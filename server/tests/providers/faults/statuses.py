"""Cases in which the vendor answers with another status than 200, or says when to come back."""

from __future__ import annotations

from collections.abc import Iterator

from fake_vendor import Fault, Instead, Status
from fake_vendor.script import AnyFault
from fake_vendor.terms import ProblemKind
from providers.faults.case import Case, failing
from providers.faults.expected import UNPROMISED, Expected, final, retried, too_long_a_wait

_QUOTA = "You exceeded your current quota, please check your plan and billing details."
_HTML = b"<!doctype html><html><body><h1>Welcome to the hotel network</h1></body></html>"
_ELSEWHERE = "Location: http://127.0.0.1:9/v1/chat/completions"

_REJECTED = (400, 406, 410, 411, 412, 414, 415, 416, 417, 418, 421, 422, 423, 426, 428, 431, 451, 499)
_FAILED = (500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510, 511)
_FAILED_AT_THE_EDGE = (520, 521, 522, 523, 524, 525, 526, 527, 529, 530, 598, 599)
_NOT_AN_ANSWER = (201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 305, 307, 308)

_BODIES: dict[str, bytes] = {
    "empty": b"",
    "html": _HTML,
    "null": b"null",
    "list": b"[1, 2]",
    "number": b"7",
    "word": b'"no"',
    "garbage": bytes(range(256)),
    "half_json": b'{"error": {"message": "No',
    "error_null": b'{"error": null}',
    "error_number": b'{"error": 7}',
    "error_list": b'{"error": [null, {"message": []}]}',
    "error_odd_fields": b'{"error": {"message": 5, "type": [], "code": {}, "details": [[7]]}}',
    "deep": b"[" * 100_000,
    "deep_error": b'{"error":' * 20_000 + b"1" + b"}" * 20_000,
    "huge": b'{"error": {"message": "' + b"x" * 1_000_000 + b'"}}',
    "surrogate": b'{"error": {"message": "\\ud800 \\u0000"}}',
}

_PROMISES: dict[str, tuple[tuple[str, ...], float | None]] = {
    "nothing": ((), None),
    "seconds": (("Retry-After: 7",), 7.0),
    "spaces": (("Retry-After:   7  ",), 7.0),
    "zero": (("Retry-After: 0",), 0.0),
    "soon": (("Retry-After: 0.01",), 0.01),
    "hour": (("Retry-After: 3600",), 3_600.0),
    "century": (("Retry-After: 99999999999",), 86_400.0),
    "negative": (("Retry-After: -1",), None),
    "exponent": (("Retry-After: 1e3",), 1_000.0),
    "infinite": (("Retry-After: inf",), None),
    "no_number": (("Retry-After: nan",), None),
    "words": (("Retry-After: soon, we hope",), None),
    "empty": (("Retry-After:",), None),
    "date": (("Retry-After: {date}",), 3_600.0),
    "past_date": (("Retry-After: {past}",), 0.0),
    "odd_date": (("Retry-After: Fri, 99 Foo 2026 25:61:61 GMT",), None),
    "distant_date": (("Retry-After: Fri, 31 Dec 9999 23:59:59 -2359",), 86_400.0),
    "milliseconds": (("retry-after-ms: 5",), 0.005),
    "azure_milliseconds": (("x-ms-retry-after-ms: 5",), 0.005),
    "odd_milliseconds": (("retry-after-ms: many", "Retry-After: 7"), 7.0),
    "both": (("retry-after-ms: 1500", "Retry-After: 7"), 1.5),
    "twice": (("Retry-After: 7", "Retry-After: 9"), 7.0),
}


def _both(name: str, fault: AnyFault, expected: Expected) -> Case:
    return Case(id=name, answer=failing(fault), streamed=expected, plain=expected)


def _status(status: int, kind: ProblemKind, expected: Expected, *, name: str = "", message: str = "") -> Case:
    fault = Status(status=status, kind=kind, message=message or "Something is wrong.")
    return _both(name or f"status_{status}", fault, expected)


def _meanings() -> Iterator[Case]:
    yield _status(401, "authentication", final("rejected_key", status=401))
    yield _status(402, "payment", final("spend_limit", status=402))
    yield _status(403, "permission", final("rejected_key", status=403))
    yield _status(404, "model_missing", final("model_missing", status=404))
    yield _status(405, "invalid", final("rejected_request", status=405))
    yield _status(408, "timeout", retried("timeout", status=408))
    yield _status(409, "conflict", retried("failed", status=409))
    # Anthropic has a word for a request that is too large; for the others it is one request among many.
    yield _status(413, "too_large", final("rejected_request", "context_length", status=413))
    yield _status(424, "server", retried("failed", status=424))  # Bedrock: the model failed
    yield _status(425, "server", retried("failed", status=425))
    for status in _REJECTED:
        yield _status(status, "invalid", final("rejected_request", status=status))
    for status in _FAILED + _FAILED_AT_THE_EDGE:
        yield _status(status, "server", retried("failed", status=status))
    yield _status(529, "overloaded", retried("failed", status=529), name="overloaded")
    yield _status(503, "overloaded", retried("failed", status=503), name="overloaded_503")


def _refused_for_good() -> Iterator[Case]:
    too_long = "This model's maximum context length is 8192 tokens, and your messages have 9000."
    for status in (400, 413, 422):
        name = f"context_length_{status}"
        expected = final("context_length", status=status)
        yield _status(status, "context_length", expected, name=name, message=too_long)
    policy = final("content_policy", "rejected_request", status=400)
    yield _status(400, "content_policy", policy, name="content_policy")
    yield _status(429, "quota", final("spend_limit", status=429), name="quota", message=_QUOTA)
    in_words = final("spend_limit", status=429)
    yield _status(429, "rate_limit", in_words, name="quota_in_words", message=_QUOTA)
    by_type = Status(status=429, kind="quota", message="No.")
    yield Case(
        id="quota_by_type",
        answer=failing(by_type),
        streamed=final("spend_limit", "rate_limited", status=429),
        plain=final("spend_limit", "rate_limited", status=429),
        on={"openai_chat": in_words, "openai_responses": in_words},
    )
    waiting = Status(status=429, kind="quota", message=_QUOTA, headers=("Retry-After: 0",))
    yield _both("quota_with_retry_after", waiting, final("spend_limit", status=429, wait=0.0))
    yield _both("key_repeated", Fault.UNAUTHORIZED, final("rejected_key", status=401))


def _by_status_alone() -> Iterator[Case]:
    """What a status means where a proxy or a gateway sends it, without the vendor's words."""
    meanings: dict[int, Expected] = {
        400: final("rejected_request", status=400),
        401: final("rejected_key", status=401),
        402: final("spend_limit", status=402),
        403: final("rejected_key", status=403),
        404: final("model_missing", status=404),
        408: retried("timeout", status=408),
        409: retried("failed", status=409),
        413: final("rejected_request", "context_length", status=413),
        425: retried("failed", status=425),
        429: final("rate_limited", status=429),
        503: retried("failed", status=503),
        529: retried("failed", status=529),
    }
    for status, expected in meanings.items():
        silent = Status(status=status, body=b"", content_type="text/plain")
        page = Status(status=status, body=_HTML, content_type="text/html")
        foreign = Status(status=status, body=b'{"detail": "No, thank you."}')
        for name, fault in {"silent": silent, "page": page, "foreign": foreign}.items():
            yield _both(f"status_{status}_{name}", fault, expected)


def _no_answers() -> Iterator[Case]:
    for status in _NOT_AN_ANSWER:
        headers = (_ELSEWHERE,) if status in range(300, 309) else ()
        fault = Status(status=status, body=b"", headers=headers)
        yield _both(f"status_{status}", fault, retried("malformed", status=status))
    nowhere = Status(status=302, body=b"")
    yield _both("redirect_to_nowhere", nowhere, retried("malformed", status=302))
    inside = Status(status=308, body=b"", headers=("Location: http://169.254.169.254/latest/meta-data/",))
    yield _both("redirect_inside", inside, retried("malformed", status=308))


def _bodies_of_errors() -> Iterator[Case]:
    for name, body in _BODIES.items():
        content_type = "text/html" if body[:1] == b"<" else "application/json"
        failed = Status(status=500, body=body, content_type=content_type)
        rejected = Status(status=400, body=body, content_type=content_type)
        yield _both(f"error_500_{name}", failed, retried("failed", status=500))
        yield _both(f"error_400_{name}", rejected, final("rejected_request", status=400))
    packed = Status(status=500, body=b"not gzip", headers=("Content-Encoding: gzip",))
    yield _both("error_500_bad_gzip", packed, retried("failed", status=500))


def _promises() -> Iterator[Case]:
    for name, (headers, wait) in _PROMISES.items():
        limited = Status(status=429, kind="rate_limit", message="Too fast.", headers=headers)
        is_soon = wait is not None and wait < 1
        if wait is None:
            expected = final("rate_limited", status=429)
        elif is_soon:
            expected = retried("rate_limited", status=429, wait=wait)
        else:
            # 1.5 s would fit a budget in production; here none does that a test would have to wait for.
            expected = too_long_a_wait("rate_limited", 429, wait)
        yield Case(
            id=f"rate_limit_{name}",
            answer=failing(limited),
            streamed=expected,
            plain=expected,
            always_on=UNPROMISED if wait is None else {},
            budget_seconds=1.0,
        )
    busy = Status(status=503, headers=("Retry-After: 3600",))
    yield _both("busy_for_an_hour", busy, too_long_a_wait("failed", 503, 3_600.0))
    free = Status(status=503, headers=("Retry-After: 0",))
    yield _both("busy_no_more", free, retried("failed", status=503, wait=0.0))


def _odd_heads() -> Iterator[Case]:
    long_header = Instead(headers=("X-Long: " + "x" * 100_000,))
    many_headers = Instead(headers=tuple(f"X-{number}: y" for number in range(5_000)))
    two_lengths = Instead(body=b"{}", headers=("Content-Length: 7",))
    no_number = Instead(body=b"{}", headers=("Transfer-Encoding: chunked",))
    for name, fault in {
        "long_header": long_header,
        "two_lengths": two_lengths,
        "length_and_chunks": no_number,
    }.items():
        yield _both(name, fault, retried("malformed", "unreachable", "truncated"))
    yield _both("many_headers", many_headers, retried("malformed", "truncated"))


CASES: tuple[Case, ...] = (
    *_meanings(),
    *_refused_for_good(),
    *_by_status_alone(),
    *_no_answers(),
    *_bodies_of_errors(),
    *_promises(),
    *_odd_heads(),
)
