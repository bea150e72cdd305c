"""Writing what was found: each statement is held against what is known, and the scope is changed by that.

Applied twice it changes nothing the second time. Nothing is destroyed: what holds no longer gets an end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Memory, MemoryChange, MemoryOrigin, Statement
from backboard_server.store.memories import InsertMemory
from backboard_server.store.memory_scopes import ScopeWriter

from .decide import Decision, Undecided
from .index import indexed
from .reconcile import Change, Interval, Verdict, dependents_of, reconcile

CANDIDATES_MAX = 20


class Drawn(Struct, frozen=True, kw_only=True):
    """A statement that was drawn from a thread, and by whom; `decision` is a model's, where one was asked."""

    statement: Statement
    origin: MemoryOrigin
    said_at: datetime
    thread_id: UUID
    decision: Decision | None = None


async def undecided_among(scope: ScopeWriter, drawn: Sequence[Drawn]) -> dict[int, Undecided]:
    """Return the statements, by place, of which rules cannot say what they mean for what is known."""
    found: dict[int, Undecided] = {}
    for place, each in enumerate(drawn):
        verdict = await _verdict(scope, each)
        if verdict.kind == "unsure":
            found[place] = Undecided(each.statement, verdict.concerns)
    return found


async def write(scope: ScopeWriter, drawn: Sequence[Drawn]) -> list[MemoryChange]:
    """Bring the scope up to date with these statements, in their order, and return what was changed."""
    changes: list[MemoryChange] = []
    for each in drawn:
        verdict = await _verdict(scope, each)
        if verdict.kind == "unsure" and each.decision is not None:
            verdict = _decided(each, verdict)
        changes += await _apply(scope, each, verdict)
    return changes


def texts_by_message(drawn: Sequence[Drawn]) -> Mapping[UUID, list[str]]:
    """Return what was drawn from each message: it is found by these words too."""
    texts: dict[UUID, list[str]] = {}
    for each in drawn:
        for quote in each.statement.quotes:
            texts.setdefault(quote.message_id, []).append(each.statement.content)
    return texts


async def _verdict(scope: ScopeWriter, each: Drawn) -> Verdict:
    statement = each.statement
    known = await scope.known_with_any(indexed(statement.content).terms, CANDIDATES_MAX)
    if statement.slot is not None:
        line = await scope.known_in_slot(statement.subject, statement.slot)
        known = [*line, *(memory for memory in known if memory.slot is None)]
        statement = _as_of_now(statement, line, each.said_at)
    confirmed = await scope.confirmed([memory.id for memory in known])
    return reconcile(statement, known, confirmed)


def _as_of_now(statement: Statement, line: Sequence[Memory], said_at: datetime) -> Statement:
    """Return a statement as beginning when it was said, where something else was said since its own date.

    "I live in Berlin", and then "I moved to Lisbon last month": the first began when it was said only as far
    as anybody knows, and who spoke last is right about the present.
    """
    if statement.is_over or statement.valid_to is not None or statement.valid_from >= said_at:
        return statement
    is_overtaken = any(
        memory.valid_to is None and statement.valid_from < (memory.valid_from or said_at) <= said_at
        for memory in line
        if memory.value != statement.value
    )
    return replace(statement, valid_from=said_at) if is_overtaken else statement


def _decided(each: Drawn, verdict: Verdict) -> Verdict:
    """Return the verdict as a model decided, if what it decided about is still what is known."""
    decision, statement = each.decision, each.statement
    memory = next((one for one in verdict.concerns if decision and one.id == decision.memory_id), None)
    if decision is None or memory is None:
        return verdict
    begun = memory.valid_from or memory.created_at
    if statement.valid_from < begun and decision.kind in ("supersede", "retract"):
        return verdict  # what is older ends nothing
    ended = Change(memory, Interval(begun, statement.valid_from))
    point = Interval(statement.valid_from, statement.valid_from)
    match decision.kind:
        case "same":
            return Verdict(kind="same", concerns=(memory,))
        case "refine":
            return Verdict(kind="refine", concerns=(memory,))
        case "supersede":
            return replace(verdict, kind="supersede", concerns=(memory,), changes=(ended,))
        case "retract":
            return Verdict(kind="retract", concerns=(memory,), changes=(ended,), stored=point)
        case "add" | "conflict":
            return verdict


async def _apply(scope: ScopeWriter, each: Drawn, verdict: Verdict) -> list[MemoryChange]:
    for change in verdict.changes:
        await scope.hold(change.memory.id, change.interval.valid_from, change.interval.valid_to)
    told: list[MemoryChange] = []
    if verdict.stored is None:
        told.append(await _joined(scope, each, verdict))
    else:
        memory_id = await _stored(scope, each, verdict.stored)
        event = "UPDATE" if verdict.kind == "supersede" else "ADD"
        if verdict.kind != "retract":
            told.append(MemoryChange(event=event, memory=each.statement.content, id=memory_id))
    told += [
        MemoryChange(event="DELETE", memory=memory.content, id=memory.id)
        for memory in verdict.concerns
        if verdict.kind == "retract"
    ]
    await _suspect_dependents(scope, verdict)
    return told


async def _joined(scope: ScopeWriter, each: Drawn, verdict: Verdict) -> MemoryChange:
    """Let a known memory rest on what was said too, and say as much as that."""
    statement, memory = each.statement, verdict.concerns[0]
    await scope.add_quotes(memory.id, statement.quotes, thread_id=each.thread_id, said_at=each.said_at)
    if verdict.kind != "refine":
        return MemoryChange(event="NONE", memory=memory.content)
    slot, value = memory.slot or statement.slot, statement.value or memory.value
    terms = indexed(*_found_by(statement.content, slot))
    await scope.refine(memory.id, statement.content, value, terms)
    return MemoryChange(event="UPDATE", memory=statement.content, id=memory.id)


async def _stored(scope: ScopeWriter, each: Drawn, interval: Interval) -> UUID:
    statement, memory_id = each.statement, new_id()
    memory = InsertMemory(
        id=memory_id,
        assistant_id=scope.assistant_id,
        user_id=scope.user_id,
        content=statement.content,
        origin=each.origin,
        kind=statement.kind,
        subject=statement.subject,
        slot=statement.slot,
        value=statement.value,
        confidence=statement.confidence,
        valid_from=interval.valid_from,
        valid_to=interval.valid_to,
        terms=indexed(*_found_by(statement.content, statement.slot)),
    )
    await scope.insert(memory)
    await scope.add_quotes(memory_id, statement.quotes, thread_id=each.thread_id, said_at=each.said_at)
    return memory_id


def _found_by(content: str, slot: str | None) -> list[str]:
    """Return the texts by whose words a memory is found: who moved somewhere is asked where they live."""
    verb, *others = (slot or "").partition(":")[0].split("_")
    return [content, " ".join([verb.removesuffix("s"), *others])]  # it is asked with "do"


async def _suspect_dependents(scope: ScopeWriter, verdict: Verdict) -> None:
    """Flag what rests on a memory that has just ended."""
    for change in verdict.changes:
        if change.interval.valid_to is None or change.memory.valid_to is not None or not change.memory.value:
            continue
        ended = replace(
            change.memory, valid_from=change.interval.valid_from, valid_to=change.interval.valid_to
        )
        known = await scope.known_with_any(indexed(change.memory.value).terms, CANDIDATES_MAX)
        flagged = [memory.id for memory in dependents_of(ended, known) if memory.id != ended.id]
        if flagged:
            await scope.suspect(flagged)
