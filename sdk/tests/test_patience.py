from __future__ import annotations

import httpx
import pytest

from backboard import BackboardAPIError, BackboardConnectionError, BackboardTruncatedError
from backboard._patience import http_timeout, pause_seconds, resuming_pause_seconds


def answered(status: int, retry_after: str | None = None) -> BackboardAPIError:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return BackboardAPIError("", status, httpx.Response(status, headers=headers))


def broke(cause: Exception) -> BackboardAPIError:
    error = BackboardConnectionError("")
    error.__cause__ = cause
    return error


def test_the_pause_doubles_up_to_eight_seconds() -> None:
    pauses = [pause_seconds("GET", answered(503), attempts, 1.0) for attempts in range(1, 8)]

    assert pauses == [0.5, 1, 2, 4, 8, 8, 8]


def test_chance_spreads_the_pause_over_its_upper_half() -> None:
    assert [pause_seconds("GET", answered(503), 2, chance) for chance in (0.0, 0.5, 1.0)] == [0.5, 0.75, 1.0]


def test_the_servers_word_on_the_pause_is_taken_up_to_a_minute() -> None:
    assert pause_seconds("GET", answered(503, "0"), 5, 1.0) == 0
    assert pause_seconds("POST", answered(429, "60"), 1, 1.0) == 60
    assert pause_seconds("POST", answered(429, "61"), 1, 1.0) is None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_every_method_is_repeated_after_passing_trouble(method: str) -> None:
    for status in (408, 429, 502, 503, 504):
        assert pause_seconds(method, answered(status), 1, 1.0) is not None
    for cause in (
        httpx.ReadError(""),
        httpx.RemoteProtocolError(""),
        httpx.ConnectError(""),
        httpx.ConnectTimeout(""),
    ):
        assert pause_seconds(method, broke(cause), 1, 1.0) is not None


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 500, 501])
def test_no_method_is_repeated_after_trouble_that_lasts(status: int) -> None:
    for method in ("GET", "PUT", "DELETE", "POST"):
        assert pause_seconds(method, answered(status, "0"), 1, 1.0) is None


@pytest.mark.parametrize("code", ["provider_rate_limited", "run_interrupted"])
def test_a_post_whose_run_failed_is_not_repeated_as_its_key_would_only_replay_the_failure(code: str) -> None:
    error = answered(429, "1")
    error.body = {"detail": "OpenAI is busy", "code": code}

    assert pause_seconds("POST", error, 1, 1.0) is None
    assert pause_seconds("GET", error, 1, 1.0) == 1


def test_a_caller_that_has_waited_its_time_is_not_made_to_wait_again() -> None:
    assert pause_seconds("GET", broke(httpx.ReadTimeout("")), 1, 1.0) is None
    assert pause_seconds("POST", broke(httpx.PoolTimeout("")), 1, 1.0) is None


def test_a_stream_is_also_taken_up_again_after_silence_and_after_an_early_end() -> None:
    assert resuming_pause_seconds("GET", broke(httpx.ReadTimeout("")), 1, 1.0) == 0.5
    assert resuming_pause_seconds("GET", BackboardTruncatedError(""), 2, 1.0) == 1
    assert resuming_pause_seconds("GET", answered(503, "3"), 2, 1.0) == 3
    assert resuming_pause_seconds("GET", answered(404), 1, 1.0) is None


def test_the_first_timeout_that_was_given_counts() -> None:
    assert http_timeout(None, None) == httpx.Timeout(600, connect=5)
    assert http_timeout(None, 30) == httpx.Timeout(30, connect=5)
    assert http_timeout(2, 30) == httpx.Timeout(2, connect=2)
    assert http_timeout(httpx.Timeout(None), 30) == httpx.Timeout(None)
