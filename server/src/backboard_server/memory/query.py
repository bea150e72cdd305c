"""What a question asks memory for: terms with weights, names, now or then, and when. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from msgspec import Struct

from .analysis import DATED, chunks_of, is_english, terms_of
from .calendar import MONTHS, WEEKDAYS, midnight
from .windows import Window, window_of

Intent = Literal["now", "past", "change"]

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
    window, rest = window_of(text, asked_at)
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
    is_over = window is not None and window[1] <= midnight(asked_at)
    return "past" if is_over or _PAST.search(text) else "now"


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

_DAYS_AND_MONTHS = frozenset(WEEKDAYS + MONTHS)
