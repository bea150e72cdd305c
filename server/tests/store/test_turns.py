"""The two exchanges of a message with the database."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest

from backboard_server.domain.errors import Conflict, Invalid, NotFound, TakenOver
from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import ToolCall, Usage
from backboard_server.store import threads
from backboard_server.store.database import Connection, Database
from backboard_server.store.run_logs import list_rows
from backboard_server.store.turns import LogPart, Opened, Repeated, finish_turn, open_turn
from run_requests import begin, complete, row, stored
from tenants import Tenant
from turn_requests import finishing, opening, say, turn_of


async def test_first_message_makes_thread_and_default_assistant(database: Database, tenant: Tenant) -> None:
    first = await turn_of(database, tenant, opening())
    second = await turn_of(database, tenant, opening())

    assert first.thread_id != second.thread_id
    assert first.assistant_id == second.assistant_id
    assert first.history == []


async def test_history_is_oldest_first_without_the_new_message(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "one")
    await say(database, tenant, first.thread_id, "two")

    turn = await turn_of(database, tenant, opening(thread_id=first.thread_id, content="three"))

    assert [message.content for message in turn.history] == ["one", "re: one", "two", "re: two"]
    assert turn.earlier_messages == 0
    assert turn.unsummarised_messages == 4


async def test_window_is_cut_by_number_of_messages(database: Database, tenant: Tenant) -> None:
    first = await say(database, tenant, None, "one")
    await say(database, tenant, first.thread_id, "two")

    turn = await turn_of(database, tenant, opening(thread_id=first.thread_id, history_messages_max=3))

    assert [message.content for message in turn.history] == ["re: one", "two", "re: two"]
    assert turn.earlier_messages == 1


async def test_window_is_cut_by_tokens_as_the_provider_counts_them(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    first = await say(database, tenant, None, "one", tokens=5)
    await say(database, tenant, first.thread_id, "two", tokens=5)
    request = opening(thread_id=first.thread_id, history_tokens_max=20)

    whole = await turn_of(database, tenant, request)
    await finish_turn(database, tenant.caller.tenant_id, finishing(request, first.thread_id, token_ratio=2.0))
    halved = await turn_of(database, tenant, opening(thread_id=first.thread_id, history_tokens_max=20))

    assert len(whole.history) == 4
    assert len(halved.history) == 1


async def test_a_thread_is_read_no_further_back_than_its_summary(database: Database, tenant: Tenant) -> None:
    """Also by a plan that serves for every run, which connections come to use."""
    tenant_id = tenant.caller.tenant_id
    thread_id = (await say(database, tenant, None, "one")).thread_id
    request = msgspec.json.encode(opening(thread_id=thread_id)).decode()
    async with database.tenant(tenant_id) as connection:
        await connection.execute(
            "INSERT INTO messages (tenant_id, id, thread_id, sequence, role, content, status, tokens)"
            " SELECT $1, gen_random_uuid(), $2, n, 'user', 'old', 'COMPLETED', 8"
            " FROM generate_series(3, 1000) AS n",
            tenant_id, thread_id,
        )  # fmt: skip
        await connection.execute(
            "UPDATE threads SET message_count = 1000, summarised_through = 998 WHERE id = $1", thread_id
        )
    async with database.tenant(tenant_id) as connection:
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute("SET LOCAL enable_seqscan = off")
        await connection.fetch("SELECT open_turn($1, $2)", tenant_id, request)
        read = await connection.fetch(
            "SELECT idx_tup_fetch AS rows FROM pg_stat_xact_user_tables WHERE relname = 'messages'"
        )

    assert 2 <= read[0]["rows"] < 10


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
    turn = await turn_of(database, tenant, request)
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
    turn = await turn_of(database, tenant, request)
    await threads.delete_thread(database, tenant.caller.tenant_id, turn.thread_id)

    with pytest.raises(Conflict):
        await finish_turn(database, tenant.caller.tenant_id, finishing(request, turn.thread_id))


async def test_finishing_twice_is_a_conflict(database: Database, tenant: Tenant) -> None:
    request = opening()
    turn = await turn_of(database, tenant, request)
    await finish_turn(database, tenant.caller.tenant_id, finishing(request, turn.thread_id))

    with pytest.raises(Conflict):
        await finish_turn(database, tenant.caller.tenant_id, finishing(request, turn.thread_id))


async def test_a_message_that_comes_twice_with_the_same_key_is_taken_once(
    database: Database, tenant: Tenant
) -> None:
    key: dict[str, Any] = {"idempotency_key": "a key", "fingerprint": "00ff"}
    first = await begin(database, tenant, **key)

    again = await open_turn(database, tenant.caller.tenant_id, opening(**key))
    with pytest.raises(Conflict, match="another request") as raised:
        await open_turn(database, tenant.caller.tenant_id, opening(**key | {"fingerprint": "ff00"}))

    assert again == Opened(repeated=Repeated(run_id=first.run_id, made_id=first.request.message_id))
    assert raised.value.error_code == "idempotency_key_reused"
    listed = await threads.list_threads(database, tenant.caller.tenant_id, skip=0, limit=10)
    assert [(thread.id, thread.message_count) for thread in listed] == [(first.thread_id, 1)]


async def test_the_key_of_a_message_that_was_refused_is_free_again(
    database: Database, tenant: Tenant
) -> None:
    key: dict[str, Any] = {"idempotency_key": "a key", "fingerprint": "00ff"}
    with pytest.raises(NotFound):
        await open_turn(database, tenant.caller.tenant_id, opening(thread_id=new_id(), **key))

    opened = await open_turn(database, tenant.caller.tenant_id, opening(**key | {"fingerprint": "ff00"}))

    assert opened.thread_id is not None


async def test_a_run_begins_with_its_log_and_ends_with_the_rest_of_it(
    database: Database, tenant: Tenant
) -> None:
    begun = await begin(database, tenant)

    await complete(database, tenant, begun, log=LogPart(last_sequence=7, rows=[row(5, 6), row(7, 7)]))

    rows = await list_rows(database, tenant.caller.tenant_id, begun.run_id, after=0)
    assert rows == [row(1, 4), row(5, 6), row(7, 7)]


async def test_a_step_that_is_over_leaves_its_run_under_way_with_the_next_answer_to_come(
    database: Database, tenant: Tenant
) -> None:
    begun = await begin(database, tenant)
    next_answer_id = new_id()
    call = ToolCall("call_1", "look", "{}")

    await complete(
        database, tenant, begun,
        status="IN_PROGRESS", next_answer_id=next_answer_id, tool_calls=(call,), cost_usd=0.25,
        usage=Usage(input_tokens=10, output_tokens=1),
    )  # fmt: skip
    halfway = await stored(database, tenant, begun)
    await complete(
        database, tenant, begun,
        answer_id=next_answer_id, cost_usd=0.5, usage=Usage(input_tokens=20, output_tokens=2),
    )  # fmt: skip
    whole = await stored(database, tenant, begun)

    assert (halfway.status, halfway.message_id, halfway.ended_at) == ("IN_PROGRESS", next_answer_id, None)
    assert (whole.status, whole.message_id, whole.cost_usd) == ("COMPLETED", next_answer_id, 0.75)
    assert whole.usage == Usage(input_tokens=30, output_tokens=3)
    thread = await threads.get_thread(database, tenant.caller.tenant_id, begun.thread_id)
    assert [(message.id, message.status) for message in thread.messages][1:] == [
        (begun.answer_id, "COMPLETED"),
        (next_answer_id, "COMPLETED"),
    ]
    assert await counted(database, tenant) == [(begun.run_id, 30, 3, 0.75)]


async def test_nothing_is_stored_of_a_run_that_changed_hands_but_what_it_used(
    database: Database, tenant: Tenant
) -> None:
    begun = await begin(database, tenant)

    with pytest.raises(TakenOver):
        await complete(database, tenant, begun, epoch=2)

    assert (await stored(database, tenant, begun)).status == "IN_PROGRESS"
    assert len((await threads.get_thread(database, tenant.caller.tenant_id, begun.thread_id)).messages) == 1
    assert [used[1:3] for used in await counted(database, tenant)] == [(7, 2)]
    await complete(database, tenant, begun, epoch=1)
    assert sum(used[1] for used in await counted(database, tenant)) == 14


async def counted(database: Database, tenant: Tenant) -> list[tuple[UUID, int, int, float | None]]:
    """Return what the tenant used: the run, tokens in and out, and dollars."""
    async with database.tenant(tenant.caller.tenant_id) as connection:
        rows = await connection.fetch(
            "SELECT id, input_tokens, output_tokens, cost_usd FROM usage ORDER BY id"
        )
    return [(used[0], used[1], used[2], used[3]) for used in rows]
