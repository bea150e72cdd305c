"""When a quota of Google refills: RetryInfo and QuotaFailure among the details of a refusal.

Reference: cloud.google.com/apis/design/errors#error_details. The Gemini API says "You exceeded your current
quota" of what refills in seconds as well as of what is gone for the day, and sends no Retry-After; the delay
that it gives for the latter is no help (ids and delays as recorded in vercel/ai, packages/google).
"""

from __future__ import annotations

import math

import msgspec

from ._retry_after import SECONDS_MAX

_OF_THE_DAY = "PerDay"


class _Violation(msgspec.Struct, rename="camel"):
    quota_id: str = ""


class _Detail(msgspec.Struct, rename="camel"):
    retry_delay: str = ""  # "34.4s"
    violations: list[_Violation] = []


class _Error(msgspec.Struct):
    details: list[_Detail] = []


class _Problem(msgspec.Struct):
    error: _Error


def refill_seconds(problem: object) -> float | None:
    """Return how long to wait for a quota that refills soon; None where an error tells of none."""
    try:
        details = msgspec.convert(_first(problem), _Problem).error.details
    except msgspec.ValidationError:
        return None
    if any(_OF_THE_DAY in violation.quota_id for detail in details for violation in detail.violations):
        return None
    delays = (_seconds(detail.retry_delay) for detail in details)
    return next((delay for delay in delays if delay is not None), None)


def _first(problem: object) -> object:
    return next(iter(problem), None) if isinstance(problem, list) else problem  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - decoded JSON


def _seconds(duration: str) -> float | None:
    try:
        seconds = float(duration.removesuffix("s"))
    except ValueError:
        return None
    return min(seconds, SECONDS_MAX) if math.isfinite(seconds) and seconds >= 0 else None
