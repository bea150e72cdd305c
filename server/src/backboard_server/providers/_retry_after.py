"""Retry-After: how long a provider asks us to wait, in the forms that providers use."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SECONDS_MAX = 86_400.0  # a day: whoever says more means "not with this request"


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the wait in seconds, or None where the headers say nothing that can be understood.

    `retry-after-ms` (OpenAI) and `x-ms-retry-after-ms` (Azure, in Portkey's documentation of retries), both
    in milliseconds, go before `Retry-After` (seconds, or a date of RFC 9110 section 5.6.7). A date that has
    passed is no wait at all.
    """
    milliseconds = _number(headers.get("retry-after-ms") or headers.get("x-ms-retry-after-ms"))
    value = headers.get("Retry-After")
    seconds = _number(value) if milliseconds is None else milliseconds / 1000
    wait = _until(value, now) if seconds is None else seconds
    return None if wait is None else min(wait, SECONDS_MAX)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _until(value: str | None, now: datetime) -> float | None:
    try:
        date = parsedate_to_datetime(value or "")
    except ValueError:
        return None
    aware = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
