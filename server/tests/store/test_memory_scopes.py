"""One scope while it is changed: what is read of it, what is written, and that one writer at a time is in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Quote, Scope
from backboard_server.memory.index import indexed
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.database import Connection, Database
from backboard_server.store.memories import get_memory, get_stats
from backboard_server.store.memory_scopes import held_scope
from memory_requests import keep, memory_saying, tell
from tenants import Tenant
from waiting import wait_until_blocked

NOW = datetime.now(UTC)
YEAR = timedelta(days=365)
SETUP = AssistantSetup(
    name="Ada",
    system_prompt="Be kind",
    custom_fact_extraction_prompt="Only hobbies",
    custom_update_memory_prompt="Keep all",
)


@pytest.fixture
async def scope(database: Database, tenant: Tenant) -> Scope:
    made = await insert_assistant(database, tenant.caller.tenant_id, new_id(), SETUP)
    return Scope(tenant.caller.tenant_id, made.id)


async def unit(database: Database, scope: Scope, unit_id: UUID) -> asyncpg.Record | None:
    async with database.tenant(scope.tenant_id) as connection:
        return await connection.fetchrow(
            "SELECT thread_id, said_at, length, terms FROM memory_units WHERE tenant_id = $1 AND id = $2",
            scope.tenant_id, unit_id,
        )  # fmt: skip


async def known(database: Database, scope: Scope, *terms: str, limit: int = 10) -> list[str]:
    async with held_scope(database, scope) as writer:
        found = await writer.known_with_any(indexed(" ".join(terms)).terms, limit)
    return [memory.content for memory in found]


def quotes_of(*message_ids: UUID, start: int = 0) -> list[Quote]:
    return [Quote(message_id, start, start + 4, "said") for message_id in message_ids]


async def test_an_operation_is_to_be_carried_out_until_it_is_over(database: Database, scope: Scope) -> None:
    said = await tell(database, scope, "I play violin")

    async with held_scope(database, scope) as writer:
        before = await writer.begin(said.message_id)
        await writer.finish(said.message_id, [], {})
        after = await writer.begin(said.message_id)
        unknown = await writer.begin(new_id())

    assert [before, after, unknown] == [True, False, False]


async def test_what_is_and_was_in_a_slot_is_known_oldest_first_and_nothing_else(
    database: Database, scope: Scope
) -> None:
    slot = {"subject": "user", "slot": "lives_in"}
    await keep(database, scope, "Lisbon", **slot, valid_from=NOW - YEAR)
    await keep(database, scope, "Berlin", **slot, valid_from=NOW - 2 * YEAR, valid_to=NOW - YEAR)
    await keep(database, scope, "Rome", subject="anna", slot="lives_in")
    await keep(database, scope, "Chess", subject="user", slot="plays")
    await keep(database, scope, "Oslo", **slot, user_id="ann")

    async with held_scope(database, scope) as writer:
        memories = await writer.known_in_slot("user", "lives_in")

    assert [memory.content for memory in memories] == ["Berlin", "Lisbon"]


async def test_memories_with_most_of_the_terms_are_known_first(database: Database, scope: Scope) -> None:
    await keep(database, scope, "violin concert")
    await keep(database, scope, "violin")
    await keep(database, scope, "football")

    assert await known(database, scope, "violin", "concert") == ["violin concert", "violin"]
    assert await known(database, scope, "violin", "concert", limit=1) == ["violin concert"]
    assert await known(database, scope, "harp") == []


async def test_what_has_ended_is_known_by_its_terms_and_neither_messages_nor_other_users_are(
    database: Database, scope: Scope
) -> None:
    await keep(database, scope, "violin, once", valid_to=NOW - YEAR)
    await keep(database, scope, "violin, of another", user_id="ann")
    await tell(database, scope, "violin, as it was said")

    assert await known(database, scope, "violin") == ["violin, once"]


async def test_a_memory_is_confirmed_by_a_second_message_and_not_by_a_second_quote(
    database: Database, scope: Scope
) -> None:
    twice, once = [await keep(database, scope, content) for content in ("violin", "cello")]
    first, second, third = new_id(), new_id(), new_id()
    thread_id = new_id()

    async with held_scope(database, scope) as writer:
        await writer.add_quotes(twice, quotes_of(first), thread_id=thread_id, said_at=NOW)
        await writer.add_quotes(twice, quotes_of(second), thread_id=thread_id, said_at=NOW - YEAR)
        for start in (0, 9):
            quotes = quotes_of(third, start=start)
            await writer.add_quotes(once, quotes, thread_id=thread_id, said_at=NOW)
        confirmed = await writer.confirmed([twice, once])

    assert confirmed == {twice: NOW}


async def test_a_quote_that_is_there_already_changes_nothing(database: Database, scope: Scope) -> None:
    memory_id, message_id = await keep(database, scope, "violin"), new_id()

    async with held_scope(database, scope) as writer:
        for said_at in (NOW - YEAR, NOW):
            await writer.add_quotes(memory_id, quotes_of(message_id), thread_id=new_id(), said_at=said_at)

    async with database.tenant(scope.tenant_id) as connection:
        rows = await connection.fetch(
            "SELECT said_at FROM memory_quotes WHERE tenant_id = $1", scope.tenant_id
        )
    assert [row["said_at"] for row in rows] == [NOW - YEAR]


async def test_a_writer_stores_a_memory_that_is_known_at_once_and_gone_if_the_writer_fails(
    database: Database, scope: Scope
) -> None:
    seen: list[str] = []

    async def write_and_fail() -> None:
        async with held_scope(database, scope) as writer:
            await writer.insert(memory_saying(scope, "violin"))
            found = await writer.known_with_any(indexed("violin").terms, 10)
            seen.extend(memory.content for memory in found)
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        await write_and_fail()

    assert seen == ["violin"]
    assert await known(database, scope, "violin") == []


async def test_a_memory_that_is_ended_stays_as_what_was(database: Database, scope: Scope) -> None:
    memory_id = await keep(database, scope, "violin")

    async with held_scope(database, scope) as writer:
        await writer.hold(memory_id, NOW - YEAR, NOW - timedelta(days=1))

    ended = await get_memory(database, scope.tenant_id, scope.assistant_id, memory_id)
    assert (ended.content, ended.valid_from) == ("violin", NOW - YEAR)
    assert (ended.valid_to, ended.version) == (NOW - timedelta(days=1), 2)


async def test_a_memory_that_is_refined_is_known_by_its_new_words_alone(
    database: Database, scope: Scope
) -> None:
    memory_id = await keep(database, scope, "music", value="music")

    async with held_scope(database, scope) as writer:
        await writer.refine(memory_id, "violin", "violin", indexed("violin"))

    refined = await get_memory(database, scope.tenant_id, scope.assistant_id, memory_id)
    assert (refined.content, refined.value, refined.version) == ("violin", "violin", 2)
    assert await known(database, scope, "violin") == ["violin"]
    assert await known(database, scope, "music") == []


async def test_a_memory_is_suspect_since_it_first_was(database: Database, scope: Scope) -> None:
    memory_id, other_id = [await keep(database, scope, content) for content in ("violin", "cello")]

    async def suspect() -> dict[UUID, datetime | None]:
        async with held_scope(database, scope) as writer:
            await writer.suspect([memory_id])
        async with database.tenant(scope.tenant_id) as connection:
            rows = await connection.fetch(
                "SELECT id, suspect_since FROM memories WHERE tenant_id = $1", scope.tenant_id
            )
        return {row["id"]: row["suspect_since"] for row in rows}

    first, second = await suspect(), await suspect()

    assert first[memory_id] is not None
    assert first[other_id] is None
    assert second == first
    assert (await get_stats(database, scope.tenant_id, scope.assistant_id, "")).suspect == 1


async def test_a_message_that_is_indexed_again_keeps_its_time_and_its_thread(
    database: Database, scope: Scope
) -> None:
    said = await tell(database, scope, "It was fun", said_at=NOW - YEAR)
    terms = indexed("The race was fun")

    async with held_scope(database, scope) as writer:
        await writer.index_again(said.message_id, terms)

    again = await unit(database, scope, said.message_id)
    assert again is not None
    assert (again["thread_id"], again["said_at"]) == (said.new_thread_id, NOW - YEAR)
    assert (again["terms"], again["length"]) == (terms.terms, terms.length)
    assert await postings_of(database, scope, said.message_id) == set(terms.terms)


async def postings_of(database: Database, scope: Scope, unit_id: UUID) -> set[int]:
    async with database.tenant(scope.tenant_id) as connection:
        rows = await connection.fetch(
            "SELECT term FROM memory_postings WHERE tenant_id = $1 AND unit_id = $2",
            scope.tenant_id, unit_id,
        )  # fmt: skip
    return {row["term"] for row in rows}


async def test_what_another_scope_has_is_not_indexed_again(database: Database, scope: Scope) -> None:
    anns = await keep(database, scope, "violin", user_id="ann")

    async with held_scope(database, scope) as writer:
        await writer.index_again(anns, indexed("cello"))

    assert await postings_of(database, scope, anns) == set(indexed("violin").terms)


async def test_a_second_writer_waits_for_the_first_and_sees_what_that_one_wrote(
    database: Database, owner: Connection, scope: Scope
) -> None:
    async with held_scope(database, scope) as writer:
        reading = asyncio.create_task(known(database, scope, "violin"))
        await wait_until_blocked(owner)
        await writer.insert(memory_saying(scope, "violin"))

    assert await reading == ["violin"]


async def test_a_writer_of_another_scope_does_not_wait(database: Database, scope: Scope) -> None:
    anns = Scope(scope.tenant_id, scope.assistant_id, "ann")
    await keep(database, anns, "violin")

    async with asyncio.timeout(10), held_scope(database, scope):
        assert await known(database, anns, "violin") == ["violin"]
