"""The order in which rules are tried on a clause, and what comes first: secrets, moods, forgetting."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from msgspec import structs

from .elsewhere import ELSEWHERE
from .instructions import CALLED, instruction_of
from .lives import LIVES
from .people import PEOPLE
from .plans import plan_of
from .rules import Draft, Drafts, Refused, Rule, drafts_by, pattern
from .tastes import HABIT, TASTES
from .values import folded

_RULES: tuple[Rule, ...] = (*PEOPLE, *TASTES, *LIVES, *CALLED, *ELSEWHERE)

_SECRET = re.compile(
    r"\b(?:password|passcode|passphrase|pin(?: code)?|cvv|cvc|social security|ssn|credit card"
    r"|card number|iban"
    r"|account number|passport number|api[ -]key|secret key|private key)\b[^,]{0,20}\b(?:is|=)",
    re.I,
)
_FORGET = pattern(r"(?:please |you can |you should )?forget (?:about )?(?:the fact )?(?:that )?(?P<v>.+)")
_MOOD = pattern(r"(?:i'?m|i am|we'?re|we are|i feel|i'm feeling) (?P<v>.+)")
_OF_ONESELF = re.compile(r"(?:i|i'm|i've|we)\b|my\b.*\b(?:is|are|was|has|have)\b", re.I)
_FORGOTTEN_WORDS_MIN = 3


def drafts_of(clause: str, said_at: datetime) -> Drafts:
    """Return what a clause states of its writer, nothing where no rule fits it, or why it is refused."""
    if _SECRET.search(clause):
        return Refused("secret")
    if forgotten := _FORGET.match(clause):
        return _forgotten(forgotten["v"], said_at)
    return _stated(clause, said_at)


def _stated(clause: str, said_at: datetime) -> Drafts:
    first = _first(clause, said_at)
    if first is not None:
        return first
    if HABIT.match(clause):
        return [Draft(kind="fact", slot=None, value=None)]
    return Refused("transient") if _MOOD.match(clause) else []


def _first(clause: str, said_at: datetime) -> Drafts | None:
    """Return what the first rule that fits reads; a later one may read what an earlier one refuses."""
    refused: Refused | None = None
    for drafts in _readings(clause, said_at):
        if isinstance(drafts, Refused):
            refused = refused or drafts
        elif drafts is not None:
            return drafts
    return None if refused is None or _MOOD.match(clause) else refused


def _readings(clause: str, said_at: datetime) -> Iterator[Drafts | None]:
    yield instruction_of(clause)
    for rule in _RULES:
        yield drafts_by(rule, clause, said_at)
    yield plan_of(clause, said_at)


def _forgotten(said: str, said_at: datetime) -> Drafts:
    """Take back what a clause states; without a slot its own words are the value, to be found by them."""
    drafts = _stated(said, said_at)
    if isinstance(drafts, list) and drafts:
        return [_taken_back(draft, said) for draft in drafts]
    if _OF_ONESELF.match(said) and len(said.split()) >= _FORGOTTEN_WORDS_MIN:
        return [Draft(kind="fact", slot=None, value=folded(said), is_over=True)]
    return Refused("unclear")


def _taken_back(draft: Draft, said: str) -> Draft:
    value = draft.value if draft.slot is not None else folded(said)
    return structs.replace(draft, value=value, content=None, valid_from=None, valid_to=None, is_over=True)
