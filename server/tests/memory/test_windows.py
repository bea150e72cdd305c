"""A time is read out of a question as a span of days, counted from when it is asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from backboard_server.memory.windows import Window, window_of

SATURDAY = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)


def found_in(text: str) -> Window | None:
    return window_of(text, SATURDAY)[0]


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("today", ("2026-11-28", "2026-11-29")),
        ("yesterday", ("2026-11-27", "2026-11-28")),
        ("the day before yesterday", ("2026-11-26", "2026-11-27")),
        ("three days ago", ("2026-11-25", "2026-11-26")),
        ("a couple of weeks ago", ("2026-11-09", "2026-11-16")),
        ("2 months ago", ("2026-09-01", "2026-10-01")),
        ("a year ago", ("2025-01-01", "2026-01-01")),
        ("Last week", ("2026-11-16", "2026-11-23")),
        ("last weekend", ("2026-11-21", "2026-11-23")),
        ("this month", ("2026-11-01", "2026-12-01")),
        ("last year", ("2025-01-01", "2026-01-01")),
        ("last Friday", ("2026-11-27", "2026-11-28")),
        ("on Saturday", ("2026-11-21", "2026-11-22")),
        ("in the last 3 months", ("2026-08-01", "2026-11-28")),
        ("2023-05-07", ("2023-05-07", "2023-05-08")),
        ("in 2023-05", ("2023-05-01", "2023-06-01")),
        ("am 07.05.2023", ("2023-05-07", "2023-05-08")),
        ("on 7 May 2023", ("2023-05-07", "2023-05-08")),
        ("on the 7th of May, 2023", ("2023-05-07", "2023-05-08")),
        ("on May 7th, 2023", ("2023-05-07", "2023-05-08")),
        ("on 7 May", ("2026-05-07", "2026-05-08")),
        ("on 24 December", ("2025-12-24", "2025-12-25")),
        ("in May 2023", ("2023-05-01", "2023-06-01")),
        ("in December", ("2025-12-01", "2026-01-01")),
        ("between May and July 2023", ("2023-05-01", "2023-08-01")),
        ("between 2019 and 2021", ("2019-01-01", "2022-01-01")),
        ("2022", ("2022-01-01", "2023-01-01")),
        ("since March", ("2026-03-01", "2026-11-28")),
        ("after May 2024", ("2024-06-01", "2026-11-28")),
        ("before 2020", ("1900-01-01", "2020-01-01")),
        ("until 7 May 2023", ("1900-01-01", "2023-05-07")),
        ("next month", ("2026-12-01", "2027-01-01")),
        ("f\u0131ve days ago", ("2026-11-23", "2026-11-24")),
        ("last n\u0130ght", ("2026-11-27", "2026-11-28")),
        ("gestern", ("2026-11-27", "2026-11-28")),
        ("что я сказал вчера?", ("2026-11-27", "2026-11-28")),
        ("我昨天说了什么", ("2026-11-27", "2026-11-28")),
    ],
)
def test_a_time_is_a_span_of_days(text: str, window: tuple[str, str]) -> None:
    start, end = found_in(text) or (SATURDAY, SATURDAY)

    assert (start.date().isoformat(), end.date().isoformat()) == window


@pytest.mark.parametrize(
    "text",
    [
        "",
        "You may march on",
        "31 February",
        "room 2048",
        "the player",
        "2023-13-01",
        "999999 years ago",
        "9999-12-31",
    ],
)
def test_what_names_no_time_to_remember_has_none(text: str) -> None:
    assert found_in(text) is None


def test_a_day_begins_where_it_is_asked() -> None:
    tokyo = timezone(timedelta(hours=9))

    window, _ = window_of("yesterday", SATURDAY.astimezone(tokyo))

    assert window == (datetime(2026, 11, 27, tzinfo=tokyo), datetime(2026, 11, 28, tzinfo=tokyo))


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("eaten last week", "eaten  ; "),
        ("eaten three days ago or on Monday", "eaten  ;  or  ; "),
        ("eaten in May 2023", "eaten in May 2023"),
    ],
)
def test_a_time_that_is_counted_from_now_is_taken_out_of_the_text(text: str, rest: str) -> None:
    assert window_of(text, SATURDAY)[1] == rest


@pytest.mark.parametrize("year", [1, 9999])
@pytest.mark.parametrize("text", ["2 years ago", "last week", "tomorrow", "before May", "next year"])
def test_at_the_ends_of_the_calendar_nothing_breaks(text: str, year: int) -> None:
    window, _ = window_of(text, datetime(year, 1 if year == 1 else 12, 31, tzinfo=UTC))

    assert window is None or window[0] <= window[1]
