"""Cases of the faults that have a name, as the other tests use them, beside those that are data."""

from __future__ import annotations

from fake_vendor import Answer, Fault
from providers.faults.case import PATIENT, SILENT_LATER, Case, failing
from providers.faults.expected import (
    TEXT,
    UNPROMISED,
    Answers,
    Contained,
    Expected,
    Fails,
    broken_off,
    final,
    retried,
)
from providers.faults.expected import too_long_a_wait as waits

_CITY = '{"city": "' + "x" * 5 * 1024 * 1024 + '"}'

_ALIKE: dict[Fault, Expected] = {
    Fault.FORBIDDEN: final("rejected_key", status=403),
    Fault.MODEL_MISSING: final("model_missing", status=404),
    Fault.CONTEXT_LENGTH: final("context_length", status=400),
    Fault.REQUEST_TIMEOUT: retried("timeout", status=408),
    Fault.CONFLICT: retried("failed", status=409),
    Fault.RATE_LIMITED: final("rate_limited", status=429),
    Fault.RATE_LIMITED_SECONDS: waits("rate_limited", 429, 7.0),
    Fault.RATE_LIMITED_DATE: waits("rate_limited", 429, 3_600.0),
    Fault.RATE_LIMITED_MILLISECONDS: waits("rate_limited", 429, 1.5),
    Fault.RATE_LIMITED_ZERO: retried("rate_limited", status=429, wait=0.0),
    Fault.RATE_LIMITED_HOUR: waits("rate_limited", 429, 3_600.0),
    Fault.RATE_LIMITED_GARBAGE: final("rate_limited", status=429),
    Fault.SERVER_ERROR: retried("failed", status=500),
    Fault.BAD_GATEWAY: retried("failed", status=502),
    Fault.UNAVAILABLE: waits("failed", 503, 2.0),
    Fault.GATEWAY_TIMEOUT: retried("failed", status=504),
    Fault.OVERLOADED: retried("failed", status=529),
    Fault.REDIRECT: retried("malformed", status=307),
    Fault.WRONG_CONTENT_TYPE: Answers(),
    Fault.ERROR_FIRST: retried("failed"),
    Fault.SLOW_CLOSE: Answers(),
    Fault.USAGE_NEGATIVE: Answers(),
    Fault.USAGE_ABSURD: Answers(),
    Fault.UNKNOWN_TOOL: Answers(reason="tool_calls", calls=(("no_such_tool", '{"a": 1}'),)),
    Fault.DUPLICATE_CALL_IDS: Answers(reason="tool_calls", calls=(("first", "{}"), ("second", "{}"))),
    Fault.MANY_CALLS: Answers(
        reason="tool_calls", calls=tuple(("look_up", f'{{"n": {number}}}') for number in range(200))
    ),
    Fault.NAMELESS_CALL: Fails(kinds=("malformed",)),
    Fault.HUGE_ARGUMENTS: Answers(reason="tool_calls", calls=(("look_up", _CITY),)),
}
# A plain answer has no pieces: it is cut in its only one, or not touched at all.
_APART: dict[Fault, tuple[Expected, Expected]] = {
    Fault.ERROR_MID_STREAM: (broken_off("failed"), retried("failed")),
    Fault.HANG_BETWEEN_CHUNKS: (broken_off("timeout"), retried("timeout")),
    Fault.TRUNCATED: (broken_off("truncated"), retried("malformed")),
    Fault.TRUNCATED_CLOSE: (broken_off("truncated"), retried("truncated")),
    Fault.TRUNCATED_RESET: (broken_off("truncated"), retried("truncated")),
    Fault.TRUNCATED_MID_UTF8: (broken_off("truncated"), retried("truncated")),
    Fault.TRUNCATED_MID_JSON: (broken_off("truncated"), retried("malformed")),
    Fault.DUPLICATED_CHUNK: (Contained(), Answers()),
}


def _case(fault: Fault, streamed: Expected, plain: Expected) -> Case:
    answer = Answer(text=TEXT, chunks=6, fault=fault)
    return Case(
        id=f"named_{fault}",
        answer=answer if fault in _APART else failing(fault),
        streamed=streamed,
        plain=plain,
        always_on=UNPROMISED if fault in (Fault.RATE_LIMITED, Fault.RATE_LIMITED_GARBAGE) else {},
        timeouts=SILENT_LATER if fault is Fault.HANG_BETWEEN_CHUNKS else PATIENT,
        budget_seconds=1.0,
    )


CASES: tuple[Case, ...] = (
    *(_case(fault, expected, expected) for fault, expected in _ALIKE.items()),
    *(_case(fault, *expected) for fault, expected in _APART.items()),
)
