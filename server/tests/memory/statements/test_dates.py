"""Dates that are named in passing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backboard_server.memory.statements.dates import birthday_of, moment_of, period_of
from memory.saying import SAID_AT


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("in May", "2023-05"),
        ("in January", "2023-01"),
        ("on May 3rd, 2024", "2024-05-03"),
        ("on 2023-07-04", "2023-07-04"),
        ("in 2025", "2025"),
        ("next month", "2023-02"),
        ("on Tuesday", "2023-01-17"),
        ("on Friday", "2023-01-13"),
        ("this weekend", "2023-01-14"),
        ("next year", "2024"),
        ("next week", "2023-01-16"),
        ("tomorrow", "2023-01-11"),
        ("on \u017funday", "2023-01-15"),
        ("on fr\u0130day", "2023-01-13"),
        ("in \u017fept 2024", "2024-09"),
        ("some day", None),
        ("on 31 June", None),
    ],
)
def test_a_time_to_come(text: str, label: str | None) -> None:
    period = period_of(text, SAID_AT)

    assert (period.label if period else None) == label


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        (" since 2019", datetime(2019, 1, 1, tzinfo=UTC)),
        (" in October", datetime(2022, 10, 1, tzinfo=UTC)),
        (" two years ago", datetime(2021, 1, 10, tzinfo=UTC)),
        (" \u017fix days ago", datetime(2023, 1, 4, tzinfo=UTC)),
        (" last month", datetime(2022, 12, 11, tzinfo=UTC)),
        (" in 2040", None),
        (" with my dog", None),
    ],
)
def test_a_time_that_is_past(text: str, moment: datetime | None) -> None:
    assert moment_of(text, SAID_AT) == moment


@pytest.mark.parametrize(
    ("text", "birthday"),
    [("3 march", "03-03"), ("1990-03-03", "1990-03-03"), ("in march", None), ("45 may", None)],
)
def test_a_birthday(text: str, birthday: str | None) -> None:
    assert birthday_of(text) == birthday


@pytest.mark.parametrize(
    "text", ["next year", "tomorrow", "next week", "next month", "99 years ago", "in May"]
)
def test_at_the_ends_of_the_calendar_nothing_breaks(text: str) -> None:
    for year, month in ((1, 1), (9999, 12)):
        said_at = datetime(year, month, 31, tzinfo=UTC)

        period, moment = period_of(text, said_at), moment_of(text, said_at)

        assert period is None or period.begins <= period.ends
        assert moment is None or moment <= said_at
