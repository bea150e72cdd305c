"""Proving: what a model drew from messages is believed only as far as their words say it. Pure."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Literal
from uuid import UUID

from msgspec import Struct

from backboard_server.domain.memories import STATEMENT_CHARACTERS_MAX, Quote, Statement

from .prompts import DraftFact

FACTS_MAX = 30  # of one turn
QUOTE_CHARACTERS_MAX = 1_000
CONFIDENCE_MIN = 0.5
_TERM_CHARACTERS_MAX = 120  # of a subject, a slot or a value
_ECHO_SHARE = 0.8  # of the telling words of a fact, in one sentence that the model was given

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"  # scripts without spaces
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
# Models straighten what typography has bent; one for one, so that places stay what they are.
_STRAIGHT = str.maketrans("\u2018\u2019\u02bc\u201c\u201d\u201e\u2010\u2011\u2013\u2014", "'''\"\"\"----")
_UNBROKEN = re.compile(r"\S+")
_AROUND_QUOTES = " \t\r\n\"'\u2026"
_NAMES_OF_USER = frozenset({"", "user", "the user", "i", "me", "myself"})
_YEAR_OR_MONTH = re.compile(r"(\d{4})(?:-(\d{2}))?")

Refusal = Literal[
    "malformed",  # not in the form that was asked for
    "too_long",
    "no_quote",  # the message that it names does not have the words that it quotes
    "assistant_made",  # about the user, and only the assistant says so
    "transient",  # the model itself does not believe that it will last
    "echo",  # of the system prompt, or of what was recalled
    "duplicate",
    "too_many",
    "unsupported",  # the second look did not find it in its quote
]


class Said(Struct, frozen=True, kw_only=True):
    """A message of the user or the assistant, in its own words, and when it was said."""

    message_id: UUID
    role: Literal["user", "assistant"]
    content: str
    said_at: datetime


def proved(
    drafts: Sequence[DraftFact], messages: Mapping[str, Said], given: Iterable[str]
) -> tuple[list[Statement], Counter[Refusal]]:
    """Sort drafts into statements and refusals.

    `messages` are those that may be quoted, under the names by which the drafts call them; `given` are the
    sentences that the model was given besides: what comes back of them is no fact.
    """
    sources = {name: _source(said) for name, said in messages.items()}
    echoed = {_words(sentence) for sentence in given}
    statements: list[Statement] = []
    refused: Counter[Refusal] = Counter()
    seen: set[tuple[str | None, ...]] = set()
    for draft in drafts:
        judged = _judged(draft, sources.get(draft.message.strip()), echoed)
        if isinstance(judged, Statement):
            keys = _keys(judged)
            if seen.isdisjoint(keys) and len(statements) < FACTS_MAX:
                statements.append(judged)
            else:
                refused["too_many" if seen.isdisjoint(keys) else "duplicate"] += 1
            seen |= keys
        else:
            refused[judged] += 1
    return statements, refused


class _Source(Struct, frozen=True):
    """A message that may be quoted: straightened, with one blank between its words, and where each begins."""

    said: Said
    text: str
    begins: list[int]  # of each word, in `text`
    begins_in_content: list[int]
    words: frozenset[str]

    def place(self, index: int) -> int:
        """Return where in the content a character of `text` stands."""
        word = bisect_right(self.begins, index) - 1
        return self.begins_in_content[word] + index - self.begins[word]


def _source(said: Said) -> _Source:
    found = list(_UNBROKEN.finditer(said.content.translate(_STRAIGHT)))
    begins = [0, *accumulate(len(word[0]) + 1 for word in found)]
    text = " ".join(word[0] for word in found)
    return _Source(said, text, begins[:-1], [word.start() for word in found], _words(said.content))


def _judged(
    draft: DraftFact, source: _Source | None, echoed: Collection[frozenset[str]]
) -> Statement | Refusal:
    content = " ".join(draft.content.replace("\0", "").split())
    subject = _term(draft.subject)
    subject = "user" if subject in _NAMES_OF_USER else subject
    if not _words(content):
        return "malformed"
    if len(content) > STATEMENT_CHARACTERS_MAX or len(draft.quote) > QUOTE_CHARACTERS_MAX:
        return "too_long"
    quote = _find_quote(draft.quote, source) if source else None
    if source is None or quote is None:
        return "no_quote"
    if subject == "user" and "assistant" in (source.said.role, draft.speaker):
        return "assistant_made"
    if draft.confidence < CONFIDENCE_MIN:
        return "transient"
    if _is_echo(_words(content), source, echoed):
        return "echo"
    # Translated against its orders: the words of who said it are better than a translation.
    content = quote.text if _is_translated(content, quote.text) else content
    return _statement(draft, content, subject, source.said, quote)


def _statement(draft: DraftFact, content: str, subject: str, said: Said, quote: Quote) -> Statement:
    valid_from, valid_to = _valid(draft, said.said_at)
    slot = _term(draft.slot).replace(" ", "_") or None
    return Statement(
        content=content,
        kind=draft.kind,
        subject=subject,
        speaker=said.role,
        quotes=(quote,),
        valid_from=valid_from,
        slot=slot,
        value=(_term(draft.value) or None) if slot else None,
        valid_to=valid_to,
        confidence=min(1.0, draft.confidence),
        is_over=draft.is_over,
    )


def _find_quote(text: str, source: _Source) -> Quote | None:
    """Return where a message has these words, whatever the blanks between them.

    By a plain search: a pattern takes hours for a quote of "a a a" in a long message of the same.
    """
    words = " ".join(text.translate(_STRAIGHT).strip(_AROUND_QUOTES).split())
    found = source.text.find(words) if words else -1
    if found < 0:
        return None
    start, end = source.place(found), source.place(found + len(words) - 1) + 1
    return Quote(source.said.message_id, start, end, source.said.content[start:end])


def _is_echo(words: frozenset[str], source: _Source, echoed: Collection[frozenset[str]]) -> bool:
    """Whether a fact says what the model was given, and no word of substance in it is the user's own."""
    telling = {word for word in words - _NAMES_OF_USER if len(word) > 3 or word > "\u0e00"} or words
    is_given = any(len(telling & each) >= _ECHO_SHARE * len(telling) for each in echoed)
    return is_given and (source.said.role == "assistant" or telling.isdisjoint(source.words))


def _is_translated(content: str, quote: str) -> bool:
    return len(quote) > 3 and not _is_latin(quote) and _is_latin(content)


def _is_latin(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    return 2 * sum(letter < "\u0250" for letter in letters) >= len(letters)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))


def _term(text: str | None) -> str:
    return " ".join((text or "").replace("\0", "").lower().split())[:_TERM_CHARACTERS_MAX]


def _keys(statement: Statement) -> set[tuple[str | None, ...]]:
    """Return what another statement would have in common with this one if it said the same."""
    keys: set[tuple[str | None, ...]] = {(statement.content.casefold(),)}
    if statement.slot and statement.value:
        keys.add((statement.subject, statement.slot, statement.value, str(statement.is_over)))
    return keys


def _valid(draft: DraftFact, said_at: datetime) -> tuple[datetime, datetime | None]:
    """Return since when a fact holds, and until when. What is over counts from its end, and has no other."""
    begun, ended = _moment(draft.valid_from), _moment(draft.valid_to)
    if draft.is_over:
        return ended or begun or said_at, None
    begun = begun or said_at
    return min(begun, ended) if ended else begun, ended


def _moment(text: str | None) -> datetime | None:
    """Return the beginning of a date, a month or a year, in UTC; None for what is none."""
    written = (text or "").strip()
    if part := _YEAR_OR_MONTH.fullmatch(written):
        written = f"{part[1]}-{part[2] or '01'}-01"
    try:
        moment = datetime.fromisoformat(written)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
