"""Writing what was found: what is added, joined, closed or taken back, and that twice is as good as once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import MemoryChange, Quote, Scope, Statement
from backboard_server.memory.decide import Decision
from backboard_server.memory.writing import Drawn, texts_by_message, undecided_among, write
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.database import Database
from backboard_server.store.memory_scopes import held_scope
from tenants import Tenant

THREAD_ID = UUID(int=99)
TUESDAY = "I play tennis in the park every Tuesday"
MONDAY = "I play tennis in the park every Monday"


def at(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=UTC)


def drawn(content: str, year: int, value: str | None = None, **more: Any) -> Drawn:
    """A statement about where the user lives, or, without a value, one that stands for itself."""
    decision = more.pop("decision", None)
    quote = Quote(UUID(int=year), 0, len(content), content)
    statement = Statement(
        content=content, kind="fact", subject="user", speaker="user", quotes=(quote,), valid_from=at(year),
        slot=None if value is None else "lives_in", value=value, **more,
    )  # fmt: skip
    return Drawn(statement=statement, origin="rule", said_at=at(year), thread_id=THREAD_ID, decision=decision)


BERLIN = drawn("I live in Berlin", 2020, "berlin")
ROME = drawn("I live in Rome", 2022, "rome")


class Shelf(Struct, frozen=True):
    """What one scope knows."""

    database: Database
    scope: Scope

    async def take(self, *statements: Drawn) -> list[MemoryChange]:
        async with held_scope(self.database, self.scope) as scope:
            return await write(scope, statements)

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        async with self.database.tenant(self.scope.tenant_id) as connection:
            found = await connection.fetch(query, self.scope.tenant_id, self.scope.assistant_id)
        return [tuple(row.values()) for row in found]

    async def held(self) -> list[tuple[Any, ...]]:
        """Return each memory, by when it began: what it says, and from when until when it holds."""
        return await self.rows(
            "SELECT content, valid_from, valid_to FROM memories"
            " WHERE tenant_id = $1 AND assistant_id = $2 ORDER BY valid_from, id"
        )

    async def quoted(self, content: str) -> list[str]:
        """Return what a memory rests on."""
        rows = await self.rows(
            "SELECT m.content, q.quote FROM memory_quotes AS q JOIN memories AS m"
            " ON m.tenant_id = q.tenant_id AND m.id = q.memory_id"
            " WHERE m.tenant_id = $1 AND m.assistant_id = $2 ORDER BY q.said_at"
        )
        return [quote for memory, quote in rows if memory == content]

    async def suspected(self) -> list[str]:
        rows = await self.rows(
            "SELECT content FROM memories WHERE tenant_id = $1 AND assistant_id = $2"
            " AND suspect_since IS NOT NULL"
        )
        return [content for (content,) in rows]


@pytest.fixture
async def shelf(database: Database, tenant: Tenant) -> Shelf:
    """The shelf of a new assistant."""
    tenant_id = tenant.caller.tenant_id
    made = await insert_assistant(database, tenant_id, new_id(), AssistantSetup(name="Ada"))
    return Shelf(database, Scope(tenant_id, made.id))


def events_of(changes: list[MemoryChange]) -> list[tuple[str, str]]:
    return [(change.event, change.memory) for change in changes]


async def test_what_nothing_is_known_of_is_added_with_its_quotes(shelf: Shelf) -> None:
    changes = await shelf.take(BERLIN)

    assert events_of(changes) == [("ADD", "I live in Berlin")]
    assert changes[0].id is not None
    assert await shelf.held() == [("I live in Berlin", at(2020), None)]
    assert await shelf.quoted("I live in Berlin") == ["I live in Berlin"]


async def test_what_is_known_already_gets_another_quote_and_nothing_else(shelf: Shelf) -> None:
    await shelf.take(BERLIN)

    changes = await shelf.take(drawn("I'm living in BERLIN!", 2021, "berlin"))

    assert changes == [MemoryChange(event="NONE", memory="I live in Berlin")]
    assert await shelf.held() == [("I live in Berlin", at(2020), None)]
    assert await shelf.quoted("I live in Berlin") == ["I live in Berlin", "I'm living in BERLIN!"]


async def test_more_detail_refines_a_memory_which_is_found_by_it_then(shelf: Shelf) -> None:
    added = await shelf.take(BERLIN)
    finer = drawn("I live in Mitte, Berlin", 2021, "mitte, berlin")

    changes = await shelf.take(finer)

    assert changes == [MemoryChange(event="UPDATE", memory="I live in Mitte, Berlin", id=added[0].id)]
    assert await shelf.held() == [("I live in Mitte, Berlin", at(2020), None)]
    assert len(await shelf.quoted("I live in Mitte, Berlin")) == 2
    async with held_scope(shelf.database, shelf.scope) as scope:
        undecided = await undecided_among(scope, [drawn("People live in Mitte, Berlin", 2022)])
    assert [each.content for each in undecided[0].candidates] == ["I live in Mitte, Berlin"]


async def test_a_newer_value_closes_the_older_and_counts_as_an_update(shelf: Shelf) -> None:
    added = await shelf.take(BERLIN)

    changes = await shelf.take(ROME)

    assert events_of(changes) == [("UPDATE", "I live in Rome")]
    assert changes[0].id != added[0].id
    assert await shelf.held() == [
        ("I live in Berlin", at(2020), at(2022)),
        ("I live in Rome", at(2022), None),
    ]


async def test_an_older_value_that_arrives_late_is_added_as_history(shelf: Shelf) -> None:
    await shelf.take(ROME)

    changes = await shelf.take(BERLIN)

    assert events_of(changes) == [("ADD", "I live in Berlin")]
    assert await shelf.held() == [
        ("I live in Berlin", at(2020), at(2022)),
        ("I live in Rome", at(2022), None),
    ]


async def test_what_is_taken_back_ends_and_is_told_as_deleted(shelf: Shelf) -> None:
    added = await shelf.take(BERLIN)

    changes = await shelf.take(drawn("I left Berlin", 2022, "berlin", is_over=True))

    assert changes == [MemoryChange(event="DELETE", memory="I live in Berlin", id=added[0].id)]
    assert await shelf.held() == [
        ("I live in Berlin", at(2020), at(2022)),
        ("I left Berlin", at(2022), at(2022)),
    ]


async def test_taking_back_what_nobody_said_tells_of_nothing(shelf: Shelf) -> None:
    changes = await shelf.take(drawn("I left Berlin", 2022, "berlin", is_over=True))

    assert changes == []


async def test_statements_are_held_against_those_before_them(shelf: Shelf) -> None:
    changes = await shelf.take(BERLIN, ROME)

    assert events_of(changes) == [("ADD", "I live in Berlin"), ("UPDATE", "I live in Rome")]


async def test_other_scopes_are_neither_read_nor_changed(shelf: Shelf) -> None:
    anna = Shelf(shelf.database, Scope(shelf.scope.tenant_id, shelf.scope.assistant_id, "anna"))
    await anna.take(BERLIN)

    changes = await shelf.take(ROME)

    assert events_of(changes) == [("ADD", "I live in Rome")]
    assert ("I live in Berlin", at(2020), None) in await shelf.held()


async def test_what_rests_on_something_that_ended_is_suspected(shelf: Shelf) -> None:
    gym = drawn("My gym is near my office in Berlin", 2021)
    await shelf.take(BERLIN, gym, drawn("I play the violin", 2021))
    before = await shelf.suspected()

    await shelf.take(ROME)

    assert (before, await shelf.suspected()) == ([], ["My gym is near my office in Berlin"])


async def test_a_story_that_is_written_again_changes_nothing(shelf: Shelf) -> None:
    left = drawn("I don't live in Rome any more", 2023, "rome", is_over=True)
    story = [BERLIN, drawn("My gym is near my office in Berlin", 2021), ROME, left, drawn(TUESDAY, 2021)]
    await shelf.take(*story)
    before = (await shelf.held(), await shelf.suspected(), await shelf.quoted("I live in Rome"))

    again = await shelf.take(*story)

    assert {change.event for change in again} == {"NONE"}
    assert (await shelf.held(), await shelf.suspected(), await shelf.quoted("I live in Rome")) == before


async def test_words_that_are_taken_back_again_change_nothing(shelf: Shelf) -> None:
    story = (drawn(TUESDAY, 2020), _forgetting_tuesday())
    await shelf.take(*story)
    before = await shelf.held()

    await shelf.take(*story)

    assert await shelf.held() == before


async def test_what_a_model_took_back_is_not_added_when_it_is_written_again(shelf: Shelf) -> None:
    known = (await shelf.take(drawn(TUESDAY, 2020)))[0].id
    retraction = drawn(MONDAY, 2021, decision=Decision("retract", known))
    await shelf.take(retraction)
    before = await shelf.held()

    await shelf.take(retraction)

    assert await shelf.held() == before


async def test_where_rules_cannot_tell_the_candidates_are_named_and_both_are_kept(shelf: Shelf) -> None:
    await shelf.take(drawn(TUESDAY, 2020))
    monday = drawn(MONDAY, 2021)

    async with held_scope(shelf.database, shelf.scope) as scope:
        undecided = await undecided_among(scope, [drawn("I swim", 2021), monday])
    changes = await shelf.take(monday)

    assert [*undecided] == [1]
    assert [each.content for each in undecided[1].candidates] == [TUESDAY]
    assert events_of(changes) == [("ADD", MONDAY)]
    assert await shelf.held() == [(TUESDAY, at(2020), None), (MONDAY, at(2021), None)]


@pytest.mark.parametrize(
    ("verdict", "event", "held"),
    [
        ("same", ("NONE", TUESDAY), [(TUESDAY, at(2020), None)]),
        ("refine", ("UPDATE", MONDAY), [(MONDAY, at(2020), None)]),
        ("supersede", ("UPDATE", MONDAY), [(TUESDAY, at(2020), at(2021)), (MONDAY, at(2021), None)]),
        ("retract", ("DELETE", TUESDAY), [(TUESDAY, at(2020), at(2021)), (MONDAY, at(2021), at(2021))]),
        ("conflict", ("ADD", MONDAY), [(TUESDAY, at(2020), None), (MONDAY, at(2021), None)]),
    ],
)
async def test_a_model_decides_where_rules_cannot(
    shelf: Shelf, verdict: Any, event: tuple[str, str], held: list[tuple[Any, ...]]
) -> None:
    known = (await shelf.take(drawn(TUESDAY, 2020)))[0].id

    changes = await shelf.take(drawn(MONDAY, 2021, decision=Decision(verdict, known)))

    assert events_of(changes) == [event]
    assert await shelf.held() == held


async def test_a_memory_that_a_model_refines_keeps_its_slot_and_its_value(shelf: Shelf) -> None:
    known = (await shelf.take(drawn("I live in Berlin near the big park", 2020, "berlin")))[0].id
    finer = drawn("I live in Berlin near the big park by the lake", 2021, decision=Decision("refine", known))

    await shelf.take(finer)
    again = await shelf.take(drawn("I live in Berlin", 2022, "berlin"))

    assert events_of(again) == [("NONE", finer.statement.content)]


@pytest.mark.parametrize("verdict", ["supersede", "retract"])
async def test_what_is_older_ends_nothing_whatever_a_model_decides(shelf: Shelf, verdict: Any) -> None:
    known = (await shelf.take(drawn(TUESDAY, 2020)))[0].id

    await shelf.take(drawn(MONDAY, 2019, decision=Decision(verdict, known)))

    assert await shelf.held() == [(MONDAY, at(2019), None), (TUESDAY, at(2020), None)]


async def test_what_a_model_decided_about_is_over_by_now_so_nothing_of_it_is_applied(shelf: Shelf) -> None:
    known = (await shelf.take(drawn(TUESDAY, 2020)))[0].id
    await shelf.take(_forgetting_tuesday())
    before = await shelf.held()

    changes = await shelf.take(drawn(MONDAY, 2023, decision=Decision("supersede", known)))

    assert events_of(changes) == [("ADD", MONDAY)]
    assert await shelf.held() == [*before, (MONDAY, at(2023), None)]


@pytest.mark.parametrize("decision", [Decision("supersede", UUID(int=5)), Decision("supersede"), Decision()])
async def test_a_decision_about_a_memory_that_is_not_known_is_not_applied(
    shelf: Shelf, decision: Decision
) -> None:
    await shelf.take(drawn(TUESDAY, 2020))

    changes = await shelf.take(drawn(MONDAY, 2021, decision=decision))

    assert events_of(changes) == [("ADD", MONDAY)]
    assert await shelf.held() == [(TUESDAY, at(2020), None), (MONDAY, at(2021), None)]


async def test_where_a_rule_is_sure_no_model_is_believed(shelf: Shelf) -> None:
    known = (await shelf.take(BERLIN))[0].id

    rome = drawn("I live in Rome", 2022, "rome", decision=Decision("same", known))

    assert events_of(await shelf.take(rome)) == [("UPDATE", "I live in Rome")]


def test_each_message_has_the_texts_that_were_drawn_from_it() -> None:
    both = [BERLIN, drawn("I love Berlin", 2020), ROME]

    assert texts_by_message(both) == {
        UUID(int=2020): ["I live in Berlin", "I love Berlin"],
        UUID(int=2022): ["I live in Rome"],
    }


def _forgetting_tuesday() -> Drawn:
    quote = Quote(UUID(int=2022), 0, 6, "forget")
    statement = Statement(
        content=f"Forget that {TUESDAY}", kind="fact", subject="user", speaker="user", quotes=(quote,),
        valid_from=at(2022), value=TUESDAY, is_over=True,
    )  # fmt: skip
    return Drawn(statement=statement, origin="rule", said_at=at(2022), thread_id=THREAD_ID)
