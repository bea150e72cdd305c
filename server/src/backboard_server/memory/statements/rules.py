"""How a rule reads a clause: a pattern that fits from the first word, and what its value has to look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Literal

from msgspec import Struct, structs

from backboard_server.domain.memories import MemoryKind

from .dates import moment_of
from .refusals import Reason
from .values import SETTLED, Tail, folded, is_named, items_of, key_of, pointed

VALUE_CHARACTERS_MAX = 80

_MACROS = {
    "I_AM": r"(?:(?:hi|hello|hey)(?: there)?[,!.]? )?(?:i'?m|i am|i've been|i have been)",
    "IM": r"(?:i'?m|i am)",
    "I_HAVE": r"(?:i|we)(?:'ve| have)(?: got)?",
    "NOT": r"(?:don'?t|do not)(?: really)?",
    "BE": r"(?:is|'s|are|=)",
    "SURE": r"(?:(?:really|currently|now|just|recently|still|also|actually|usually|generally"
    r"|absolutely|truly|both) )*",
    "ANY_MORE": r"(?: any\s?more| any longer)?",
}
_NEVER_PART_OF_ONE = frozenset([
    "hate", "hates", "love", "loves", "like", "likes", "dislike", "prefer", "don't", "not", "can't", "am",
    "is", "are", "was", "were", "have", "has", "need", "want", "live", "work", "i", "my", "you", "your",
    "he", "she", "they", "we", "it's", "that's",
])  # fmt: skip

Shape = Literal["words", "named", "list"]


class Draft(Struct, frozen=True, kw_only=True):
    """What a rule found: a statement without its message; `content` where it is less than the clause."""

    kind: MemoryKind
    slot: str | None
    value: str | None
    content: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    is_over: bool = False


class Refused(Struct, frozen=True):
    """A clause that a rule knows and does not trust."""

    reason: Reason


Drafts = list[Draft] | Refused


class Rule(Struct, frozen=True, kw_only=True):
    """One way of stating one kind of thing.

    The pattern's group `v` is the value and goes to the end of the clause, from where `tail` is cut off; `k`
    is a word of the slot. `slot` is a template of `k` and `v`, or of both as `pair` in either order.
    """

    pattern: re.Pattern[str]
    slot: str
    kind: MemoryKind = "fact"
    value: str | None = None  # instead of what was said
    shape: Shape = "words"
    tail: Tail = SETTLED
    words_max: int = 4
    allowed: frozenset[str] | None = None
    refused: frozenset[str] = frozenset()
    is_dated: bool = False  # "since 2019" says when it began to hold
    is_over: bool = False
    reads: Callable[[str], str | None] | None = None  # the value as it is written down, such as a date


def pattern(words: str) -> re.Pattern[str]:
    """Return a pattern of a clause, in which a blank stands for any number and a macro for its part."""
    for name, part in _MACROS.items():
        words = re.sub(rf"\b{name}\b", lambda _, part=part: part, words)
    return re.compile(words.replace(" ", " +"), re.I)


def drafts_by(rule: Rule, clause: str, said_at: datetime) -> Drafts | None:
    """Return what a rule reads in a clause, a refusal where that is in doubt, None if it does not fit."""
    found = rule.pattern.match(clause)
    if found is None:
        return None
    key = key_of((found.groupdict().get("k") or "").casefold())
    if "v" not in found.groupdict():
        return [_draft(rule, key, None)] if rule.tail.ends(clause[found.end() :]) else None
    said = found["v"] or ""
    if not said:
        return [_draft(rule, key, None)]
    kept, cut = rule.tail.split(said)
    items = list(_items(rule, kept))
    values = [_value(rule, item, clause) for item in items]
    if not items or None in values:
        return Refused("unclear")
    since = moment_of(cut, said_at) if rule.is_dated else None
    drafts = [_draft(rule, key, value, since) for value in values]
    head = clause[: found.start("v")]
    return [_alone(draft, head, item, len(items)) for draft, item in zip(drafts, items, strict=True)]


def _items(rule: Rule, said: str) -> Iterator[str]:
    for item in items_of(said) if rule.shape == "list" else [said]:
        yield item.strip(" \t\"'“”.,;:!()")


def _value(rule: Rule, item: str, clause: str) -> str | None:
    """Return what was said as it is written down, or None where it is none of the rule's values."""
    value = folded(item)
    if not _fits(rule, item, value) or (rule.shape == "named" and not is_named(item, clause)):
        return None
    return rule.reads(value) if rule.reads is not None else value


def _fits(rule: Rule, item: str, value: str) -> bool:
    """Whether a value can be what the rule is about: few words, and none that point elsewhere."""
    words = item.casefold().split()
    if not words or len(words) > rule.words_max or len(item) > VALUE_CHARACTERS_MAX or pointed(words):
        return False
    if not rule.refused.isdisjoint([words[0], value]):
        return False
    if rule.shape == "list" and not _NEVER_PART_OF_ONE.isdisjoint(words):
        return False
    return rule.allowed is None or value in rule.allowed


def _draft(rule: Rule, key: str, value: str | None, since: datetime | None = None) -> Draft:
    thing = key_of(value or "")
    slot = rule.slot.format(k=key, v=thing, pair=" or ".join(sorted([key, thing])))
    kept = rule.value if rule.value is not None else value
    return Draft(kind=rule.kind, slot=slot, value=kept, valid_from=since, is_over=rule.is_over)


def _alone(draft: Draft, head: str, item: str, count: int) -> Draft:
    """Give each of several things that were said in one breath a sentence of its own, in the same words."""
    return draft if count == 1 else structs.replace(draft, content=head + item)
