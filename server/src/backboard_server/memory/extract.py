"""Extracting: what the new messages of a turn say that is worth keeping, with the words that say it.

A model is asked once, and once more to verify. What it answers is believed only as far as it is proved here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from typing import Literal
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.keys import Secret
from backboard_server.domain.memories import STATEMENT_CHARACTERS_MAX, Quote, Statement
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage, Usage

from .ask import UnusableAnswer, ask
from .prompts import CHECKS, EXTRACT, EXTRACT_FORM, FACTS, VERIFY, DraftCheck, DraftFact, fenced, read_list

FACTS_MAX = 30  # of one turn
MESSAGE_CHARACTERS_MAX = 24_000  # a longer message is shown by its beginning and its end
EARLIER_MAX = 6
EARLIER_CHARACTERS_MAX = 1_000
QUOTE_CHARACTERS_MAX = 1_000
CONFIDENCE_MIN = 0.5
_TERM_CHARACTERS_MAX = 120  # of a subject, a slot or a value
_INPUT_SHARE = 0.4  # of the context window, for the new messages; a character may be a token
_ECHO_SHARE = 0.8  # of the telling words of a fact, in one sentence that the model was given

_SENTENCE_END = re.compile(r"[\n.!?;。！？；]+")  # noqa: RUF001 - Chinese sentences end in Chinese marks
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


class Material(Struct, frozen=True, kw_only=True):
    """What facts are drawn from, `messages`, and what only helps to understand them, `earlier`; oldest first.

    `system_prompt` and `recalled` are what the assistant was given: what comes back of them is no fact.
    `custom_prompt` is the assistant's own, in place of EXTRACT.
    """

    messages: tuple[Said, ...]
    earlier: tuple[Said, ...] = ()
    system_prompt: str = ""
    recalled: tuple[str, ...] = ()
    custom_prompt: str | None = None
    is_verified: bool = False


class Extracted(Struct, frozen=True, kw_only=True):
    """What was found, how much was refused and why, and what it cost.

    It is partial where the answer was cut off, or where a message was too long to be read as a whole.
    """

    statements: tuple[Statement, ...] = ()
    refused: Mapping[Refusal, int] = {}
    usage: Usage = Usage()
    is_partial: bool = False


async def extract(
    adapters: Adapters, choice: ModelChoice, keys: Mapping[str, Secret], material: Material
) -> Extracted:
    """Return what the new messages state. Messages without a word cost nothing.

    Raises Upstream if the model fails, UnusableAnswer (an Upstream) if its answer cannot be read, which is
    never taken for "no facts", and Invalid if its provider has no key any more. `local` is no model to ask.
    """
    if not any(said.content.strip() for said in material.messages):
        return Extracted()
    shown = _shown(material, adapters.models.facts(choice).context_limit)
    prompt = Prompt(
        choice=choice,
        messages=(
            PromptMessage("system", f"{material.custom_prompt or EXTRACT}\n\n{EXTRACT_FORM}"),
            PromptMessage("user", _conversation(shown)),
        ),
        response_format=FACTS,
        keys=keys,
    )
    answered = await ask(adapters, prompt)
    listed = read_list(answered.text, "facts", DraftFact)
    if listed is None or (listed.malformed and not listed.items):
        raise UnusableAnswer(choice, "facts", answered.usage)
    statements, refused = _proved(listed.items, material)
    refused["malformed"] += listed.malformed
    usage = answered.usage
    if material.is_verified and statements:
        checked = await _verify(adapters, prompt, shown, statements, usage)
        refused["unsupported"] += len(statements) - len(checked.statements)
        statements, usage = [*checked.statements], checked.usage
    return Extracted(
        statements=tuple(statements),
        refused={reason: count for reason, count in refused.items() if count},
        usage=usage,
        is_partial=not listed.is_whole or shown.messages != material.messages,
    )


def _shown(material: Material, context_limit: int) -> Material:
    """Return the material as far as the model can read it."""
    room = min(MESSAGE_CHARACTERS_MAX, int(context_limit * _INPUT_SHARE) // len(material.messages))
    return replace(
        material,
        messages=tuple(_shortened(said, room) for said in material.messages),
        earlier=tuple(_shortened(said, EARLIER_CHARACTERS_MAX) for said in material.earlier[-EARLIER_MAX:]),
    )


def _shortened(said: Said, characters_max: int) -> Said:
    if len(said.content) <= characters_max:
        return said
    half = characters_max // 2
    return replace(said, content=f"{said.content[:half]} […] {said.content[-half:]}")


def _conversation(shown: Material) -> str:
    earlier = [_row(said) for said in shown.earlier]
    messages = [{"id": name} | _row(said) for name, said in _named(shown.messages).items()]
    return f"{fenced('earlier', earlier)}\n{fenced('messages', messages)}"


def _row(said: Said) -> dict[str, str]:
    moment = said.said_at.astimezone(UTC)
    return {"role": said.role, "said_at": f"{moment:%A %Y-%m-%d %H:%M}", "text": said.content}


def _named(messages: Sequence[Said]) -> dict[str, Said]:
    """Return messages by short names: an id of 36 characters is twenty tokens, and easily miscopied."""
    return {f"m{number}": said for number, said in enumerate(messages, 1)}


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


def _proved(drafts: Sequence[DraftFact], material: Material) -> tuple[list[Statement], Counter[Refusal]]:
    """Sort the drafts into statements and refusals."""
    sources = {name: _source(said) for name, said in _named(material.messages).items()}
    given = {_words(text) for text in (*material.recalled, *_SENTENCE_END.split(material.system_prompt))}
    statements: list[Statement] = []
    refused: Counter[Refusal] = Counter()
    seen: set[tuple[str | None, ...]] = set()
    for draft in drafts:
        judged = _judged(draft, sources.get(draft.message.strip()), given)
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


def _judged(
    draft: DraftFact, source: _Source | None, given: Collection[frozenset[str]]
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
    if _is_echo(_words(content), source, given):
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


def _is_echo(words: frozenset[str], source: _Source, given: Collection[frozenset[str]]) -> bool:
    """Whether a fact says what the model was given, and no word of substance in it is the user's own."""
    telling = {word for word in words - _NAMES_OF_USER if len(word) > 3 or word > "\u0e00"} or words
    is_given = any(len(telling & each) >= _ECHO_SHARE * len(telling) for each in given)
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


async def _verify(
    adapters: Adapters, prompt: Prompt, shown: Material, statements: list[Statement], usage: Usage
) -> Extracted:
    """Return the statements but for those that the second look does not find in their quotes.

    Raises UnusableAnswer, with the usage of both looks. A statement that it leaves out is proved well enough.
    """
    notes = {f"n{number}": statement for number, statement in enumerate(statements, 1)}
    rows = [{"id": id, "note": each.content, "quote": each.quotes[0].text} for id, each in notes.items()]
    material = f"{_conversation(shown)}\n{fenced('notes', rows)}"
    asked = (PromptMessage("system", VERIFY), PromptMessage("user", material))
    answered = await ask(adapters, replace(prompt, messages=asked, response_format=CHECKS))
    usage = usage.plus(answered.usage)
    listed = read_list(answered.text, "checks", DraftCheck)
    if listed is None or not listed.items:
        raise UnusableAnswer(prompt.choice, "checks", usage)
    unsaid = {check.note.strip() for check in listed.items if not check.is_said}
    kept = tuple(each for name, each in notes.items() if name not in unsaid)
    return Extracted(statements=kept, usage=usage)
