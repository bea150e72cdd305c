"""Recall: what is found of a scope, in which order, and that nothing of another scope is."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct

from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.errors import NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Quote, Scope
from backboard_server.memory.index import indexed
from backboard_server.memory.recall import SPREAD_MAX
from backboard_server.store.address import Address
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.database import Database, open_database
from backboard_server.store.embedded import EmbeddedPostgres
from backboard_server.store.memory_scopes import held_scope
from backboard_server.store.recall import FoundUnit, FoundUnits, RecallUnits, recall_units
from backboard_server.store.turns import MessageToRemember, OpenTurn
from memory_requests import keep, tell
from postgres_proxy import proxied
from run_requests import begin, enqueue
from tenants import Tenant

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
LONG_AGO = datetime(2023, 5, 1, tzinfo=UTC)


class Memory(Struct, frozen=True):
    """The memory of one assistant, or of one end user of it."""

    database: Database
    tenant: Tenant
    assistant_id: UUID
    user_id: str = ""

    @property
    def scope(self) -> Scope:
        return Scope(self.tenant.caller.tenant_id, self.assistant_id, self.user_id)

    async def keep(self, content: str, **changes: Any) -> UUID:
        """Store a memory."""
        return await keep(self.database, self.scope, content, **changes)

    async def tell(self, content: str, *, answer: str | None = None, **changes: Any) -> OpenTurn:
        """Say something that is remembered, with its answer where it has one."""
        return await tell(self.database, self.scope, content, answer=answer, **changes)

    async def converse(self, *contents: str) -> list[OpenTurn]:
        """Say these things in a new thread, one after the other."""
        first = await self.tell(contents[0])
        return [first, *[await self.tell(said, thread_id=first.new_thread_id) for said in contents[1:]]]

    async def search(self, words: str, **changes: Any) -> FoundUnits:
        request = searching(self.assistant_id, words, user_id=self.user_id, **changes)
        return await recall_units(self.database, self.tenant.caller.tenant_id, request)

    async def found(self, words: str, **changes: Any) -> list[str]:
        """Return the texts that are found, best first."""
        return [unit.content for unit in (await self.search(words, **changes)).units]


def searching(assistant_id: UUID, words: str, **changes: Any) -> RecallUnits:
    terms = indexed(words).terms
    fields: dict[str, Any] = {
        "assistant_id": assistant_id,
        "user_id": "",
        "terms": terms,
        "weights": [1.0] * len(terms),
        "take": 50,
        "spread_max": 100,
        "characters_max": 2_000,
        "thread_share": 0.3,
        "window_share": 0.5,
    }
    return RecallUnits(**(fields | changes))


async def memory_of(database: Database, tenant: Tenant) -> Memory:
    """Return the memory of a new assistant."""
    made = await insert_assistant(database, tenant.caller.tenant_id, new_id(), AssistantSetup(name="Ada"))
    return Memory(database, tenant, made.id)


@pytest.fixture
async def memory(database: Database, tenant: Tenant) -> Memory:
    return await memory_of(database, tenant)


def by_id(units: Sequence[FoundUnit]) -> dict[UUID, FoundUnit]:
    return {unit.id: unit for unit in units}


# Of what is worth the same the newest is found first: what follows stores the better before the worse.


async def test_a_rare_word_is_worth_more_than_a_common_one(memory: Memory) -> None:
    for content in ("quince jam", "apple pie", "apple tart", "apple cake"):
        await memory.keep(content)

    assert (await memory.found("apple quince"))[0] == "quince jam"


async def test_a_short_text_is_better_than_a_long_one_with_the_same_word(memory: Memory) -> None:
    for content in ("violin", "violin concert piano trumpet oboe flute harp"):
        await memory.keep(content)

    assert (await memory.found("violin"))[0] == "violin"


async def test_a_heavy_word_is_worth_more_than_a_light_one(memory: Memory) -> None:
    for content in ("violin", "piano"):
        await memory.keep(content)

    assert await memory.found("violin piano", weights=[2.0, 1.0]) == ["violin", "piano"]
    assert await memory.found("violin piano", weights=[1.0, 2.0]) == ["piano", "violin"]


async def test_what_shares_no_word_is_not_found_but_counted(memory: Memory) -> None:
    for content in ("violin", "piano"):
        await memory.keep(content)

    assert await memory.search("football") == FoundUnits([], 2)
    assert await memory.search("") == FoundUnits([], 2)


async def test_no_more_are_found_than_are_taken(memory: Memory) -> None:
    for content in ("violin", "violin lesson", "violin lesson morning"):
        await memory.keep(content)

    assert await memory.found("violin", take=2) == ["violin", "violin lesson"]


async def test_an_answer_is_found_by_its_question_behind_it(memory: Memory) -> None:
    said = await memory.tell("What is the puppy called?", answer="Rex")

    question, answer = (await memory.search("puppy called")).units

    assert (question.id, question.role) == (said.message_id, "user")
    assert (answer.id, answer.role, answer.content) == (said.answer_id, "assistant", "Rex")
    assert set(question.terms) == set(indexed("puppy called").terms)
    assert answer.terms == []
    assert 0 < answer.near < question.near == 1
    assert answer.score < question.score


async def test_neighbours_are_found_up_to_two_places_away(memory: Memory) -> None:
    await memory.converse("alpha", "bravo", "charlie", "puppy", "delta", "echo", "foxtrot")

    found = await memory.found("puppy")

    assert found[:3] == ["puppy", "delta", "charlie"]
    assert set(found[3:]) == {"bravo", "echo"}


async def test_a_neighbour_of_another_user_is_not_found(memory: Memory) -> None:
    anns = Memory(memory.database, memory.tenant, memory.assistant_id, "ann")
    first = await memory.tell("puppy")
    await anns.tell("kitten", thread_id=first.new_thread_id)

    assert await memory.found("puppy") == ["puppy"]
    assert await anns.found("kitten") == ["kitten"]


async def test_a_neighbour_that_is_not_remembered_is_not_found(memory: Memory) -> None:
    first = await memory.tell("puppy")
    await memory.tell("off the record", thread_id=first.new_thread_id, remember=None)

    assert await memory.found("puppy") == ["puppy"]


async def test_a_conversation_with_more_of_it_is_preferred(memory: Memory) -> None:
    filler = ("weather report",) * 4
    more = await memory.converse("ferry boat", *filler, "ferry boat")
    less = await memory.converse("ferry boat", *filler, "motor boat")

    shared = (await memory.search("ferry")).units
    alone = (await memory.search("ferry", thread_share=0.0)).units

    first, other = by_id(shared)[more[0].message_id], by_id(shared)[less[0].message_id]
    assert first.near == other.near
    assert first.thread == 1 > other.thread > 0
    assert first.score > other.score
    assert alone[0].id == less[0].message_id


async def test_memories_stand_beside_messages_for_themselves(memory: Memory) -> None:
    kept = await memory.keep("ferry boat")
    said = await memory.tell("ferry boat")

    units = by_id((await memory.search("ferry")).units)

    assert units.keys() == {kept, said.message_id}
    assert units[kept].score == pytest.approx(units[said.message_id].score)
    assert (units[kept].thread_id, units[said.message_id].thread_id) == (None, said.new_thread_id)


async def test_memories_of_the_time_that_is_asked_for_are_preferred(memory: Memory) -> None:
    ids = [await memory.keep("race", valid_from=LONG_AGO + days * DAY) for days in (0, 2, -1)]
    window = {"window_from": LONG_AGO, "window_to": LONG_AGO + 2 * DAY}

    units = (await memory.search("race", **window)).units

    assert units[0].id == ids[0]
    assert units[0].score == pytest.approx(1)
    assert units[1].score == units[2].score < 1
    assert (await memory.search("race")).units[-1].id == ids[0]


async def test_messages_of_the_time_that_is_asked_for_are_preferred(memory: Memory) -> None:
    within = await memory.tell("race", said_at=LONG_AGO)
    await memory.tell("race", said_at=NOW)
    window = {"window_from": LONG_AGO - DAY, "window_to": LONG_AGO + DAY}

    units = (await memory.search("race", **window)).units

    assert (units[0].id, units[0].said_at) == (within.message_id, LONG_AGO)
    assert units[0].score > units[1].score


async def test_what_is_hidden_is_not_found(memory: Memory) -> None:
    kept = await memory.keep("violin")
    hidden = await memory.keep("violin")
    said = await memory.tell("violin")

    units = (await memory.search("violin", hidden=[hidden, said.message_id])).units

    assert [unit.id for unit in units] == [kept]


async def test_a_hidden_message_still_leads_to_those_beside_it(memory: Memory) -> None:
    said = await memory.tell("What is the puppy called?", answer="Rex")

    assert await memory.found("puppy", hidden=[said.message_id]) == ["Rex"]


async def test_only_memories_with_all_of_the_metadata_are_found(memory: Memory) -> None:
    await memory.keep("violin", metadata={"colour": "red", "size": 1, "place": "x"})
    await memory.keep("violin red", metadata={"colour": "red"})
    await memory.keep("violin blue", metadata={"colour": "blue", "size": 1})
    await memory.keep("violin bare")
    await memory.tell("violin said")

    assert await memory.found("violin", metadata={"colour": "red", "size": 1}) == ["violin"]
    [unit] = (await memory.search("violin", metadata={"place": "x"})).units
    assert unit.metadata == {"colour": "red", "size": 1, "place": "x"}


async def test_a_memory_with_the_metadata_is_found_behind_hundreds_without(memory: Memory) -> None:
    wanted = await memory.keep("A rabbit, mentioned in a long story about something else", metadata={"a": 1})
    for _ in range(SPREAD_MAX + 10):
        await memory.keep("rabbit")

    found = await memory.search("rabbit", metadata={"a": 1}, only_memories=True, take=1)

    assert [unit.id for unit in found.units] == [wanted]


async def test_messages_are_left_out_where_only_memories_are_asked_for(memory: Memory) -> None:
    await memory.keep("violin kept")
    await memory.tell("violin said")

    assert await memory.found("violin", only_memories=True) == ["violin kept"]


async def test_what_has_ended_is_found_only_where_the_past_is_asked_for(memory: Memory) -> None:
    await memory.keep("violin", valid_from=NOW - 9 * DAY, valid_to=NOW + DAY)
    await memory.keep("violin lesson", valid_from=NOW - 9 * DAY, valid_to=NOW - DAY)
    await memory.keep("violin never", valid_from=NOW - DAY, valid_to=NOW - DAY)

    past = (await memory.search("violin", with_past=True)).units

    assert await memory.found("violin") == ["violin"]
    assert [(unit.content, unit.valid_to) for unit in past] == [
        ("violin", NOW + DAY), ("violin lesson", NOW - DAY)
    ]  # fmt: skip


async def test_neither_another_assistant_nor_another_user_nor_another_tenant_is_searched(
    memory: Memory, database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    anns = Memory(database, tenant, memory.assistant_id, "ann")
    bobs = Memory(database, tenant, memory.assistant_id, "bob")
    scopes = [memory, anns, bobs, await memory_of(database, tenant), await memory_of(database, other_tenant)]
    kept = [{await scope.keep("violin"), (await scope.tell("violin")).message_id} for scope in scopes]

    found = [await scope.search("violin") for scope in scopes]

    assert [{unit.id for unit in result.units} for result in found] == kept
    assert [result.searched for result in found] == [2] * len(scopes)


async def test_an_assistant_of_another_tenant_or_none_is_not_found(
    memory: Memory, other_tenant: Tenant
) -> None:
    await memory.keep("violin")

    for tenant, assistant_id in ((memory.tenant, new_id()), (other_tenant, memory.assistant_id)):
        with pytest.raises(NotFound, match="Assistant not found"):
            await Memory(memory.database, tenant, assistant_id).search("violin")


async def test_a_memory_is_found_with_all_that_is_shown_of_it(memory: Memory) -> None:
    kept = await memory.keep("violin " * 3, kind="preference", metadata={"a": 1}, valid_from=LONG_AGO)
    sources = sorted(new_id() for _ in range(2))
    scope = Scope(memory.tenant.caller.tenant_id, memory.assistant_id)
    async with held_scope(memory.database, scope) as writer:
        quotes = [Quote(source, start, start + 3, "vio") for source in sources for start in (0, 7)]
        await writer.add_quotes(kept, quotes, thread_id=new_id(), said_at=NOW)
        await writer.suspect([kept])

    [unit] = (await memory.search("violin", characters_max=10)).units

    assert (unit.id, unit.content, unit.role, unit.thread_id) == (kept, "violin vio", None, None)
    assert (unit.kind, unit.metadata, unit.said_at) == ("preference", {"a": 1}, LONG_AGO)
    assert (unit.is_suspect, unit.terms) == (True, indexed("violin").terms)
    assert sorted(unit.sources or ()) == sources
    assert unit.score == pytest.approx(1)


async def test_the_words_that_were_found_are_told_the_heaviest_first(memory: Memory) -> None:
    for content in ("apple quince", "apple pie", "apple tart"):
        await memory.keep(content)

    [best, *_] = (await memory.search("apple quince")).units

    assert best.terms == [*indexed("quince").terms, *indexed("apple").terms]


async def test_a_message_that_waits_for_its_turn_is_found_already(memory: Memory) -> None:
    remember = MessageToRemember(said_at=NOW, terms=indexed("violin"))
    busy = await begin(memory.database, memory.tenant, assistant_id=memory.assistant_id)
    queued = await enqueue(
        memory.database, memory.tenant, busy.thread_id, content="violin", remember=remember
    )

    [unit] = (await memory.search("violin")).units

    assert (unit.id, unit.content) == (queued.request.message_id, "violin")
    assert unit.thread_id == busy.thread_id


async def test_a_message_that_says_only_what_has_ended_is_found_only_where_the_past_is_asked_for(
    memory: Memory,
) -> None:
    overtaken, mixed = [await memory.tell(content) for content in ("violin", "violin and also a dog")]
    ended = await memory.keep("lessons", valid_from=NOW - 9 * DAY, valid_to=NOW - DAY)
    async with held_scope(
        memory.database, Scope(memory.tenant.caller.tenant_id, memory.assistant_id)
    ) as writer:
        for said in (overtaken, mixed):
            quotes = [Quote(said.message_id, 0, 6, "violin")]
            await writer.add_quotes(ended, quotes, thread_id=said.new_thread_id, said_at=NOW)

    now = (await memory.search("violin")).units
    past = (await memory.search("violin", with_past=True)).units

    assert [(unit.id, unit.is_suspect) for unit in now] == [(mixed.message_id, True)]
    assert {unit.id for unit in past} == {overtaken.message_id, mixed.message_id}


@pytest.fixture
async def exchanges_of_a_search(
    memory: Memory, owner_address: Address, postgres: EmbeddedPostgres
) -> AsyncGenerator[int]:
    """How often a caller waits for Postgres in one search, on a connection that is warm."""
    await memory.tell("What is the puppy called?", answer="Rex")
    request = searching(memory.assistant_id, "puppy")
    tenant_id = memory.tenant.caller.tenant_id
    async with proxied(postgres.connection("app")) as proxy:
        counted = await open_database(proxy.address, connections_max=1)
        await recall_units(counted, tenant_id, request)
        before = proxy.exchanges
        found = await recall_units(counted, tenant_id, request)
        assert len(found.units) == 2
        yield proxy.exchanges - before
        await counted.close()


async def test_a_search_is_one_exchange(exchanges_of_a_search: int) -> None:
    assert exchanges_of_a_search == 1
