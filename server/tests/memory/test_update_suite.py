"""What is known after conversations in which facts change: the cases, found and reconciled."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from uuid import UUID

import pytest
from msgspec import structs

from backboard_server.domain.memories import Memory, Statement
from backboard_server.memory.reconcile import Verdict, dependents_of, reconcile
from backboard_server.memory.statements import statements_of
from memory.update_cases import CASES, Case


class Shelf:
    """Memories in a list, kept by the verdicts alone."""

    def __init__(self) -> None:
        self.memories: dict[UUID, Memory] = {}
        self.confirmed: dict[UUID, datetime] = {}
        self.flagged: set[UUID] = set()

    def hear(self, text: str, said_at: datetime) -> list[Verdict]:
        found = statements_of(text, role="user", message_id=UUID(int=1), said_at=said_at)
        return [self.take(statement) for statement in found.statements]

    def take(self, statement: Statement) -> Verdict:
        verdict = reconcile(statement, list(self.memories.values()), self.confirmed)
        for change in verdict.changes:
            span = change.interval
            changed = structs.replace(change.memory, valid_from=span.valid_from, valid_to=span.valid_to)
            self.memories[changed.id] = changed
        if verdict.kind == "refine":
            finer = self.memories[verdict.concerns[0].id]
            self.memories[finer.id] = structs.replace(finer, content=statement.content, value=statement.value)
        if verdict.kind in {"same", "refine"}:
            again = verdict.concerns[0]
            before = self.confirmed.get(again.id, again.valid_from or again.created_at)
            self.confirmed[again.id] = max(before, statement.valid_from)
        if verdict.stored is not None:
            self._store(statement, verdict)
        self._flag()
        return verdict

    def _store(self, statement: Statement, verdict: Verdict) -> None:
        assert verdict.stored is not None
        memory_id = UUID(int=len(self.memories) + 1)
        self.memories[memory_id] = Memory(
            id=memory_id,
            content=statement.content,
            created_at=statement.valid_from,
            updated_at=statement.valid_from,
            kind=statement.kind,
            subject=statement.subject,
            slot=statement.slot,
            value=statement.value,
            valid_from=verdict.stored.valid_from,
            valid_to=verdict.stored.valid_to,
        )

    def _flag(self) -> None:
        known = list(self.memories.values())
        for ended in known:
            if ended.valid_to is not None:
                self.flagged |= {memory.id for memory in dependents_of(ended, known)}


def _at(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


def _fact(memory: Memory) -> str:
    return memory.content if memory.slot is None else f"{memory.slot}={memory.value}"


def _years(memory: Memory) -> str:
    assert memory.valid_from is not None
    assert memory.valid_to is not None
    return f"{_fact(memory)} {memory.valid_from.year}-{memory.valid_to.year}"


def _shelf_after(case: Case) -> tuple[Shelf, list[Memory], list[Memory]]:
    """Return the shelf, what is live on it and what is closed, retractions left out."""
    shelf = Shelf()
    for year, text in case.messages:
        shelf.hear(text, _at(year))
    now = max(_at(year) for year, _ in case.messages)
    live = [memory for memory in shelf.memories.values() if memory.valid_to is None or memory.valid_to > now]
    closed = [
        memory
        for memory in shelf.memories.values()
        if memory not in live and memory.valid_from != memory.valid_to
    ]
    return shelf, live, closed


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_is_known_after_a_conversation(case: Case) -> None:
    shelf, live, closed = _shelf_after(case)

    assert Counter(map(_fact, live)) == Counter(case.live)
    assert Counter(map(_years, closed)) == Counter(case.closed)
    assert {shelf.memories[each].content for each in shelf.flagged} == set(case.flagged)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_what_was_heard_last_is_the_same_when_it_is_heard_again(case: Case) -> None:
    shelf, _, _ = _shelf_after(case)
    before = dict(shelf.memories)

    verdicts = shelf.hear(case.messages[-1][1], _at(case.messages[-1][0]))

    assert {verdict.kind for verdict in verdicts} <= {"same"}
    assert shelf.memories == before


def test_there_are_two_hundred_cases_and_no_two_are_one() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len({case.messages for case in CASES}) == len(CASES)
    assert len(CASES) >= 200
