from __future__ import annotations

import msgspec
import pytest

from backboard_server.providers._quota import refill_seconds
from backboard_server.providers._refusals import refusal

SPOKEN = "You exceeded your current quota, please check your plan."


def _problem(delay: str, quota_id: str = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier") -> object:
    details = [
        {
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": quota_id, "quotaDimensions": {"model": "gemini-2.5-pro"}}],
        },
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay},
    ]
    return {"error": {"code": 429, "message": SPOKEN, "status": "RESOURCE_EXHAUSTED", "details": details}}


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [("34.4s", 34.4), ("0s", 0.0), ("9999999s", 86_400.0), ("-1s", None), ("soon", None), ("nans", None)],
)
def test_the_delay_of_google_is_read_within_bounds(delay: str, seconds: float | None) -> None:
    assert refill_seconds(_problem(delay)) == seconds
    assert refill_seconds([_problem(delay)]) == seconds


@pytest.mark.parametrize("problem", [None, [], "no", {"error": "no"}, {"error": {"details": ["no"]}}, {}])
def test_an_error_of_another_shape_tells_of_no_wait(problem: object) -> None:
    assert refill_seconds(problem) is None


def test_a_quota_of_the_minute_is_a_rate_limit_with_its_delay() -> None:
    failure = refusal(429, msgspec.json.encode(_problem("34.4s")))

    assert (failure.kind, failure.retry_after_seconds) == ("rate_limited", 34.4)


def test_a_quota_of_the_day_is_used_up_whatever_delay_is_given() -> None:
    failure = refusal(
        429, msgspec.json.encode(_problem("34.4s", "GenerateRequestsPerDayPerProject-FreeTier"))
    )

    assert (failure.kind, failure.retry_after_seconds) == ("spend_limit", None)


def test_a_header_goes_before_the_delay_in_the_body() -> None:
    failure = refusal(429, msgspec.json.encode(_problem("34.4s")), retry_after_seconds=7.0)

    assert failure.retry_after_seconds == 7.0
