"""Memories in Postgres: written with their index, and gone from all of its tables when they are deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import UNSET

from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.errors import NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Quote, Scope
from backboard_server.memory.index import indexed
from backboard_server.store.assistants import delete_assistant, insert_assistant
from backboard_server.store.database import Database
from backboard_server.store.memories import (
    UpdateMemory,
    delete_memories,
    delete_memory,
    get_memory,
    get_stats,
    insert_memory,
    list_memories,
    update_memory,
)
from backboard_server.store.memory_operations import fail_operation
from backboard_server.store.memory_scopes import held_scope
from backboard_server.store.threads import delete_thread
from backboard_server.store.turns import OpenTurn
from memory_requests import keep, memory_saying, tell
from tenants import Tenant

NOW = datetime.now(UTC)
TABLES = ("memories", "memory_units", "memory_postings", "memory_quotes", "memory_operations")
INDEX = ("memory_units", "memory_postings")


@pytest.fixture
async def scope(database: Database, tenant: Tenant) -> Scope:
    made = await insert_assistant(database, tenant.caller.tenant_id, new_id(), AssistantSetup(name="Ada"))
    return Scope(tenant.caller.tenant_id, made.id)


@pytest.fixture
def assistant_id(scope: Scope) -> UUID:
    return scope.assistant_id


async def quote(
    database: Database, tenant: Tenant, assistant_id: UUID, memory_id: UUID, said: OpenTurn
) -> None:
    scope = Scope(tenant.caller.tenant_id, assistant_id)
    quoted = Quote(said.message_id, 0, 4, said.content[:4])
    async with held_scope(database, scope) as writer:
        await writer.add_quotes(memory_id, [quoted], thread_id=said.new_thread_id, said_at=NOW)


async def count(database: Database, tenant: Tenant, table: str) -> int:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        query = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
        return await connection.fetchval(query, tenant.caller.tenant_id)


async def counts(database: Database, tenant: Tenant, *tables: str) -> list[int]:
    return [await count(database, tenant, table) for table in tables]


async def units_with(database: Database, tenant: Tenant, term: str) -> list[UUID]:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        rows = await connection.fetch(
            "SELECT unit_id FROM memory_postings WHERE tenant_id = $1 AND term = $2",
            tenant.caller.tenant_id, indexed(term).terms[0],
        )  # fmt: skip
    return [row["unit_id"] for row in rows]


async def test_a_memory_comes_back_with_all_that_was_stored_of_it(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    ended = NOW + timedelta(days=1)
    memory = memory_saying(
        scope,
        "Lives in Berlin",
        metadata={"tags": ["é"]},
        origin="rule",
        kind="relation",
        subject="user",
        slot="lives_in",
        value="berlin",
        valid_from=NOW,
        valid_to=ended,
    )

    inserted = await insert_memory(database, tenant.caller.tenant_id, memory)

    stored = await get_memory(database, tenant.caller.tenant_id, assistant_id, memory.id)
    assert inserted == stored
    assert (stored.id, stored.content, stored.metadata) == (memory.id, "Lives in Berlin", {"tags": ["é"]})
    assert (stored.origin, stored.kind) == ("rule", "relation")
    assert (stored.subject, stored.slot, stored.value) == ("user", "lives_in", "berlin")
    assert (stored.valid_from, stored.valid_to, stored.version) == (NOW, ended, 1)
    assert stored.created_at == stored.updated_at


async def test_a_memory_that_is_stored_again_stays_as_it_is_and_is_indexed_once(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    memory_id = await keep(database, scope, "violin lessons")

    await keep(database, scope, "something entirely different", id=memory_id)

    [kept], total = await list_memories(database, tenant.caller.tenant_id, assistant_id, user_id="")
    assert (kept.content, total) == ("violin lessons", 1)
    assert await counts(database, tenant, *INDEX) == [1, 2]
    assert await units_with(database, tenant, "violin") == [memory_id]


async def test_a_memory_needs_an_assistant_of_its_own_tenant(
    database: Database, tenant: Tenant, other_tenant: Tenant, assistant_id: UUID
) -> None:
    for owner, wanted in ((tenant, new_id()), (other_tenant, assistant_id)):
        with pytest.raises(NotFound, match="Assistant not found"):
            await keep(database, Scope(owner.caller.tenant_id, wanted), "violin")

    assert await counts(database, tenant, *TABLES) == [0, 0, 0, 0, 0]


async def test_a_memory_is_found_by_its_own_assistant_and_tenant_alone(
    database: Database, tenant: Tenant, other_tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    memory_id = await keep(database, scope, "violin")
    ours, theirs = tenant.caller.tenant_id, other_tenant.caller.tenant_id
    change: dict[str, Any] = {"id": memory_id, "content": "cello", "terms": indexed("cello")}

    for tenant_id, asked in ((ours, new_id()), (theirs, assistant_id)):
        with pytest.raises(NotFound, match="Memory not found"):
            await get_memory(database, tenant_id, asked, memory_id)
        with pytest.raises(NotFound, match="Memory not found"):
            await update_memory(database, tenant_id, UpdateMemory(assistant_id=asked, **change))
        with pytest.raises(NotFound, match="Memory not found"):
            await delete_memory(database, tenant_id, asked, memory_id)

    assert (await get_memory(database, ours, assistant_id, memory_id)).content == "violin"


async def test_an_update_replaces_the_text_and_its_index(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    memory_id = await keep(database, scope, "violin lessons", origin="rule")
    change = UpdateMemory(assistant_id=assistant_id, id=memory_id, content="cello", terms=indexed("cello"))

    await update_memory(database, tenant.caller.tenant_id, change)

    updated = await get_memory(database, tenant.caller.tenant_id, assistant_id, memory_id)
    assert (updated.content, updated.version, updated.origin) == ("cello", 2, "manual")
    assert updated.updated_at > updated.created_at
    assert await units_with(database, tenant, "violin") == []
    assert await units_with(database, tenant, "cello") == [memory_id]
    assert await counts(database, tenant, *INDEX) == [1, 1]


@pytest.mark.parametrize(
    ("given", "left"),
    [(UNSET, {"colour": "red"}), (None, None), ({"size": 1}, {"size": 1})],
    ids=["not given", "null", "another"],
)
async def test_an_update_keeps_metadata_unless_that_is_given(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope, given: Any, left: Any
) -> None:
    memory_id = await keep(database, scope, "violin", metadata={"colour": "red"})
    change = UpdateMemory(
        assistant_id=assistant_id, id=memory_id, content="cello", metadata=given, terms=indexed("cello")
    )

    await update_memory(database, tenant.caller.tenant_id, change)

    updated = await get_memory(database, tenant.caller.tenant_id, assistant_id, memory_id)
    assert updated.metadata == left


async def test_only_what_holds_is_listed_newest_first_page_by_page(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    past, future = NOW - timedelta(days=1), NOW + timedelta(days=1)
    await keep(database, scope, "one")
    await keep(database, scope, "over", valid_to=past)
    await keep(database, scope, "two", valid_to=future)
    await keep(database, scope, "three")
    await keep(database, scope, "another's", user_id="ann")

    async def page(skip: int, limit: int | None) -> tuple[list[str], int]:
        memories, total = await list_memories(
            database, tenant.caller.tenant_id, assistant_id, user_id="", skip=skip, limit=limit
        )
        return [memory.content for memory in memories], total

    assert await page(0, None) == (["three", "two", "one"], 3)
    assert await page(1, 1) == (["two"], 3)
    assert await page(3, 1) == ([], 3)


async def test_a_deleted_memory_leaves_no_row_and_touches_no_other(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    said = await tell(database, scope, "Play violin")
    kept = await keep(database, scope, "violin lessons", user_id="ann")
    deleted = await keep(database, scope, "violin lessons", user_id="ann")
    await quote(database, tenant, assistant_id, deleted, said)
    before = await counts(database, tenant, *INDEX)

    await delete_memory(database, tenant.caller.tenant_id, assistant_id, deleted)

    with pytest.raises(NotFound, match="Memory not found"):
        await get_memory(database, tenant.caller.tenant_id, assistant_id, deleted)
    assert await count(database, tenant, "memory_quotes") == 0
    assert await counts(database, tenant, *INDEX) == [before[0] - 1, before[1] - 2]
    assert set(await units_with(database, tenant, "violin")) == {kept, said.message_id}


async def test_a_deleted_thread_is_forgotten_but_not_what_was_drawn_from_it(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    said = await tell(database, scope, "Play violin")
    drawn = await keep(database, scope, "violin")
    await quote(database, tenant, assistant_id, drawn, said)
    before = await counts(database, tenant, "memory_units")

    await delete_thread(database, tenant.caller.tenant_id, said.new_thread_id)

    assert before == [3]
    assert await counts(database, tenant, "memories", *INDEX, "memory_quotes") == [1, 1, 1, 1]
    assert await units_with(database, tenant, "violin") == [drawn]


async def test_a_deleted_assistant_leaves_nothing_in_any_table_of_memory(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    said = await tell(database, scope, "Play violin")
    drawn = await keep(database, scope, "violin")
    await quote(database, tenant, assistant_id, drawn, said)
    await keep(database, scope, "cello", user_id="ann")
    before = await counts(database, tenant, *TABLES)

    await delete_assistant(database, tenant.caller.tenant_id, assistant_id)

    assert 0 not in before
    assert await counts(database, tenant, *TABLES) == [0, 0, 0, 0, 0]


async def test_one_user_is_forgotten_without_the_others(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    ours = await keep(database, scope, "violin")
    bobs = await keep(database, scope, "violin", user_id="bob")
    for content in ("violin", "cello"):
        await keep(database, scope, content, user_id="ann")

    forgotten = await delete_memories(database, tenant.caller.tenant_id, assistant_id, "ann")

    assert forgotten == 2
    assert set(await units_with(database, tenant, "violin")) == {ours, bobs}
    assert await counts(database, tenant, "memories", *INDEX) == [2, 2, 2]


async def test_a_scope_that_is_forgotten_has_no_message_remembered_but_threads_keep_theirs(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    await tell(database, scope, "Play violin")

    forgotten = await delete_memories(database, tenant.caller.tenant_id, assistant_id, "")

    assert forgotten == 0
    assert await counts(database, tenant, *INDEX, "messages") == [0, 0, 2]


async def test_stats_count_one_scope_by_what_became_of_its_memories(
    database: Database, tenant: Tenant, assistant_id: UUID, scope: Scope
) -> None:
    said = await tell(database, scope, "Play violin")
    await fail_operation(database, tenant.caller.tenant_id, said.message_id, "No model")
    await tell(database, scope, "Play cello")
    await keep(database, scope, "one", origin="manual")
    await keep(database, scope, "two", kind="plan", origin="model")
    rests_on = await keep(database, scope, "three", origin="model")
    await keep(database, scope, "over", kind="event", valid_to=NOW - timedelta(days=1))
    await keep(database, scope, "another's", user_id="ann")
    async with held_scope(database, Scope(tenant.caller.tenant_id, assistant_id)) as writer:
        await writer.suspect([rests_on])

    stats = await get_stats(database, tenant.caller.tenant_id, assistant_id, "")

    assert (stats.total, stats.ended, stats.suspect, stats.turns) == (3, 1, 1, 4)
    assert stats.by_kind == {"fact": 2, "plan": 1}
    assert stats.by_origin == {"manual": 1, "model": 2}
    assert stats.operations == {"ERROR": 1, "IN_PROGRESS": 1}
    assert stats.last_updated is not None


async def test_stats_of_an_empty_scope_are_nothing(
    database: Database, tenant: Tenant, assistant_id: UUID
) -> None:
    stats = await get_stats(database, tenant.caller.tenant_id, assistant_id, "ann")

    assert (stats.total, stats.ended, stats.suspect, stats.turns) == (0, 0, 0, 0)
    assert (stats.last_updated, stats.by_kind, stats.by_origin, stats.operations) == (None, {}, {}, {})


async def test_the_memories_of_an_assistant_that_is_none_are_not_found(
    database: Database, tenant: Tenant, other_tenant: Tenant, assistant_id: UUID
) -> None:
    for tenant_id, asked in (
        (tenant.caller.tenant_id, new_id()),
        (other_tenant.caller.tenant_id, assistant_id),
    ):
        with pytest.raises(NotFound, match="Assistant not found"):
            await list_memories(database, tenant_id, asked, user_id="")
        with pytest.raises(NotFound, match="Assistant not found"):
            await get_stats(database, tenant_id, asked, "")
        with pytest.raises(NotFound, match="Assistant not found"):
            await delete_memories(database, tenant_id, asked, "")
