"""How long we wait for an answer, and when and after how long we ask again."""

from __future__ import annotations

import httpx

from .exceptions import BackboardAPIError, BackboardConnectionError

CONNECT_TIMEOUT_SECONDS = 5.0
READ_TIMEOUT_SECONDS = 600.0  # a model that thinks before it speaks may be silent for minutes
DELAY_FIRST_SECONDS = 0.5
DELAY_SECONDS_MAX = 8.0
RETRY_AFTER_SECONDS_MAX = 60.0

_PASSING_STATUSES = frozenset({408, 429, 502, 503, 504})
_OUTCOME_CODES = ("provider_", "run_")  # the run failed: it is over, and its key gives the same each time
_CUT_OFF = (httpx.NetworkError, httpx.ConnectTimeout, httpx.RemoteProtocolError)


def http_timeout(*candidates: float | httpx.Timeout | None) -> httpx.Timeout:
    """Return the first timeout that was given, else the default. Seconds bound each silence."""
    timeout = next((candidate for candidate in candidates if candidate is not None), READ_TIMEOUT_SECONDS)
    if isinstance(timeout, httpx.Timeout):
        return timeout
    return httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT_SECONDS))


def pause_seconds(method: str, error: BackboardAPIError, attempts_made: int, chance: float) -> float | None:
    """Return the pause before the next attempt, or None where there shall be none.

    The server's Retry-After is honoured, unless it is longer than we are ready to wait. Without it the pause
    doubles from half a second to eight. `chance`, from 0 to 1, spreads it over its upper half: clients that
    failed together shall not come back together.
    """
    return _pause_seconds(error, attempts_made, chance) if _may_repeat(method, error) else None


def resuming_pause_seconds(
    method: str, error: BackboardAPIError, tries_made: int, chance: float
) -> float | None:
    """As `pause_seconds`, for a stream that broke off: servers are not silent, so silence is a reason too."""
    may_resume = isinstance(error, BackboardConnectionError) or _may_repeat(method, error)
    return _pause_seconds(error, tries_made, chance) if may_resume else None


def _may_repeat(method: str, error: BackboardAPIError) -> bool:
    """Whether another attempt may end better. None can do harm: the server carries out a POST once per key.

    A read timeout is no reason to ask again: the caller has waited for as long as it was ready to.
    """
    if isinstance(error.__cause__, _CUT_OFF):
        return True
    is_outcome = method == "POST" and (error.code or "").startswith(_OUTCOME_CODES)
    return error.status_code in _PASSING_STATUSES and not is_outcome


def _pause_seconds(error: BackboardAPIError, attempts_made: int, chance: float) -> float | None:
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= RETRY_AFTER_SECONDS_MAX else None
    return min(DELAY_FIRST_SECONDS * 2 ** (attempts_made - 1), DELAY_SECONDS_MAX) * (0.5 + chance / 2)
