"""What a question asks memory for: terms with weights, names, now or then, and when. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Literal

from msgspec import Struct

from .analysis import DATED, MONTHS, chunks_of, is_english, terms_of

Intent = Literal["now", "past", "change"]
Window = tuple[datetime, datetime]

CHARACTERS_MAX = 4_000  # of a question: what comes after is not looked at
TERMS_MAX = 64  # the heaviest; a question has ten
NAMES_MAX = 16

# Factors of a term's weight, which is 1.
NAMED = 1.25  # quoted too
DISTINCT = 1.5
ASKS_WHEN = 1.5  # of DATED, where the question is for a time


class Query(Struct, frozen=True, kw_only=True):
    """A question as memory is searched for it.

    `terms` are those of `analysis.analyse`, with weights of 1 or more. `intent` is "past" where it is about
    what held once, and "change" where it is about what became of it. `window` is the time that it names: from
    when, and until before when.
    """

    terms: dict[str, float]
    names: tuple[str, ...] = ()
    intent: Intent = "now"
    window: Window | None = None


def analyse_query(text: str, *, asked_at: datetime) -> Query:
    """Return what a question asks for; `asked_at`, aware, is what "yesterday" is counted from."""
    text = text[:CHARACTERS_MAX]
    window, rest = _window(text, asked_at)
    names = _names(text)
    return Query(
        terms=_terms(rest, names) or _terms(text, names),
        names=tuple(names),
        intent=_intent(text, window, asked_at),
        window=window,
    )


def _names(text: str) -> list[str]:
    """Return what is quoted, and words with a capital that no sentence begins with, each once."""
    names = [match[match.lastindex or 0].strip() for match in _QUOTED.finditer(text)]
    end = -1  # of the last name that is a word, so that "New York" is one
    for match in _CAPITAL.finditer(text):
        before = text[max(0, match.start() - 8) : match.start()].rstrip(_OPENINGS)
        if not before or before[-1] in _SENTENCE_ENDS or not _may_name(match[0]):
            continue
        if end >= 0 and text[end : match.start()] == " ":
            names[-1] += " " + match[0]
        else:
            names.append(match[0])
        end = match.end()
    return [*dict.fromkeys(name for name in names if name)][:NAMES_MAX]


def _may_name(word: str) -> bool:
    return (
        word[0].isupper() and word.casefold() not in _DAYS_AND_MONTHS and any(map(terms_of, chunks_of(word)))
    )


def _terms(text: str, names: list[str]) -> dict[str, float]:
    named = {chunk for name in names for chunk in chunks_of(name)}
    weights: dict[str, float] = {DATED: ASKS_WHEN} if _ASKS_WHEN.search(text) else {}
    chunks = chunks_of(text)
    is_foreign = not is_english(chunks)  # though no word of it gives it away: a question may be one word
    for chunk in chunks:
        weight = DISTINCT if _DISTINCT.search(chunk) else NAMED if chunk in named else 1.0
        for term in terms_of(chunk, is_foreign):
            weights[term] = max(weight, weights.get(term, weight))
    return dict(sorted(weights.items(), key=lambda item: -item[1])[:TERMS_MAX])


def _intent(text: str, window: Window | None, asked_at: datetime) -> Intent:
    if _CHANGE.search(text):
        return "change"
    is_over = window is not None and window[1] <= _midnight(asked_at)
    return "past" if is_over or _PAST.search(text) else "now"


def _window(text: str, asked_at: datetime) -> tuple[Window | None, str]:
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
    match lead and lead.casefold():
        case "since":
            return window[0], max(window[1], asked_at)
        case "after":
            return window[1], max(window[1], asked_at)
        case "before" | "until":
            return min(_EARLIEST, window[0]), window[0]
        case _:
            return window


def _day_of(match: re.Match[str], asked_at: datetime) -> Window:
    named = match.groupdict()
    month = int(named["m"]) if named.get("m") else _MONTH_NUMBERS[named["month"][:3].casefold()]
    day = int(named["d"])
    year = int(named["y"]) if named.get("y") else asked_at.year
    start = _midnight(asked_at).replace(year=year, month=month, day=day)
    if not named.get("y") and start > asked_at:  # what is asked of memory has been
        start = start.replace(year=year - 1)
    return start, start + timedelta(days=1)


def _month_of(match: re.Match[str], asked_at: datetime) -> Window:
    named = match.groupdict()
    month = int(named["m"]) if named.get("m") else _MONTH_NUMBERS[named["month"][:3].casefold()]
    year = int(named["y"]) if named.get("y") else asked_at.year - (month > asked_at.month)
    start = _midnight(asked_at).replace(year=year, month=month, day=1)
    return start, _months_after(start, 1)


def _months_of(match: re.Match[str], asked_at: datetime) -> Window:
    first = _midnight(asked_at).replace(year=int(match["y"]), month=1, day=1)
    months = [_MONTH_NUMBERS[match[name][:3].casefold()] for name in ("month", "until")]
    return _months_after(first, months[0] - 1), _months_after(first, months[1])


def _year_of(match: re.Match[str], asked_at: datetime) -> Window:
    year = int(match["y"])
    if year > asked_at.year + 1:
        raise ValueError("A number, rather than a year of which there is something to remember.")
    start = _midnight(asked_at).replace(year=year, month=1, day=1)
    return start, start.replace(year=year + 1)


def _ago(match: re.Match[str], asked_at: datetime) -> Window:
    return _calendar(match["unit"].casefold(), -_number(match["n"]), asked_at)


def _lately(match: re.Match[str], asked_at: datetime) -> Window:
    return _calendar(match["unit"].casefold(), -_number(match["n"]), asked_at)[0], asked_at


def _nearby(match: re.Match[str], asked_at: datetime) -> Window:
    return _calendar(
        match["unit"].casefold(), {"this": 0, "next": 1}.get(match["which"].casefold(), -1), asked_at
    )


def _weekday(match: re.Match[str], asked_at: datetime) -> Window:
    days = (asked_at.weekday() - _WEEKDAYS.index(match["day"].casefold()) - 1) % 7 + 1
    return _calendar("day", -days, asked_at)


def _phrase(match: re.Match[str], asked_at: datetime) -> Window:
    unit, offset = _PHRASES[match["phrase"].casefold()]
    return _calendar(unit, offset, asked_at)


def _calendar(unit: str, offset: int, asked_at: datetime) -> Window:
    """Return the day, week (from Monday), weekend, month or year that is so many after this one."""
    today = _midnight(asked_at)
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


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _months_after(first: datetime, count: int) -> datetime:
    months = first.year * 12 + first.month - 1 + count
    return first.replace(year=months // 12, month=months % 12 + 1)


def _number(word: str) -> int:
    word = word.casefold()
    return int(word) if word.isdecimal() else _NUMBERS[word.removesuffix(" of").removeprefix("a ")]


_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

_QUOTED = re.compile(
    r'"([^"\n]{1,200})"|\u201c([^\u201d\n]{1,200})\u201d|\u201e([^\u201c\u201d\n]{1,200})[\u201c\u201d]'
    r"|\u00ab([^\u00bb\n]{1,200})\u00bb|\u300c([^\u300d\n]{1,200})\u300d|(?<!\w)'([^'\n]{1,200})'(?!\w)"
)
_CAPITAL = re.compile(r"(?<!\w)[^\W\d_a-z][\w-]*")
_OPENINGS = " \t\"'(\u201c\u201e\u00ab\u00bf\u00a1"
_SENTENCE_ENDS = ".?!:\n\u2026\u3002"
# An id, an address, a long number: nobody writes it by chance.
_DISTINCT = re.compile(r"[_@]|\d{5}|[^\W\d_]\d|\d(?!(?:st|nd|rd|th)\b)[^\W\d_]", re.IGNORECASE)

_ASKS_WHEN = re.compile(
    r"(?:^|[.?!,]\s+|since\s+)when\b|\bhow (?:long|many (?:days|weeks|months|years))\b"
    r"|\b(?:what|which) (?:date|day|month|year|time)\b|\b(?:wann|wie lange|quand|cu[aá]ndo|когда)\b"
    r"|什么时候|何时|哪一?[年天]|いつ|कब",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:used to|before|previous(?:ly)?|former(?:ly)?|originally|earlier|back then|at the time|in the past"
    r"|früher|vorher|damals|ehemalig\w*|avant|auparavant|autrefois|antes|anteriormente|sol[ií]a[ns]?"
    r"|раньше|прежде|прежн\w+|бывш\w+)\b|以前|之前|曾经|曾經|过去|過去",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\b(?:what|how|who|when|has|have|had|did|is|was|anything|something)\b[^.?!\n]{0,60}\bchang(?:e|es|ed|ing)\b"
    r"|\b(?:any ?more(?=\s*(?:[.?!]|$))|no longer|any longer|switched|differ(?:s|ed|ent|ently)? (?:from|than)"
    r"|geändert|verändert|nicht mehr|changé\w*|ya no|cambi(?:ó|aron|ado)|изменил\w*|поменял\w*|больше не)\b"
    r"|变了|改变|变化|變了|改變|變化|不再",
    re.IGNORECASE,
)

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAYS_AND_MONTHS = frozenset(_WEEKDAYS + MONTHS)
_MONTH_NUMBERS = {month[:3]: number for number, month in enumerate(MONTHS, 1)}
_NUMBERS = {
    **{
        "a": 1,
        "an": 1,
        "one": 1,
        "two": 2,
        "couple": 2,
        "three": 3,
        "few": 3,
        "four": 4,
        "five": 5,
        "six": 6,
    },
    **{"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12},
}
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
_IN = r"(?<!\w)(?:(?P<lead>since|after|before|until)|in|during|of|last|this|early|late|mid)[\s-]+"
_MONTH = rf"(?:{'|'.join(MONTHS)}|sept|{'|'.join(_MONTH_NUMBERS)})(?!\w)"
_ANY_MONTH = rf"(?P<month>{_MONTH})"
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
        (rf"{_LEAD}{_ANY_MONTH}\s(?:and|to|until|through)\s(?P<until>{_MONTH})\.?,?\s{_YEAR}", _months_of),
        (rf"{_LEAD}{_ANY_MONTH}\.?,?\s(?:of\s)?{_YEAR}", _month_of),
        (rf"{_LEAD}{_YEAR}", _year_of),
        (rf"{_LEAD}{_N}\s{_UNIT}\sago\b", _ago),
        (rf"{_LEAD}(?:last|past)\s{_N}\s{_UNIT}\b", _lately),
        (rf"{_LEAD}(?P<phrase>{_SPACED})(?!\w)", _phrase),
        (rf"(?P<lead>(?!))?(?P<phrase>{_UNSPACED})", _phrase),
        (rf"{_LEAD}(?P<which>last|past|previous|this|next)\s(?P<unit>weekend|week|month|year)\b", _nearby),
        (rf"{_IN}(?P<month>{'|'.join(MONTHS)})\b", _month_of),
        (
            rf"(?<!\w)(?:(?P<lead>since|after|before|until)|on|last)\s(?P<day>{'|'.join(_WEEKDAYS)})\b",
            _weekday,
        ),
    )
)
