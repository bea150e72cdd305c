"""The dates that a clause names, held against when it was said. All times UTC."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from backboard_server.memory.calendar import MONTH, NUMBERS, WEEKDAYS, as_spelled, midnight, month_number

_YEAR = r"(?P<year>(?:19|20)\d\d)\b"
_NAMED = re.compile(
    rf"(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? +)?\b(?P<month>{MONTH})\.?"
    rf"(?: +(?P<later_day>\d{{1,2}})(?:st|nd|rd|th)?\b)?(?:,? +{_YEAR})?",
    re.I,
)
_ISO = re.compile(r"\b((?:19|20)\d\d)-(\d\d)-(\d\d)\b")
_PLAIN_YEAR = re.compile(rf"\b{_YEAR}")
_NEAR = re.compile(
    rf"\b(?:tomorrow|(?:next|this) (?P<unit>week|month|year|weekend)|(?:on|next"
    rf"|this) (?P<weekday>{'|'.join(WEEKDAYS)}))\b",
    re.I,
)
_PAST = re.compile(
    r"\b(?:yesterday|last (?P<unit>week|month|year)|(?P<count>a|two|three|four|five|six"
    r"|\d{1,2}) (?P<units>day|week|month|year)s? ago)\b",
    re.I,
)
_COUNTS = NUMBERS | {"a": 1}
_UNIT_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


class Period(Struct, frozen=True):
    """A day, a month or a year: `label` is its ISO date as far as known, `start` to `end` is in the text."""

    label: str
    begins: datetime
    ends: datetime
    start: int
    end: int


def period_of(text: str, said_at: datetime) -> Period | None:
    """Return the time to come that a text names, or None. A month without a year is the next one."""
    with suppress(ValueError, OverflowError):  # the 31st of June, or a year that is none
        return _to_come(text, said_at)
    return None


def moment_of(text: str, said_at: datetime) -> datetime | None:
    """Return the past time that a text names, such as "since 2019" or "last month", or None."""
    with suppress(ValueError, OverflowError):
        return _gone_by(text, said_at)
    return None


def birthday_of(text: str) -> str | None:
    """Return a day of birth as "MM-DD", or "YYYY-MM-DD" where its year is named, or None."""
    if iso := _ISO.search(text):
        return iso.group()
    named = _NAMED.search(text)
    day = (named["day"] or named["later_day"]) if named else None
    if named is None or day is None or not 1 <= int(day) <= 31:
        return None
    date = f"{month_number(named['month']):02}-{int(day):02}"
    return f"{named['year']}-{date}" if named["year"] else date


def _to_come(text: str, said_at: datetime) -> Period | None:
    if near := _NEAR.search(text):
        return _near(near, said_at)
    if iso := _ISO.search(text):
        return _period(iso, int(iso[1]), int(iso[2]), int(iso[3]))
    if named := _NAMED.search(text):
        month = month_number(named["month"])
        day = named["day"] or named["later_day"]
        year = int(named["year"]) if named["year"] else said_at.year + (month < said_at.month)
        return _period(named, year, month, int(day) if day else None)
    if year := _PLAIN_YEAR.search(text):
        return _period(year, int(year["year"]), None, None)
    return None


def _gone_by(text: str, said_at: datetime) -> datetime | None:
    if past := _PAST.search(text):
        unit = past["unit"] or past["units"] or "day"
        count = past["count"] or "1"
        days = _UNIT_DAYS[as_spelled(unit)] * (_COUNTS.get(as_spelled(count)) or int(count))
        return said_at - timedelta(days=days)
    if (named := _NAMED.search(text)) and not named["year"]:
        month = month_number(named["month"])
        return datetime(said_at.year - (month > said_at.month), month, 1, tzinfo=UTC)
    period = _to_come(text, said_at)
    return period.begins if period is not None and period.begins < said_at else None


def _near(found: re.Match[str], said_at: datetime) -> Period:
    today = midnight(said_at)
    unit = as_spelled(found["unit"] or "")
    is_next = as_spelled(found.group()).startswith("next")
    if unit == "year":
        return _period(found, said_at.year + is_next, None, None)
    if unit == "month":
        month = said_at.month + is_next
        return _period(found, said_at.year + month // 13, (month - 1) % 12 + 1, None)
    if unit in {"week", "weekend"}:
        monday = today + timedelta(days=7 * is_next - today.weekday())
        begins = monday + timedelta(days=5 if unit == "weekend" else 0)
        ends = monday + timedelta(days=7)
    else:
        ahead = 1
        if found["weekday"]:
            ahead = (WEEKDAYS.index(as_spelled(found["weekday"])) - today.weekday() - 1) % 7 + 1
        begins = today + timedelta(days=ahead)
        ends = begins + timedelta(days=1)
    return Period(begins.date().isoformat(), begins, ends, found.start(), found.end())


def _period(found: re.Match[str], year: int, month: int | None, day: int | None) -> Period:
    begins = datetime(year, month or 1, day or 1, tzinfo=UTC)
    if day is not None:
        ends = begins + timedelta(days=1)
    elif month is not None:
        ends = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    else:
        ends = datetime(year + 1, 1, 1, tzinfo=UTC)
    label = "-".join(f"{part:02}" for part in (year, month, day) if part is not None)
    return Period(label, begins, ends, found.start(), found.end())
