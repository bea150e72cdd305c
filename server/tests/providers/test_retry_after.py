from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backboard_server.providers._retry_after import retry_after_seconds

NOW = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("0.5", 0.5),
        ("3600", 3600.0),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30.0),
        ("Fri, 20 Nov 2026 12:00:30 -0000", 30.0),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("soon, we hope", None),
        ("Fri, 99 Nov 2026 12:00:30 GMT", None),
        ("", None),
    ],
)
def test_a_wait_is_understood_in_seconds_and_as_a_date_or_not_at_all(
    value: str, seconds: float | None
) -> None:
    assert retry_after_seconds({"Retry-After": value}, NOW) == seconds


def test_milliseconds_go_before_seconds() -> None:
    assert retry_after_seconds({"Retry-After": "9", "retry-after-ms": "1500"}, NOW) == 1.5
    assert retry_after_seconds({"Retry-After": "9", "x-ms-retry-after-ms": "1500"}, NOW) == 1.5
    assert retry_after_seconds({"Retry-After": "9", "retry-after-ms": "soon"}, NOW) == 9.0


def test_without_a_header_nothing_is_said() -> None:
    assert retry_after_seconds({}, NOW) is None


def test_a_wait_of_years_is_cut_to_a_day() -> None:
    for headers in ({"Retry-After": "1e300"}, {"Retry-After": "Fri, 31 Dec 2099 23:59:59 GMT"}):
        assert retry_after_seconds(headers, NOW) == 86_400
