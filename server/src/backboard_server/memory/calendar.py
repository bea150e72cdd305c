"""The English words of a date, for all that read or index one: days, months and small numbers. Pure."""

from __future__ import annotations

from datetime import datetime

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
NUMBERS = {
    **{"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6},
    **{"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12},
}

SHORT_MONTHS = tuple(month[:3] for month in MONTHS)
MONTH = rf"(?:{'|'.join(MONTHS)}|sept|{'|'.join(SHORT_MONTHS)})\b"  # a pattern, for use without case


def month_number(name: str) -> int:
    """Return the number of a month that MONTH has found."""
    return SHORT_MONTHS.index(as_spelled(name)[:3]) + 1


def as_spelled(found: str) -> str:
    """Return a word as the pattern that found it spells it: without case, to which three odd letters fit too.

    They are the i with a dot as a capital, the small one without, and the long s.
    """
    return found.casefold().replace("i\u0307", "i").replace("\u0131", "i")


def midnight(moment: datetime) -> datetime:
    """Return the beginning of a day, in the zone of the moment."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
