"""Assistants in Postgres."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backboard_server.domain.assistants import Assistant, AssistantSetup
from backboard_server.domain.errors import Invalid, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.tools import McpServer
from backboard_server.store.assistants import (
    delete_assistant,
    get_assistant,
    insert_assistant,
    list_assistants,
    update_assistant,
)
from backboard_server.store.database import Connection, Database
from backboard_server.store.threads import get_thread, insert_thread, list_threads
from backboard_server.store.turns import open_turn
from tenants import Tenant
from turn_requests import opening, say, stored_file
from waiting import wait_until

TOOLS: list[dict[str, Any]] = [{"type": "function", "function": {"name": "look", "parameters": {}}}]


async def make(database: Database, tenant: Tenant, name: str = "Ada", **fields: Any) -> Assistant:
    setup = AssistantSetup(name=name, **fields)
    return await insert_assistant(database, tenant.caller.tenant_id, new_id(), setup)


async def test_an_assistant_comes_back_as_it_was_stored(database: Database, tenant: Tenant) -> None:
    setup = AssistantSetup(
        name="Ada",
        description="Counts",
        system_prompt="Be exact; é, 🙂 and ' are fine",
        tools=TOOLS,
        tok_k=7,
        embedding_provider="local",
        embedding_model_name="mini",
        embedding_dims=384,
        custom_fact_extraction_prompt="Facts",
        custom_update_memory_prompt="Update",
    )
    assistant_id = new_id()

    made = await insert_assistant(database, tenant.caller.tenant_id, assistant_id, setup)

    assert made == await get_assistant(database, tenant.caller.tenant_id, assistant_id)
    assert made.id == assistant_id
    assert made.created_at == made.updated_at
    assert made.created_at.utcoffset() is not None
    for field in AssistantSetup.__struct_fields__:
        assert getattr(made, field) == getattr(setup, field)


async def test_an_assistant_that_is_made_again_stays_as_it_is(database: Database, tenant: Tenant) -> None:
    made = await make(database, tenant, "Ada")

    again = await insert_assistant(
        database, tenant.caller.tenant_id, made.id, AssistantSetup(name="Grace", tools=TOOLS)
    )

    assert again == made


async def test_its_fallbacks_and_mcp_servers_come_back_as_nouns(database: Database, tenant: Tenant) -> None:
    fallbacks = [ModelChoice("openai", "gpt-4o")]
    servers = [
        McpServer(name="docs", url="https://a.example", allowed_tools=["look"]),
        McpServer(name="mail", url="https://b.example", sealed_headers="AQ==", header_names=["X-Key"]),
    ]

    made = await make(database, tenant, fallbacks=fallbacks, mcp_servers=servers)
    emptied = await update_assistant(database, tenant.caller.tenant_id, made.id, {"mcp_servers": []})

    assert (made.fallbacks, made.mcp_servers) == (fallbacks, servers)
    assert (emptied.fallbacks, emptied.mcp_servers) == (fallbacks, [])


async def test_nothing_and_an_empty_list_of_tools_are_told_apart(database: Database, tenant: Tenant) -> None:
    assert (await make(database, tenant, tools=None)).tools is None
    assert (await make(database, tenant, tools=[])).tools == []


async def test_text_with_nul_is_invalid(database: Database, tenant: Tenant) -> None:
    with pytest.raises(Invalid):
        await make(database, tenant, description="a\0b")

    assert await list_assistants(database, tenant.caller.tenant_id, skip=0, limit=10) == []


async def test_assistants_are_listed_newest_first_page_by_page(database: Database, tenant: Tenant) -> None:
    ids = sorted([(await make(database, tenant, str(number))).id for number in range(5)], reverse=True)

    async def page(skip: int, limit: int) -> list[object]:
        listed = await list_assistants(database, tenant.caller.tenant_id, skip=skip, limit=limit)
        return [assistant.id for assistant in listed]

    assert await page(0, 10) == ids
    assert await page(0, 2) == ids[:2]
    assert await page(2, 2) == ids[2:4]
    assert await page(4, 2) == ids[4:]
    assert await page(5, 2) == []
    assert await page(0, 0) == []


async def test_the_name_filter_takes_exactly_that_name(database: Database, tenant: Tenant) -> None:
    for name in ("Ada", "ada", "Ada ", "Ada%", "A_a"):
        await make(database, tenant, name)

    for name in ("Ada", "Ada%", "A_a"):
        listed = await list_assistants(database, tenant.caller.tenant_id, skip=0, limit=10, name=name)
        assert [assistant.name for assistant in listed] == [name]
    assert await list_assistants(database, tenant.caller.tenant_id, skip=0, limit=10, name="") == []


async def test_only_the_given_fields_are_changed(database: Database, tenant: Tenant) -> None:
    made = await make(database, tenant, description="old", system_prompt="old", tools=TOOLS)

    changed = await update_assistant(
        database, tenant.caller.tenant_id, made.id, {"name": "Bea", "system_prompt": None, "tools": []}
    )

    assert (changed.name, changed.system_prompt, changed.tools) == ("Bea", None, [])
    assert (changed.description, changed.tok_k, changed.created_at) == ("old", made.tok_k, made.created_at)
    assert changed.updated_at > made.updated_at
    assert await get_assistant(database, tenant.caller.tenant_id, made.id) == changed


async def test_changing_nothing_is_fine(database: Database, tenant: Tenant) -> None:
    made = await make(database, tenant)

    changed = await update_assistant(database, tenant.caller.tenant_id, made.id, {})

    assert changed.name == made.name


async def test_embedding_fields_never_change(database: Database, tenant: Tenant) -> None:
    made = await make(database, tenant)

    changed = await update_assistant(database, tenant.caller.tenant_id, made.id, {"embedding_dims": 1})

    assert changed.embedding_dims == made.embedding_dims


async def test_unknown_and_foreign_assistants_look_the_same(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    theirs = await make(database, other_tenant, "secret")
    deleted = await make(database, tenant)
    await delete_assistant(database, tenant.caller.tenant_id, deleted.id)
    messages: set[str] = set()

    for assistant_id in (new_id(), theirs.id, deleted.id):
        for attempt in (
            get_assistant(database, tenant.caller.tenant_id, assistant_id),
            update_assistant(database, tenant.caller.tenant_id, assistant_id, {"name": "mine"}),
            delete_assistant(database, tenant.caller.tenant_id, assistant_id),
        ):
            with pytest.raises(NotFound) as refusal:
                await attempt
            messages.add(refusal.value.message)

    assert messages == {"Assistant not found"}
    assert await get_assistant(database, other_tenant.caller.tenant_id, theirs.id) == theirs
    assert await list_assistants(database, tenant.caller.tenant_id, skip=0, limit=10) == []


async def test_deleting_takes_threads_messages_and_runs_along_and_leaves_others(
    database: Database, tenant: Tenant
) -> None:
    doomed = await make(database, tenant)
    kept = await make(database, tenant)
    await say(database, tenant, None, "gone", assistant_id=doomed.id)
    other = await say(database, tenant, None, "stays", assistant_id=kept.id)

    await delete_assistant(database, tenant.caller.tenant_id, doomed.id)

    threads = await list_threads(database, tenant.caller.tenant_id, skip=0, limit=10)
    assert [thread.id for thread in threads] == [other.thread_id]
    async with database.tenant(tenant.caller.tenant_id) as connection:
        for table in ("messages", "runs"):
            left = await connection.fetch(f"SELECT thread_id FROM {table}")
            assert {row["thread_id"] for row in left} == {other.thread_id}


async def test_deleting_leaves_one_job_for_the_blobs_of_all_its_threads(
    database: Database, tenant: Tenant
) -> None:
    doomed = await make(database, tenant)
    kept = await make(database, tenant)
    for assistant, key in ((doomed, "a"), (doomed, "b"), (kept, "c")):
        request = opening(assistant_id=assistant.id, attachments=[stored_file(key)])
        await open_turn(database, tenant.caller.tenant_id, request)

    await delete_assistant(database, tenant.caller.tenant_id, doomed.id)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        documents = await connection.fetch("SELECT blob_key FROM documents")
        jobs = await connection.fetch("SELECT kind, payload ->> 'keys' AS keys FROM jobs")
    assert [row["blob_key"] for row in documents] == ["c"]
    assert [(job["kind"], job["keys"]) for job in jobs] == [("delete_blobs", '["a", "b"]')]


async def test_a_thread_made_while_its_assistant_is_being_deleted_is_not_found(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    """The assistant is still there when the thread is begun, and gone when it would be stored."""
    made = await make(database, tenant)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute("DELETE FROM assistants WHERE id = $1", made.id)
        beginnings = [
            asyncio.create_task(insert_thread(database, tenant.caller.tenant_id, new_id(), made.id)),
            asyncio.create_task(open_turn(database, tenant.caller.tenant_id, opening(assistant_id=made.id))),
        ]
        await wait_until(
            lambda: owner.fetchval("SELECT count(DISTINCT pid) = 2 FROM pg_locks WHERE NOT granted")
        )

    for beginning in beginnings:
        with pytest.raises(NotFound):
            await beginning


async def test_a_deleted_default_assistant_is_made_anew(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "one")
    await delete_assistant(database, tenant.caller.tenant_id, first.assistant_id)

    second = await say(database, tenant, None, "two")

    assert second.assistant_id != first.assistant_id
    assert (await get_thread(database, tenant.caller.tenant_id, second.thread_id)).message_count == 2
