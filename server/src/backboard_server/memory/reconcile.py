"""Holding a statement against what is known: what it adds, repeats, closes or corrects. Pure.

What is known of one slot is a line of versions, each of which holds from its beginning until the next one
with another value. A retraction is kept as a version without length, a point on that line: what arrives late
and began before it then ends there. So the order of arrival makes no difference to what is known in the end.
"""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from backboard_server.domain.memories import Memory, Statement

OVERLAP_MIN = 0.6  # of the words of two sentences, from where on they may say the same thing
SHARED_WORDS_MIN = 3
TERM_CHARACTERS_MIN = 3  # shorter values are mentioned by chance

VerdictKind = Literal["add", "same", "refine", "supersede", "retract", "outdated", "unsure"]

_MARKS = re.compile(r"[^\w\s]|_")
_CONTRACTIONS = (("'m", " am"), ("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"))
_ARTICLES = frozenset(["a", "an", "the"])
# What once was so stays so, wherever one moves.
_LASTING_SLOTS = frozenset(
    ["from", "grew_up_in", "born_in", "birthday", "birth_year", "name", "nationality", "hometown"]
)
_NAMED_IN_SLOT = (
    "pet", "son", "daughter", "child", "brother", "sister", "friend", "cousin", "colleague", "grandson",
    "granddaughter", "aunt", "uncle", "niece", "nephew",
)  # fmt: skip


class Interval(Struct, frozen=True):
    """When something holds: from its beginning until just before its end, or for as long as is known."""

    valid_from: datetime
    valid_to: datetime | None


class Change(Struct, frozen=True):
    """A known memory and the interval that it has from now on."""

    memory: Memory
    interval: Interval


class Verdict(Struct, frozen=True, kw_only=True):
    """What is to become of a statement and of the memories that it concerns.

    - add: it is stored with the interval `stored`; it concerns none.
    - same: it is not stored; its quotes go to `concerns[0]`, which may begin earlier.
    - refine: it is not stored; `concerns[0]` takes its content, value and quotes, and may begin earlier.
    - supersede: it is stored; those that it concerns end where it begins.
    - retract: it is stored as a point in time, never live; those that it concerns, if any, end there.
    - outdated: it is stored as history, `stored.valid_to` set, or such a point; what it concerns came after.
    - unsure: it is stored beside those that say nearly the same, unless a model knows better.

    `changes` are all the intervals to write, whatever the kind; applied along with `stored` they make the
    same statement "same" the next time.
    """

    kind: VerdictKind
    concerns: tuple[Memory, ...] = ()
    changes: tuple[Change, ...] = ()
    stored: Interval | None = None


def reconcile(
    statement: Statement, known: Sequence[Memory], confirmed: Mapping[UUID, datetime] | None = None
) -> Verdict:
    """Decide what becomes of a statement, given all memories of its slot, closed ones too, and any like it.

    `confirmed` tells when each memory that was said more than once was last said: nothing older ends it. A
    memory that is not in it counts as said once, when it began to hold.
    """
    if statement.slot is None:
        return _unslotted(statement, known)
    line = [memory for memory in known if _is_version(memory, statement)]
    if by_hand := _by_hand(statement, known):
        return by_hand
    if statement.is_over:
        return _retracted(statement, line, confirmed or {})
    return _asserted(statement, line, confirmed or {})


def dependents_of(changed: Memory, known: Sequence[Memory]) -> list[Memory]:
    """Return the live memories that rest on one that holds no longer, to be flagged as suspect.

    `changed` is the memory with the interval that it has by now, which has an end. The others mention
    its value, are about the same subject and were said before it ended: "my gym is near my office in Berlin",
    once "I live in Berlin" is over.
    """
    term = _term(changed)
    if term is None:
        return []
    return [memory for memory in known if _rests_on(memory, changed, term)]


def normal(content: str) -> str:
    """Return a sentence as it is compared: without case, marks, articles, contractions and wide letters."""
    plain = unicodedata.normalize("NFKC", content).casefold().replace("’", "'")
    for short, long in _CONTRACTIONS:
        plain = plain.replace(short, long)
    return " ".join(word for word in _MARKS.sub(" ", plain).split() if word not in _ARTICLES)


def _by_hand(statement: Statement, known: Sequence[Memory]) -> Verdict | None:
    """Say "same" where the very words were written down by hand, which leaves a memory without a slot."""
    said = normal(statement.content)
    for memory in known:
        is_free = memory.slot is None and not _is_point(memory) and _holds_after(memory, statement.valid_from)
        if is_free and not statement.is_over and normal(memory.content) == said:
            return Verdict(kind="same", concerns=(memory,))
    return None


def _asserted(statement: Statement, line: list[Memory], confirmed: Mapping[UUID, datetime]) -> Verdict:
    """Put a statement in its place on the line of its slot."""
    begins = statement.valid_from
    if repeated := _repeated(statement, line):
        return repeated
    after = [memory for memory in line if _begins(memory) > begins and _bounds(memory, statement)]
    following = min(after, key=_begins, default=None)
    if following is not None and not _is_point(following) and _agrees(following, statement):
        return _earlier(statement, following, _cut(line, begins, confirmed))
    cut = [change for change in _cut(line, begins, confirmed) if not _agrees(change.memory, statement)]
    holding = [memory for memory in _holding(line, begins) if confirmed.get(memory.id, begins) > begins]
    ends = min([*(_begins(each) for each in after), *(confirmed[each.id] for each in holding)], default=None)
    stored = Interval(begins, _sooner(ends, statement.valid_to))
    concerns = tuple(change.memory for change in cut)
    if ends is not None:
        later = (following, *holding) if following is not None else tuple(holding)
        return Verdict(kind="outdated", concerns=(*later, *concerns), changes=tuple(cut), stored=stored)
    kind = "supersede" if cut else "add"
    return Verdict(kind=kind, concerns=concerns, changes=tuple(cut), stored=stored)


def _repeated(statement: Statement, line: list[Memory]) -> Verdict | None:
    """Say "same", or "refine", where what holds when the statement begins says the same, or less."""
    for memory in line:
        is_again = _begins(memory) == statement.valid_from and normal(memory.content) == normal(
            statement.content
        )
        if is_again and _value(memory) == _value(statement):
            return Verdict(kind="same", concerns=(memory,))
    for memory in _holding(line, statement.valid_from):
        if _agrees(memory, statement):
            return _earlier(statement, memory, [])
    return None


def _earlier(statement: Statement, memory: Memory, cut: list[Change]) -> Verdict:
    """Let a known memory begin as early as the statement does, and say as much."""
    changes = [change for change in cut if change.memory is not memory]
    is_finer = statement.slot is not None and _is_finer(_value(statement), _value(memory))
    begins = min(statement.valid_from, _begins(memory))
    # A plan whose day is known by now is over when that day is.
    ends = (statement.valid_to or memory.valid_to) if is_finer else memory.valid_to
    if (begins, ends) != (_begins(memory), memory.valid_to):
        changes.append(Change(memory, Interval(begins, ends)))
    return Verdict(kind="refine" if is_finer else "same", concerns=(memory,), changes=tuple(changes))


def _retracted(statement: Statement, line: list[Memory], confirmed: Mapping[UUID, datetime]) -> Verdict:
    """End what a statement says is over, unless it was said again since."""
    at = statement.valid_from
    point = Interval(at, at)
    for memory in line:
        if _begins(memory) == at and _is_point(memory) and _value(memory) == _value(statement):
            return Verdict(kind="same", concerns=(memory,))
    ended = [change for change in _cut(line, at, confirmed) if _ends(statement, change.memory)]
    if ended:
        concerns = tuple(change.memory for change in ended)
        return Verdict(kind="retract", concerns=concerns, changes=tuple(ended), stored=point)
    present = [memory for memory in line if _is_later(memory, at, confirmed) and not _is_point(memory)]
    return Verdict(kind="outdated" if present else "retract", concerns=tuple(present), stored=point)


def _unslotted(statement: Statement, known: Sequence[Memory]) -> Verdict:
    """Compare a statement that stands for itself by its words."""
    at = statement.valid_from
    about = [memory for memory in known if _subject(memory) in {None, statement.subject.casefold()}]
    if statement.is_over:
        return _forgotten(statement, about)
    said = normal(statement.content)
    for memory in about:
        if normal(memory.content) != said:
            continue
        if _is_point(memory) and _begins(memory) == at:  # a model took it for the end of another
            return Verdict(kind="same", concerns=(memory,))
        if not _is_point(memory) and _holds_after(memory, at):
            return _earlier(statement, memory, [])
    alike = _alike(said, [memory for memory in about if _holds_after(memory, at)])
    return Verdict(kind="unsure" if alike else "add", concerns=alike, stored=Interval(at, statement.valid_to))


def _forgotten(statement: Statement, about: list[Memory]) -> Verdict:
    """End what was said in the words that are taken back; where only similar ones are known, say so."""
    at = statement.valid_from
    point = Interval(at, at)
    said = normal(statement.value or statement.content)
    for memory in about:
        if (
            _is_point(memory)
            and _begins(memory) == at
            and normal(memory.content) == normal(statement.content)
        ):
            return Verdict(kind="same", concerns=(memory,))
    live = [memory for memory in _holding(about, at) if not _is_point(memory)]
    ended = tuple(memory for memory in live if normal(memory.content) == said)
    if ended:
        changes = tuple(Change(memory, Interval(_begins(memory), at)) for memory in ended)
        return Verdict(kind="retract", concerns=ended, changes=changes, stored=point)
    alike = _alike(said, live)
    return Verdict(kind="unsure" if alike else "retract", concerns=alike, stored=point)


def _is_version(memory: Memory, statement: Statement) -> bool:
    """Whether a memory is on the line of a statement's slot."""
    return memory.slot == statement.slot and _subject(memory) == statement.subject.casefold()


def _bounds(later: Memory, statement: Statement) -> bool:
    """Whether a later version ends a statement: any value does, a retraction of its own value only."""
    return not _is_point(later) or later.value is None or _agrees(later, statement)


def _ends(retraction: Statement, memory: Memory) -> bool:
    return retraction.value is None or _agrees(memory, retraction)


def _cut(line: Sequence[Memory], at: datetime, confirmed: Mapping[UUID, datetime]) -> list[Change]:
    """Return how what holds at a time ends there, except for what was said again after it."""
    return [
        Change(memory, Interval(_begins(memory), at))
        for memory in _holding(line, at)
        if confirmed.get(memory.id, at) <= at
    ]


def _holding(line: Sequence[Memory], at: datetime) -> list[Memory]:
    return [memory for memory in line if _begins(memory) <= at and _holds_after(memory, at)]


def _holds_after(memory: Memory, at: datetime) -> bool:
    return memory.valid_to is None or memory.valid_to > at


def _is_later(memory: Memory, at: datetime, confirmed: Mapping[UUID, datetime]) -> bool:
    """Whether a memory was said after a time, for the first time or again."""
    return max(_begins(memory), confirmed.get(memory.id, at)) > at


def _is_point(memory: Memory) -> bool:
    return memory.valid_to is not None and memory.valid_to <= _begins(memory)


def _begins(memory: Memory) -> datetime:
    return memory.valid_from or memory.created_at


def _sooner(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one is not None and other is not None else one or other


def _subject(memory: Memory) -> str | None:
    return memory.subject.casefold() if memory.subject is not None else None


def _value(stated: Memory | Statement) -> str:
    return _plain_value(stated.value if stated.value is not None else stated.content)


def _plain_value(value: str) -> str:
    """Return a value as it is compared; commas are kept, as they part a place from what it lies in."""
    return ", ".join(normal(part) for part in value.split(","))


def _agrees(memory: Memory, statement: Statement) -> bool:
    """Whether two values are one, the one perhaps told in more detail than the other."""
    one, other = _value(memory), _value(statement)
    return one == other or _is_finer(one, other) or _is_finer(other, one)


def _is_finer(fine: str, coarse: str) -> bool:
    """Whether a value says all that another says, and more.

    "kreuzberg, berlin" does of "berlin", "sam miller" of "sam", a day of its month, a date of birth of its
    day.
    """
    if frozenset(coarse.split(", ")) < frozenset(fine.split(", ")):
        return True
    is_date = fine.replace(" ", "").isdecimal()
    return fine.startswith(f"{coarse} ") or (is_date and fine.endswith(f" {coarse}"))


def _alike(said: str, memories: Sequence[Memory]) -> tuple[Memory, ...]:
    """Return the memories that share most of their words with a sentence, which is `normal`."""
    words = frozenset(said.split())
    return tuple(
        memory for memory in memories if _share_most(words, frozenset(normal(memory.content).split()))
    )


def _share_most(words: frozenset[str], others: frozenset[str]) -> bool:
    shared = len(words & others)
    return shared >= SHARED_WORDS_MIN and shared >= OVERLAP_MIN * len(words | others)


def _term(changed: Memory) -> str | None:
    """Return the word by which other memories mention what a memory is about, or None where there is none."""
    if changed.slot is None or changed.slot in _LASTING_SLOTS:
        return None
    kind, _, key = changed.slot.partition(":")
    term = key if kind in _NAMED_IN_SLOT else (changed.value or "").split(",")[0]
    plain = normal(term)
    is_short = len(plain) < TERM_CHARACTERS_MIN and plain.isascii()
    return None if is_short or plain in {"yes", "no"} or plain.isdecimal() else plain


def _rests_on(memory: Memory, changed: Memory, term: str) -> bool:
    if memory.id == changed.id or memory.slot in {changed.slot, *_LASTING_SLOTS}:
        return False
    if _subject(memory) not in {None, _subject(changed)}:
        return False
    if changed.valid_to is None:
        return False
    # What was said after the change was said in knowledge of it.
    if _begins(memory) >= changed.valid_to or not _holds_after(memory, changed.valid_to):
        return False
    content = normal(memory.content)
    # Scripts without blanks between their words are searched letter by letter.
    return f" {term} " in f" {content} " if term.isascii() else term in content
