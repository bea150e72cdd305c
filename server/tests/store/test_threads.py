"""Threads and their messages in Postgres."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from backboard_server.domain.assistants import Assistant, AssistantSetup
from backboard_server.domain.errors import NotFound
from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import Attachment
from backboard_server.domain.prompts import ToolCall
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.database import Connection, Database
from backboard_server.store.runs import continue_turn
from backboard_server.store.threads import (
    delete_thread,
    get_saved,
    get_thread,
    insert_thread,
    list_threads,
)
from backboard_server.store.turns import finish_turn, open_turn
from run_requests import CALLS, begin, complete, continuing, enqueue, outputs_of, wait_for_tools
from tenants import Tenant
from turn_requests import finishing, opening, say, stored_file, turn_of
from waiting import wait_until


@pytest.fixture
async def assistant(database: Database, tenant: Tenant) -> Assistant:
    return await insert_assistant(database, tenant.caller.tenant_id, new_id(), AssistantSetup(name="Ada"))


async def test_a_new_thread_is_empty(database: Database, tenant: Tenant, assistant: Assistant) -> None:
    thread_id = new_id()

    made = await insert_thread(database, tenant.caller.tenant_id, thread_id, assistant.id, {"topic": ["é"]})

    assert (made.id, made.assistant_id, made.metadata) == (thread_id, assistant.id, {"topic": ["é"]})
    assert (made.message_count, made.first_user_message, made.messages) == (0, None, [])
    assert await get_thread(database, tenant.caller.tenant_id, thread_id) == made


async def test_a_thread_needs_an_assistant_of_its_own_tenant(
    database: Database, tenant: Tenant, other_tenant: Tenant, assistant: Assistant
) -> None:
    for tenant_id, assistant_id in (
        (tenant.caller.tenant_id, new_id()),
        (other_tenant.caller.tenant_id, assistant.id),
    ):
        with pytest.raises(NotFound, match="Assistant not found"):
            await insert_thread(database, tenant_id, new_id(), assistant_id)


async def test_a_message_comes_back_with_all_that_was_stored_of_it(
    database: Database, tenant: Tenant
) -> None:
    file = stored_file()
    request = opening(content="Look at this", metadata={"mine": 1}, attachments=[file])
    turn = await turn_of(database, tenant, request)
    now = datetime.now(UTC)
    outcome = finishing(
        request,
        turn.thread_id,
        status="REQUIRES_ACTION",
        content="I look",
        tool_calls=(ToolCall("call_1", "look", "{}"),),
        created_at=now,
    )
    await finish_turn(database, tenant.caller.tenant_id, outcome)

    asked, answered = (await get_thread(database, tenant.caller.tenant_id, turn.thread_id)).messages

    assert (asked.id, asked.role, asked.content) == (request.message_id, "user", "Look at this")
    assert (asked.status, asked.metadata, asked.model_name) == ("COMPLETED", {"mine": 1}, None)
    assert asked.attachments == [
        Attachment(document_id=file.document_id, filename="notes.txt", status="pending", file_size_bytes=3)
    ]
    assert (answered.id, answered.role, answered.content) == (request.answer_id, "assistant", "I look")
    assert (answered.status, answered.created_at) == ("REQUIRES_ACTION", now)
    assert (answered.model_provider, answered.model_name) == ("local", "quotes")
    assert (answered.input_tokens, answered.output_tokens) == (7, 2)
    assert answered.metadata == {
        "run_id": str(request.run_id),
        "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}],
    }


async def test_a_run_with_tools_is_told_as_its_calls_their_outputs_and_an_answer_that_names_all_calls(
    database: Database, tenant: Tenant
) -> None:
    waiting = await wait_for_tools(database, tenant, content="question")
    first, second = outputs_of(call_1="one", call_2="two")
    request = continuing(waiting, [first, replace(second, is_error=True)])
    await continue_turn(database, tenant.caller.tenant_id, request)
    third = ToolCall("call_3", "look", "{}")
    await complete(
        database, tenant, waiting, answer_id=request.answer_id, status="REQUIRES_ACTION", tool_calls=(third,)
    )
    last = continuing(waiting, outputs_of(call_3="three"))
    await continue_turn(database, tenant.caller.tenant_id, last)
    await complete(database, tenant, waiting, answer_id=last.answer_id, content="done")

    messages = (await get_thread(database, tenant.caller.tenant_id, waiting.thread_id)).messages

    assert [(message.role, message.content, message.status) for message in messages] == [
        ("user", "question", "COMPLETED"),
        ("assistant", "", "COMPLETED"),
        ("tool", "one", "COMPLETED"),
        ("tool", "two", "FAILED"),
        ("assistant", "Hi", "COMPLETED"),
        ("tool", "three", "COMPLETED"),
        ("assistant", "done", "COMPLETED"),
    ]
    run_id = str(waiting.run_id)
    calls = [shown(call) for call in (*CALLS, third)]
    assert [message.metadata for message in messages] == [
        None,
        {"run_id": run_id, "tool_calls": calls[:2]},
        {"run_id": run_id, "tool_call_id": "call_1", "tool_name": "look"},
        {"run_id": run_id, "tool_call_id": "call_2", "tool_name": "listen"},
        {"run_id": run_id, "tool_calls": calls[2:]},
        {"run_id": run_id, "tool_call_id": "call_3", "tool_name": "look"},
        {"run_id": run_id, "all_run_tool_calls": calls},
    ]


async def test_the_calls_of_one_run_are_not_told_of_another(database: Database, tenant: Tenant) -> None:
    waiting = await wait_for_tools(database, tenant)
    await say(database, tenant, waiting.thread_id, "never mind")

    messages = (await get_thread(database, tenant.caller.tenant_id, waiting.thread_id)).messages

    assert [message.status for message in messages] == ["COMPLETED", "CANCELLED", "COMPLETED", "COMPLETED"]
    assert messages[-1].metadata is not None
    assert messages[-1].metadata.keys() == {"run_id"}


async def test_messages_that_wait_for_their_turn_come_last_in_the_order_in_which_they_came(
    database: Database, tenant: Tenant
) -> None:
    first = await begin(database, tenant, content="one")
    queued = [await enqueue(database, tenant, first.thread_id, content=text) for text in ("two", "three")]
    await complete(database, tenant, first, content="re: one")
    saved = opening(thread_id=first.thread_id, run_id=None, answer_id=None, content="noted")
    await open_turn(database, tenant.caller.tenant_id, saved)

    thread = await get_thread(database, tenant.caller.tenant_id, first.thread_id)

    assert [message.content for message in thread.messages] == ["one", "re: one", "noted", "two", "three"]
    assert [message.id for message in thread.messages][3:] == [begun.request.message_id for begun in queued]
    assert thread.message_count == 3


async def test_a_message_that_no_model_answers_is_found_by_itself(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    file = stored_file()
    request = opening(run_id=None, answer_id=None, content="noted", attachments=[file])
    turn = await turn_of(database, tenant, request)

    saved = await get_saved(database, tenant.caller.tenant_id, request.message_id)

    assert saved.ids == RunIds(str(turn.thread_id), str(turn.assistant_id), None)
    assert (saved.message.role, saved.message.content) == ("user", "noted")
    assert [attached.document_id for attached in saved.message.attachments] == [file.document_id]
    for tenant_id, message_id in (
        (tenant.caller.tenant_id, new_id()),
        (other_tenant.caller.tenant_id, request.message_id),
    ):
        with pytest.raises(NotFound):
            await get_saved(database, tenant_id, message_id)


async def test_a_thread_that_is_made_again_stays_as_it_is(
    database: Database, tenant: Tenant, assistant: Assistant
) -> None:
    made = await insert_thread(database, tenant.caller.tenant_id, new_id(), assistant.id, {"first": True})

    again = await insert_thread(database, tenant.caller.tenant_id, made.id, assistant.id, {"second": True})

    assert again == made


def shown(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


async def test_the_first_user_message_is_kept_by_its_beginning(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "x" * 1_000)
    await say(database, tenant, first.thread_id, "second")

    [listed] = await list_threads(database, tenant.caller.tenant_id, skip=0, limit=10)

    assert listed.first_user_message == "x" * 200
    assert listed.message_count == 4
    assert listed.updated_at > listed.created_at


async def test_two_thousand_messages_come_back_in_order(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "0")
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            """
            INSERT INTO messages (tenant_id, id, thread_id, sequence, role, content, status, tokens)
            SELECT $1, gen_random_uuid(), $2, n, 'user', n::text, 'COMPLETED', 1
            FROM generate_series(3, 1999) AS n ORDER BY random()
            """,
            tenant.caller.tenant_id, first.thread_id,
        )  # fmt: skip
        await connection.execute("UPDATE threads SET message_count = 1999 WHERE id = $1", first.thread_id)
    last = opening(thread_id=first.thread_id, content="2000")
    await open_turn(database, tenant.caller.tenant_id, last)

    thread = await get_thread(database, tenant.caller.tenant_id, first.thread_id)

    assert thread.message_count == 2_000
    assert [message.content for message in thread.messages] == [
        "0", "re: 0", *(str(n) for n in range(3, 2_001))
    ]  # fmt: skip


async def test_threads_are_listed_newest_first_page_by_page_without_messages(
    database: Database, tenant: Tenant, assistant: Assistant
) -> None:
    made = [new_id() for _ in range(5)]
    for thread_id in made:
        await insert_thread(database, tenant.caller.tenant_id, thread_id, assistant.id)
    await say(database, tenant, made[0], "hello")
    newest_first = sorted(made, reverse=True)

    async def page(skip: int, limit: int) -> list[UUID]:
        listed = await list_threads(database, tenant.caller.tenant_id, skip=skip, limit=limit)
        assert all(thread.messages == [] for thread in listed)
        return [thread.id for thread in listed]

    assert await page(0, 10) == newest_first
    assert await page(1, 3) == newest_first[1:4]
    assert await page(5, 3) == []


async def test_threads_of_one_assistant_are_its_own(
    database: Database, tenant: Tenant, assistant: Assistant
) -> None:
    theirs = await insert_thread(database, tenant.caller.tenant_id, new_id(), assistant.id)
    await say(database, tenant, None, "of the default assistant")

    listed = await list_threads(
        database, tenant.caller.tenant_id, skip=0, limit=10, assistant_id=assistant.id
    )
    beyond = await list_threads(
        database, tenant.caller.tenant_id, skip=1, limit=10, assistant_id=assistant.id
    )

    assert listed == [theirs]
    assert beyond == []


async def test_the_threads_of_an_unknown_or_foreign_assistant_are_not_found(
    database: Database, other_tenant: Tenant, assistant: Assistant
) -> None:
    for assistant_id in (new_id(), assistant.id):
        with pytest.raises(NotFound, match="Assistant not found"):
            await list_threads(
                database, other_tenant.caller.tenant_id, skip=0, limit=10, assistant_id=assistant_id
            )


async def test_unknown_foreign_and_deleted_threads_look_the_same(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    theirs = await say(database, other_tenant, None, "secret")
    deleted = await say(database, tenant, None, "gone")
    await delete_thread(database, tenant.caller.tenant_id, deleted.thread_id)

    for thread_id in (new_id(), theirs.thread_id, deleted.thread_id):
        for attempt in (get_thread, delete_thread):
            with pytest.raises(NotFound, match=r"^Thread not found$"):
                await attempt(database, tenant.caller.tenant_id, thread_id)

    assert (await get_thread(database, other_tenant.caller.tenant_id, theirs.thread_id)).message_count == 2


async def test_deleting_a_thread_takes_everything_in_it_along(database: Database, tenant: Tenant) -> None:
    doomed = await say(database, tenant, None, "gone", attachments=[stored_file("doomed blob")])
    kept = await say(database, tenant, None, "stays", attachments=[stored_file("kept blob")])

    await delete_thread(database, tenant.caller.tenant_id, doomed.thread_id)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        for table in ("messages", "runs", "documents"):
            left = await connection.fetch(f"SELECT thread_id FROM {table}")
            assert {row["thread_id"] for row in left} == {kept.thread_id}
        jobs = await connection.fetch("SELECT kind, payload ->> 'keys' AS keys FROM jobs")
    assert [tuple(job) for job in jobs] == [("delete_blobs", '["doomed blob"]')]


async def test_a_thread_without_files_leaves_no_job(database: Database, tenant: Tenant) -> None:
    doomed = await say(database, tenant, None, "gone")

    await delete_thread(database, tenant.caller.tenant_id, doomed.thread_id)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        assert await connection.fetch("SELECT FROM jobs") == []


async def test_a_thread_that_two_requests_delete_at_once_is_gone_for_the_second(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    doomed = await say(database, tenant, None, "gone", attachments=[stored_file()])
    ids: tuple[Any, ...] = (tenant.caller.tenant_id, doomed.thread_id)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            """
            INSERT INTO jobs (tenant_id, id, kind, subject, payload)
            VALUES ($1, $3, 'delete_blobs', $2::uuid::text, '{"keys": ["a blob"]}')
            """,
            *ids, new_id(),
        )  # fmt: skip
        await connection.execute("DELETE FROM threads WHERE tenant_id = $1 AND id = $2", *ids)
        second = asyncio.create_task(delete_thread(database, *ids))
        await wait_until(lambda: owner.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    with pytest.raises(NotFound, match="Thread not found"):
        await second
