"""The time that a question names, from "yesterday" to "since May 2023", as a span of moments. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from .calendar import MONTH, MONTHS, NUMBERS, WEEKDAYS, as_spelled, midnight, month_number

Window = tuple[datetime, datetime]  # from when, and until before when


def window_of(text: str, asked_at: datetime) -> tuple[Window | None, str]:
    """Return the span of all the times that a text names, in the zone of `asked_at`, and the text besides.

    That keeps dates, which others may have written too; "yesterday" is never the same day.
    """
    spans: list[Window] = []
    rest = text
    for pattern, read in _TIMES:
        found = [*pattern.finditer(text)]
        if not found:  # nearly always
            continue
        for match in found:
            with suppress(ValueError, OverflowError):  # 31 February
                spans.append(_led(match["lead"], read(match, asked_at), asked_at))
        text = pattern.sub(" ; ", text)  # what is read is read once: "7 May 2023" is not 2023 besides
        if read in _COUNTED:
            rest = pattern.sub(" ; ", rest)
    if not spans:
        return None, rest
    return (min(start for start, _ in spans), max(end for _, end in spans)), rest


def _led(lead: str | None, window: Window, asked_at: datetime) -> Window:
    match lead and as_spelled(lead):
        case "since":
            return window[0], max(window[1], asked_at)
        case "after":
            return window[1], max(window[1], asked_at)
        case "before" | "until":
            return min(_EARLIEST, window[0]), window[0]
        case _:
            return window


def _day_of(match: re.Match[str], asked_at: datetime) -> Window:
    year = _year(match)
    start = midnight(asked_at).replace(year=year or asked_at.year, month=_month(match), day=int(match["d"]))
    if year is None and start > asked_at:  # what is asked of memory has been
        start = start.replace(year=start.year - 1)
    return start, start + timedelta(days=1)


def _month_of(match: re.Match[str], asked_at: datetime) -> Window:
    month = _month(match)
    year = _year(match) or asked_at.year - (month > asked_at.month)
    start = midnight(asked_at).replace(year=year, month=month, day=1)
    return start, _months_after(start, 1)


def _months_of(match: re.Match[str], asked_at: datetime) -> Window:
    first = midnight(asked_at).replace(year=int(match["y"]), month=1, day=1)
    return _months_after(first, _month(match) - 1), _months_after(first, month_number(match["until"]))


def _month(match: re.Match[str]) -> int:
    named = match.groupdict()
    return int(named["m"]) if "m" in named else month_number(named["month"])


def _year(match: re.Match[str]) -> int | None:
    year = match.groupdict().get("y")
    return int(year) if year else None


def _year_of(match: re.Match[str], asked_at: datetime) -> Window:
    year = int(match["y"])
    if year > asked_at.year + 1:
        raise ValueError("A number, rather than a year of which there is something to remember.")
    start = midnight(asked_at).replace(year=year, month=1, day=1)
    return start, start.replace(year=year + 1)


def _ago(match: re.Match[str], asked_at: datetime) -> Window:
    return _calendar(as_spelled(match["unit"]), -_number(match["n"]), asked_at)


def _lately(match: re.Match[str], asked_at: datetime) -> Window:
    return _ago(match, asked_at)[0], asked_at


def _nearby(match: re.Match[str], asked_at: datetime) -> Window:
    offset = {"this": 0, "next": 1}.get(as_spelled(match["which"]), -1)
    return _calendar(as_spelled(match["unit"]), offset, asked_at)


def _weekday(match: re.Match[str], asked_at: datetime) -> Window:
    days = (asked_at.weekday() - WEEKDAYS.index(as_spelled(match["day"])) - 1) % 7 + 1
    return _calendar("day", -days, asked_at)


def _phrase(match: re.Match[str], asked_at: datetime) -> Window:
    unit, offset = _PHRASES[as_spelled(match["phrase"])]
    return _calendar(unit, offset, asked_at)


def _calendar(unit: str, offset: int, asked_at: datetime) -> Window:
    """Return the day, week (from Monday), weekend, month or year that is so many after this one."""
    today = midnight(asked_at)
    monday = today + timedelta(days=7 * offset - today.weekday())
    match unit:
        case "day":
            start = today + timedelta(days=offset)
            return start, start + timedelta(days=1)
        case "week":
            return monday, monday + timedelta(days=7)
        case "weekend":
            return monday + timedelta(days=5), monday + timedelta(days=7)
        case "month":
            start = _months_after(today.replace(day=1), offset)
            return start, _months_after(start, 1)
        case _:
            start = today.replace(year=today.year + offset, month=1, day=1)
            return start, start.replace(year=start.year + 1)


def _months_after(first: datetime, count: int) -> datetime:
    months = first.year * 12 + first.month - 1 + count
    return first.replace(year=months // 12, month=months % 12 + 1)


def _number(word: str) -> int:
    word = as_spelled(word)
    return int(word) if word.isdecimal() else _NUMBERS[word.removesuffix(" of").removeprefix("a ")]


_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

_NUMBERS = NUMBERS | {"a": 1, "an": 1, "couple": 2, "few": 3}
_PHRASES = {
    **dict.fromkeys(
        ("today", "tonight", "this morning", "heute", "hoy", "сегодня", "今天", "今日"), ("day", 0)
    ),
    **dict.fromkeys(("yesterday", "last night", "gestern", "ayer", "вчера", "昨天", "昨日"), ("day", -1)),
    **dict.fromkeys(("day before yesterday", "vorgestern", "anteayer", "позавчера", "前天"), ("day", -2)),
    **dict.fromkeys(("tomorrow", "mañana", "завтра", "明天", "明日"), ("day", 1)),
    **dict.fromkeys(
        ("letzte woche", "la semaine dernière", "la semana pasada", "на прошлой неделе"), ("week", -1)
    ),
    **dict.fromkeys(("上周", "上週", "先週"), ("week", -1)),
    **dict.fromkeys(
        ("letzten monat", "le mois dernier", "el mes pasado", "в прошлом месяце", "上个月"), ("month", -1)
    ),
    **dict.fromkeys(
        ("letztes jahr", "l'année dernière", "el año pasado", "в прошлом году", "去年"), ("year", -1)
    ),
}

_LEAD = r"(?<!\w)(?:(?P<lead>since|after|before|until)\s+)?(?:the\s+)?"
_NO_LEAD = r"(?P<lead>(?!))?"  # a group that finds nothing
_IN = r"(?<!\w)(?:(?P<lead>since|after|before|until)|in|during|of|last|this|early|late|mid)[\s-]+"
_ANY_MONTH = rf"(?P<month>{MONTH})"
_YEAR = r"(?P<y>(?:19|20)\d\d)(?!\d)"
_N = rf"(?P<n>\d{{1,3}}|(?:a )?couple(?: of)?|(?:a )?few|{'|'.join(_NUMBERS)})"
_UNIT = r"(?P<unit>day|week|month|year)s?"

_SPACED = "|".join(phrase for phrase in _PHRASES if phrase[0] < "\u3000")
_UNSPACED = "|".join(phrase for phrase in _PHRASES if phrase[0] >= "\u3000")
_COUNTED = (_ago, _lately, _nearby, _weekday, _phrase)

# In the order of how much they take in.
_TIMES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], datetime], Window]], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), read)
    for pattern, read in (
        (rf"{_LEAD}{_YEAR}-(?P<m>\d\d)-(?P<d>\d\d)(?!\d)", _day_of),
        (rf"{_LEAD}(?P<d>\d\d?)\.(?P<m>\d\d?)\.{_YEAR}", _day_of),
        (rf"{_LEAD}(?P<d>\d\d?)(?:st|nd|rd|th|\.)?\s(?:of\s)?{_ANY_MONTH}(?:,?\s{_YEAR})?", _day_of),
        (rf"{_LEAD}{_ANY_MONTH}\.?\s(?P<d>\d\d?)(?:st|nd|rd|th)?(?!\w)(?:,?\s{_YEAR})?", _day_of),
        (rf"{_LEAD}{_YEAR}-(?P<m>\d\d)(?!\d)", _month_of),
        (rf"{_LEAD}{_ANY_MONTH}\s(?:and|to|until|through)\s(?P<until>{MONTH})\.?,?\s{_YEAR}", _months_of),
        (rf"{_LEAD}{_ANY_MONTH}\.?,?\s(?:of\s)?{_YEAR}", _month_of),
        (rf"{_LEAD}{_YEAR}", _year_of),
        (rf"{_LEAD}{_N}\s{_UNIT}\sago\b", _ago),
        (rf"{_LEAD}(?:last|past)\s{_N}\s{_UNIT}\b", _lately),
        (rf"{_LEAD}(?P<phrase>{_SPACED})(?!\w)", _phrase),
        (rf"{_NO_LEAD}(?P<phrase>{_UNSPACED})", _phrase),
        (rf"{_LEAD}(?P<which>last|past|previous|this|next)\s(?P<unit>weekend|week|month|year)\b", _nearby),
        (rf"{_IN}(?P<month>{'|'.join(MONTHS)})\b", _month_of),
        (
            rf"(?<!\w)(?:(?P<lead>since|after|before|until)|on|last)\s(?P<day>{'|'.join(WEEKDAYS)})\b",
            _weekday,
        ),
    )
)
