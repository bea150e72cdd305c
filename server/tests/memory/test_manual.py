"""Remembering by hand: word for word, once for each id, and found by what it says now."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backboard_server.adapters import Adapters
from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.errors import NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Scope
from backboard_server.memory.manual import add_memory, change_memory
from backboard_server.memory.recall import recall
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.memories import list_memories
from tenants import Tenant

NOW = datetime.now(UTC)
RABBIT = "My rabbit is called Möhre."


@pytest.fixture
async def scope(adapters: Adapters, tenant: Tenant) -> Scope:
    """The scope of a new assistant."""
    tenant_id = tenant.caller.tenant_id
    made = await insert_assistant(adapters.database, tenant_id, new_id(), AssistantSetup(name="Ada"))
    return Scope(tenant_id, made.id)


async def found(adapters: Adapters, scope: Scope, text: str) -> list[str]:
    return [item.content for item in (await recall(adapters, scope, text, asked_at=NOW)).items]


async def test_a_memory_is_kept_word_for_word(adapters: Adapters, scope: Scope) -> None:
    content = '  {"a": 1}\n\n <b>Möhre</b>\t'

    made = await add_memory(adapters, scope, new_id(), content, {"kind": "note", "deep": {"list": [1, None]}})

    assert made.content == content
    assert made.metadata == {"kind": "note", "deep": {"list": [1, None]}}
    assert (made.origin, made.version) == ("manual", 1)


async def test_a_memory_is_found_at_once(adapters: Adapters, scope: Scope) -> None:
    await add_memory(adapters, scope, new_id(), RABBIT)

    assert await found(adapters, scope, "What is my rabbit called?") == [RABBIT]


async def test_a_memory_of_an_end_user_is_in_no_other_scope(adapters: Adapters, scope: Scope) -> None:
    anna = Scope(scope.tenant_id, scope.assistant_id, "anna")

    await add_memory(adapters, anna, new_id(), RABBIT)

    assert await found(adapters, anna, "rabbit") == [RABBIT]
    assert await found(adapters, scope, "rabbit") == []


async def test_an_assistant_that_is_not_there_remembers_nothing(adapters: Adapters, tenant: Tenant) -> None:
    with pytest.raises(NotFound, match="Assistant not found"):
        await add_memory(adapters, Scope(tenant.caller.tenant_id, new_id()), new_id(), RABBIT)


async def test_the_same_id_again_is_the_first_memory(adapters: Adapters, scope: Scope) -> None:
    memory_id = new_id()
    first = await add_memory(adapters, scope, memory_id, RABBIT, {"first": True})

    second = await add_memory(adapters, scope, memory_id, "My tortoise is called Otto.")

    assert second == first
    listed, total = await list_memories(
        adapters.database, scope.tenant_id, scope.assistant_id, user_id="", limit=10
    )
    assert ([memory.content for memory in listed], total) == ([RABBIT], 1)
    assert await found(adapters, scope, "tortoise") == []


async def test_a_changed_memory_says_something_else_and_is_found_by_that(
    adapters: Adapters, scope: Scope
) -> None:
    made = await add_memory(adapters, scope, new_id(), RABBIT, {"kept": True})

    changed = await change_memory(
        adapters, scope.tenant_id, scope.assistant_id, made.id, "My tortoise is called Otto."
    )

    assert (changed.id, changed.content, changed.version) == (made.id, "My tortoise is called Otto.", 2)
    assert await found(adapters, scope, "rabbit") == []
    assert await found(adapters, scope, "tortoise") == ["My tortoise is called Otto."]


async def test_metadata_stays_unless_it_is_given(adapters: Adapters, scope: Scope) -> None:
    made = await add_memory(adapters, scope, new_id(), RABBIT, {"kept": True})
    where = (adapters, scope.tenant_id, scope.assistant_id, made.id, RABBIT)

    kept = await change_memory(*where)
    replaced = await change_memory(*where, metadata={"other": 1})
    removed = await change_memory(*where, metadata=None)

    assert [each.metadata for each in (kept, replaced, removed)] == [{"kept": True}, {"other": 1}, None]


async def test_what_is_another_assistant_s_or_tenant_s_cannot_be_changed(
    adapters: Adapters, scope: Scope, other_tenant: Tenant
) -> None:
    made = await add_memory(adapters, scope, new_id(), RABBIT)

    with pytest.raises(NotFound, match="Memory not found"):
        await change_memory(adapters, scope.tenant_id, new_id(), made.id, "x")
    with pytest.raises(NotFound, match="Memory not found"):
        await change_memory(adapters, other_tenant.caller.tenant_id, scope.assistant_id, made.id, "x")

    assert await found(adapters, scope, "rabbit") == [RABBIT]
