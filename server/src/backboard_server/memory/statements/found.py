"""What a message states of the person who wrote it, and how much of it was refused, and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from backboard_server.domain.memories import STATEMENT_CHARACTERS_MAX, Quote, Statement
from backboard_server.domain.messages import Role

from .clauses import Clause, Passed, clauses_of
from .rules import Draft, Refused
from .table import drafts_of

STATEMENTS_MAX = 24  # of one message: a person says a few things of themselves, a list of hundreds is pasted
TEXT_CHARACTERS_MAX = 8_000  # of a message are looked at: what comes later is hardly ever typed


class Found(Struct, frozen=True):
    """The statements of a message in its order, and how often something was refused for which reason."""

    statements: tuple[Statement, ...]
    refused: dict[str, int]


def statements_of(text: str, *, role: Role, message_id: UUID, said_at: datetime) -> Found:
    """Return the plain statements that a user's message makes about its writer.

    Every quote is `text[start:end]`. Nothing is drawn from what another than the user wrote, from questions,
    suppositions, the speech of others, passing states, code, prompts and pasted text: each is counted in
    `refused` by its reason. The work is bounded, however long the text.
    """
    if role != "user":
        return Found((), {"role": 1})
    refused: Counter[str] = Counter()
    if len(text) > TEXT_CHARACTERS_MAX:
        refused["length"] += 1
    statements: list[Statement] = []
    for clause in _heard(clauses_of(_looked_at(text)), refused):
        drafts = drafts_of(clause.text, said_at)
        if isinstance(drafts, Refused):
            refused[drafts.reason] += 1
            continue
        quote = Quote(message_id, clause.start, clause.end, text[clause.start : clause.end])
        statements += [_statement(draft, quote, said_at) for draft in drafts]
    kept = _unrepeated(statements)
    if len(kept) > STATEMENTS_MAX:
        refused["number"] += len(kept) - STATEMENTS_MAX
    return Found(tuple(kept[:STATEMENTS_MAX]), dict(refused))


def _looked_at(text: str) -> str:
    """Return the text, or of one that is too long to have been typed its first paragraph, in whole lines."""
    if len(text) <= TEXT_CHARACTERS_MAX:
        return text
    first, blank, _ = text[:TEXT_CHARACTERS_MAX].partition("\n\n")
    return first if blank else first.rpartition("\n")[0]


def _heard(parts: Iterable[Clause | Passed], refused: Counter[str]) -> Iterable[Clause]:
    for part in parts:
        if isinstance(part, Passed):
            refused[part.reason] += 1
        elif part.end - part.start > STATEMENT_CHARACTERS_MAX:
            refused["length"] += 1
        else:
            yield part


def _statement(draft: Draft, quote: Quote, said_at: datetime) -> Statement:
    return Statement(
        content=draft.content or quote.text,
        kind=draft.kind,
        subject="user",
        speaker="user",
        quotes=(quote,),
        valid_from=draft.valid_from or said_at,
        slot=draft.slot,
        value=draft.value,
        valid_to=draft.valid_to,
        is_over=draft.is_over,
    )


def _unrepeated(statements: list[Statement]) -> list[Statement]:
    """Leave out what was said twice in one message."""
    kept: dict[tuple[str | None, ...], Statement] = {}
    for each in statements:
        # Without a slot the words themselves are what is repeated.
        key = (each.slot, each.value, str(each.is_over), None if each.slot else each.content.casefold())
        kept.setdefault(key, each)
    return list(kept.values())
