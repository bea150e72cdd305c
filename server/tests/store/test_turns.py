"""The two exchanges of a message with the database."""

from __future__ import annotations

import pytest

from backboard_server.domain.errors import Conflict, Invalid, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import ToolCall
from backboard_server.store import threads
from backboard_server.store.database import Connection, Database
from backboard_server.store.turns import finish_turn, open_turn
from conftest import Tenant
from turn_requests import finishing, opening, say


async def test_first_message_makes_thread_and_default_assistant(database: Database, tenant: Tenant) -> None:
    first = await open_turn(database, tenant.caller.tenant_id, opening())
    second = await open_turn(database, tenant.caller.tenant_id, opening())

    assert first.thread_id != second.thread_id
    assert first.assistant_id == second.assistant_id
    assert first.history == []


async def test_history_is_oldest_first_without_the_new_message(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "one")
    await say(database, tenant, first.thread_id, "two")

    turn = await open_turn(
        database, tenant.caller.tenant_id, opening(thread_id=first.thread_id, content="three")
    )

    assert [message.content for message in turn.history] == ["one", "re: one", "two", "re: two"]
    assert turn.earlier_messages == 0
    assert turn.unsummarised_messages == 4


async def test_window_is_cut_by_number_of_messages(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "one")
    await say(database, tenant, first.thread_id, "two")

    turn = await open_turn(
        database, tenant.caller.tenant_id, opening(thread_id=first.thread_id, history_messages_max=3)
    )

    assert [message.content for message in turn.history] == ["re: one", "two", "re: two"]
    assert turn.earlier_messages == 1


async def test_window_is_cut_by_tokens_as_the_provider_counts_them(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    first = await say(database, tenant, None, "one", tokens=5)
    await say(database, tenant, first.thread_id, "two", tokens=5)
    request = opening(thread_id=first.thread_id, history_tokens_max=20)

    whole = await open_turn(database, tenant.caller.tenant_id, request)
    await finish_turn(database, tenant.caller.tenant_id, finishing(request, first.thread_id, token_ratio=2.0))
    halved = await open_turn(
        database, tenant.caller.tenant_id, opening(thread_id=first.thread_id, history_tokens_max=20)
    )

    assert len(whole.history) == 4
    assert len(halved.history) == 1


@pytest.mark.parametrize("field", ["thread_id", "assistant_id"])
async def test_unknown_ids_are_not_found_and_store_nothing(
    database: Database, tenant: Tenant, field: str
) -> None:
    with pytest.raises(NotFound):
        await open_turn(database, tenant.caller.tenant_id, opening(**{field: new_id()}))

    assert await threads.list_threads(database, tenant.caller.tenant_id, skip=0, limit=10) == []


async def test_a_thread_of_another_tenant_is_not_found(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    theirs = await say(database, other_tenant, None, "secret")

    with pytest.raises(NotFound):
        await open_turn(database, tenant.caller.tenant_id, opening(thread_id=theirs.thread_id))


async def test_thread_and_assistant_must_belong_together(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "one")
    assert first.assistant_id
    other = new_id()
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO assistants (tenant_id, id, name, tok_k, embedding_provider, embedding_model_name,"
            " embedding_dims) VALUES ($1, $2, 'x', 1, 'x', 'x', 1)",
            tenant.caller.tenant_id,
            other,
        )

    with pytest.raises(Invalid, match="belongs to assistant"):
        await open_turn(
            database, tenant.caller.tenant_id, opening(thread_id=first.thread_id, assistant_id=other)
        )


async def test_finish_stores_answer_and_metadata(database: Database, tenant: Tenant) -> None:
    request = opening(metadata={"mine": 1})
    turn = await open_turn(database, tenant.caller.tenant_id, request)
    call = ToolCall("call_1", "look", '{"at": "it"}')
    await finish_turn(
        database,
        tenant.caller.tenant_id,
        finishing(request, turn.thread_id, status="REQUIRES_ACTION", content="", tool_calls=(call,)),
    )

    thread = await threads.get_thread(database, tenant.caller.tenant_id, turn.thread_id)

    assert [message.role for message in thread.messages] == ["user", "assistant"]
    assert thread.messages[0].metadata == {"mine": 1}
    answer = thread.messages[1]
    assert (answer.status, answer.input_tokens, answer.output_tokens) == ("REQUIRES_ACTION", 7, 2)
    assert answer.metadata is not None
    assert answer.metadata["run_id"] == str(request.run_id)
    assert answer.metadata["tool_calls"][0]["function"]["name"] == "look"


async def test_finishing_a_deleted_thread_is_a_conflict(database: Database, tenant: Tenant) -> None:
    request = opening()
    turn = await open_turn(database, tenant.caller.tenant_id, request)
    await threads.delete_thread(database, tenant.caller.tenant_id, turn.thread_id)

    with pytest.raises(Conflict):
        await finish_turn(database, tenant.caller.tenant_id, finishing(request, turn.thread_id))


async def test_finishing_twice_is_a_conflict(database: Database, tenant: Tenant) -> None:
    request = opening()
    turn = await open_turn(database, tenant.caller.tenant_id, request)
    await finish_turn(database, tenant.caller.tenant_id, finishing(request, turn.thread_id))

    with pytest.raises(Conflict):
        await finish_turn(database, tenant.caller.tenant_id, finishing(request, turn.thread_id))


async def test_concurrent_messages_to_one_thread_all_keep_their_place(
    database: Database, tenant: Tenant
) -> None:
    import asyncio

    first = await say(database, tenant, None, "zero")

    await asyncio.gather(*(say(database, tenant, first.thread_id, str(number)) for number in range(8)))

    thread = await threads.get_thread(database, tenant.caller.tenant_id, first.thread_id)
    assert thread.message_count == len(thread.messages) == 18
