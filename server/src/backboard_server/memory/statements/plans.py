"""What the writer is about to do and when, and what came to nothing. Rules in English."""

from __future__ import annotations

from datetime import datetime

from .dates import period_of
from .rules import Draft, Drafts, Refused, pattern
from .values import folded, key_of, pointed

_WORDS_MAX = 8
_BY = r"(?:going|flying|travell?ing|driving|heading|off) to"
_PLAN = pattern(
    rf"(?:(?:i'?m|i am|we'?re|we are) (?:now )?(?P<act>{_BY}|moving to|visiting|getting married"
    rf"|starting|seeing|attending|running)"
    r"|(?:i'll|i will|we'll|we will) be (?P<stay>in|at)|i'll be (?P<visit>visiting)"
    r"|(?:i have|i've got|we have) (?P<have>an?)|my (?P<my>trip to|flight to|visit to|holiday in|move to) )"
    r"(?P<v>.*)"
)
_CANCELLED = (
    pattern(
        rf"(?:i'?m|i am|we'?re|we are) (?:not|no longer) (?:{_BY}"
        rf"|visiting) (?P<v>.+?)(?: any\s?more| after all)?\Z"
    ),
    pattern(
        r"my (?:trip to|flight to|visit to|holiday in) (?P<v>.+?) (?:is|was|got"
        r"|has been) (?:cancell?ed|called off|off)\Z"
    ),
    pattern(
        r"(?:i|we)(?:'ve| have)? cancell?ed (?:my|our) (?:trip to|flight to|visit to|holiday in) (?P<v>.+)"
    ),
)
_EVENTS = (
    "appointment",
    "exam",
    "interview",
    "meeting",
    "wedding",
    "concert",
    "conference",
    "surgery",
    "flight",
    "marathon",
)
_EDGE = " ,.;:"
_LINKS = ("in", "on", "at", "is", "is now", "this", "next", "the", "for", "around", "by", "is in", "is on")


def plan_of(clause: str, said_at: datetime) -> Drafts | None:
    """Return the plan that a clause makes or drops, or None. It holds until the day that it names is over."""
    for form in _CANCELLED:
        if found := form.match(clause):
            return _about(found["v"], None, None)
    found = _PLAN.match(clause)
    if found is None:
        return None
    said = found["v"] or ""
    period = period_of(said, said_at)
    if found["have"] and not any(event in said.lower() for event in _EVENTS):
        return None
    if period is None:
        return Refused("undated")
    if period.ends <= said_at:
        return Refused("unclear")
    what = _unlinked(said[: period.start] + said[period.end :])
    act = (found["act"] or "").lower()
    if act in {"getting married", "moving to"}:
        what = act.split()[-1] if act == "getting married" else f"move to {what}"
    return _about(what, period.label, period.ends)


def _about(what: str, label: str | None, ends: datetime | None) -> Drafts:
    plain = folded(what)
    words = plain.split()
    if not words or len(words) > _WORDS_MAX or pointed(words):
        return Refused("unclear")
    return [
        Draft(kind="plan", slot=f"plan:{key_of(plain)}", value=label, valid_to=ends, is_over=label is None)
    ]


def _unlinked(what: str) -> str:
    """Leave out the words that joined a plan to its date."""
    what = " ".join(what.split()).strip(_EDGE)
    for link in sorted(_LINKS, key=len, reverse=True):
        if what.lower().endswith(f" {link}"):
            return _unlinked(what[: -len(link)])
    return what
