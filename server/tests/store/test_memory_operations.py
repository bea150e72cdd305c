"""Memory operations: what there is to remember of a message, and how that ended."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.errors import NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import MemoryChange, Scope
from backboard_server.domain.webhooks import WebhookSetup
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.database import Database
from backboard_server.store.memory_operations import fail_operation, find_turn, get_operation
from backboard_server.store.memory_scopes import held_scope
from backboard_server.store.threads import delete_thread
from backboard_server.store.webhook_deliveries import find_due_delivery, list_webhook_deliveries
from backboard_server.store.webhooks import insert_webhook
from memory_requests import tell
from tenants import Tenant

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


async def is_indexed(database: Database, scope: Scope, unit_id: UUID) -> bool:
    async with database.tenant(scope.tenant_id) as connection:
        query = "SELECT EXISTS (SELECT FROM memory_units WHERE tenant_id = $1 AND id = $2)"
        return await connection.fetchval(query, scope.tenant_id, unit_id)


async def test_an_operation_is_in_progress_from_when_its_message_is_stored_and_its_own_tenants(
    database: Database, tenant: Tenant, other_tenant: Tenant, scope: Scope
) -> None:
    said = await tell(database, scope, "Play violin")

    operation = await get_operation(database, tenant.caller.tenant_id, said.message_id)

    assert (operation.id, operation.status) == (said.message_id, "IN_PROGRESS")
    assert (operation.changes, operation.refused, operation.error) == ([], {}, None)
    for owner, asked in ((tenant, new_id()), (other_tenant, said.message_id)):
        with pytest.raises(NotFound, match="Memory operation not found"):
            await get_operation(database, owner.caller.tenant_id, asked)


async def test_an_operation_is_about_its_message_the_answer_and_what_the_assistant_asks(
    database: Database, scope: Scope
) -> None:
    said = await tell(database, scope, "I play violin")

    turn = await find_turn(database, scope.tenant_id, said.message_id, before_max=4)

    assert turn is not None
    assert [(message.id, message.role, message.content) for message in turn.messages] == [
        (said.message_id, "user", "I play violin"),
        (said.answer_id, "assistant", "Noted down"),
    ]
    assert turn.before == []
    assert (turn.extraction_prompt, turn.update_prompt) == ("Only hobbies", "Keep all")
    assert turn.system_prompt == "Be kind"


async def test_an_operation_comes_with_the_newest_messages_before_it_oldest_first(
    database: Database, scope: Scope
) -> None:
    first = await tell(database, scope, "one", answer="re: one")
    await tell(database, scope, "two", thread_id=first.new_thread_id, answer="re: two")
    third = await tell(database, scope, "three", thread_id=first.new_thread_id, answer="re: three")
    await tell(database, scope, "four", thread_id=first.new_thread_id)

    turn = await find_turn(database, scope.tenant_id, third.message_id, before_max=3)

    assert turn is not None
    assert [message.content for message in turn.before] == ["re: one", "two", "re: two"]
    assert [message.content for message in turn.messages] == ["three", "re: three"]


async def test_an_operation_that_is_over_or_whose_message_is_gone_is_about_nothing(
    database: Database, other_tenant: Tenant, scope: Scope
) -> None:
    completed, failed, deleted, open_ = [
        await tell(database, scope, text) for text in ("one", "two", "three", "four")
    ]
    async with held_scope(database, scope) as writer:
        await writer.finish(completed.message_id, [], {})
    await fail_operation(database, scope.tenant_id, failed.message_id, "No model")
    await delete_thread(database, scope.tenant_id, deleted.new_thread_id)

    for asked in (completed.message_id, failed.message_id, deleted.message_id, new_id()):
        assert await find_turn(database, scope.tenant_id, asked, before_max=4) is None
    theirs = other_tenant.caller.tenant_id
    assert await find_turn(database, theirs, open_.message_id, before_max=4) is None
    assert await find_turn(database, scope.tenant_id, open_.message_id, before_max=4) is not None


async def test_an_operation_that_is_given_up_says_why(database: Database, scope: Scope) -> None:
    said = await tell(database, scope, "I play violin")

    await fail_operation(database, scope.tenant_id, said.message_id, "No model")

    operation = await get_operation(database, scope.tenant_id, said.message_id)
    assert (operation.status, operation.error) == ("ERROR", "No model")
    assert await is_indexed(database, scope, said.message_id)


async def test_an_operation_that_is_over_cannot_be_given_up(database: Database, scope: Scope) -> None:
    said = await tell(database, scope, "I play violin")
    async with held_scope(database, scope) as writer:
        await writer.finish(said.message_id, [], {})

    await fail_operation(database, scope.tenant_id, said.message_id, "Too late")

    operation = await get_operation(database, scope.tenant_id, said.message_id)
    assert (operation.status, operation.error) == ("COMPLETED", None)


async def test_a_finished_operation_tells_what_it_did_and_so_do_webhooks(
    database: Database, scope: Scope
) -> None:
    said = await tell(database, scope, "I play violin")
    setup = WebhookSetup(url="https://hooks.example.com/", events=("memory.operation_finished",))
    webhook = await insert_webhook(database, scope.tenant_id, new_id(), setup, b"sealed")
    changes = [
        MemoryChange(event="ADD", memory="Plays violin", id=new_id()),
        MemoryChange(event="NONE", memory="Plays"),
    ]

    async with held_scope(database, scope) as writer:
        await writer.finish(said.message_id, changes, {"no quote": 2})

    operation = await get_operation(database, scope.tenant_id, said.message_id)
    assert (operation.status, operation.changes, operation.refused) == (
        "COMPLETED", changes, {"no quote": 2}
    )  # fmt: skip
    [delivery] = await list_webhook_deliveries(database, scope.tenant_id, webhook.id, skip=0, limit=10)
    assert delivery.event == "memory.operation_finished"
    due = await find_due_delivery(database, scope.tenant_id, delivery.id, 0)
    assert due is not None
    told = json.loads(due.payload)["data"]
    assert told["operation_id"] == str(said.message_id)
    assert told["assistant_id"] == str(scope.assistant_id)
    assert (told["status"], [change["event"] for change in told["memory_ids"]]) == (
        "COMPLETED",
        ["ADD", "NONE"],
    )
