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
