"""A past answer given once more: what the model is shown, and what comes of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
import pytest

from backboard_server.adapters import Adapters, Limits
from backboard_server.domain.errors import Conflict, Invalid, NotFound, Upstream
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.prompts import ToolChoice
from backboard_server.domain.receipts import DroppedHistory, ReplayMessage
from backboard_server.runs.accept import accept_message
from backboard_server.runs.replay import replay_message
from backboard_server.runs.run import run_message
from backboard_server.store.threads import get_thread
from backboard_server.store.usage import list_recent_runs
from fake_vendor import Answer, FakeVendor, Fault
from tenants import Tenant


async def said(adapters: Adapters, tenant: Tenant, thread_id: UUID | None, content: str) -> tuple[UUID, UUID]:
    """Say something and have it answered; returns the thread and the answer."""
    message = SendMessage(content=content, thread_id=thread_id, llm_provider="openai", model_name="gpt-4o")
    accepted = await accept_message(adapters, tenant.caller, message, [])
    async for _ in run_message(adapters, accepted):
        continue
    assert accepted.run is not None
    return UUID(accepted.ids.thread_id), accepted.run.answer_id


async def test_a_replay_is_shown_what_the_receipt_says(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    thread_id, _ = await said(adapters, tenant, None, "First")
    _, answer_id = await said(adapters, tenant, thread_id, "Second")
    await said(adapters, tenant, thread_id, "Third")

    replay = await replay_message(
        adapters, tenant.caller, ReplayMessage(thread_id=thread_id, message_id=answer_id)
    )

    assert vendor.requests[-1].body == vendor.requests[1].body
    assert [*replay.receipt.message_ids()] == [*replay.original.receipt.message_ids()]
    assert replay.receipt.dropped == replay.original.receipt.dropped
    assert replay.outcome.content == "Hello from the vendor."


async def test_a_replay_leaves_the_thread_alone_and_counts_as_a_run(
    adapters: Adapters, tenant: Tenant
) -> None:
    thread_id, answer_id = await said(adapters, tenant, None, "First")
    tenant_id = tenant.caller.tenant_id
    before = await get_thread(adapters.database, tenant_id, thread_id)

    replay = await replay_message(
        adapters, tenant.caller, ReplayMessage(thread_id=thread_id, message_id=answer_id)
    )

    assert await get_thread(adapters.database, tenant_id, thread_id) == before
    counted, total = await list_recent_runs(
        adapters.database, tenant_id, before.created_at - timedelta(minutes=1), skip=0, limit=10
    )
    assert total == 2
    assert counted[0].output_tokens == replay.outcome.usage.output_tokens


async def test_a_smaller_window_shows_less_and_says_so(adapters: Adapters, tenant: Tenant) -> None:
    thread_id, _ = await said(adapters, tenant, None, "x" * 400)
    _, answer_id = await said(adapters, tenant, thread_id, "Second")
    tight = msgspec.structs.replace(adapters, limits=Limits(history_tokens_max=20))

    replay = await replay_message(
        tight, tenant.caller, ReplayMessage(thread_id=thread_id, message_id=answer_id)
    )

    assert DroppedHistory(reason="window", count=1) in replay.receipt.dropped
    (removed,) = replay.difference.messages_removed
    assert removed == next(replay.original.receipt.message_ids())
    assert replay.difference.tokens_after < replay.difference.tokens_before


async def test_a_provider_that_fails_is_asked_again_and_then_told_of(
    adapters: Adapters, tenant: Tenant, vendor: FakeVendor
) -> None:
    thread_id, answer_id = await said(adapters, tenant, None, "First")
    request = ReplayMessage(thread_id=thread_id, message_id=answer_id)
    vendor.script(Answer(fault=Fault.UNAVAILABLE), Answer(text="Here."), Answer(fault=Fault.CONTEXT_LENGTH))

    replay = await replay_message(adapters, tenant.caller, request)
    with pytest.raises(Upstream, match="context"):
        await replay_message(adapters, tenant.caller, request)

    assert replay.outcome.content == "Here."
    assert len(replay.receipt.retries) == 1


async def test_a_choice_of_a_tool_that_nobody_offers_is_refused(adapters: Adapters, tenant: Tenant) -> None:
    thread_id, answer_id = await said(adapters, tenant, None, "First")
    choice = ToolChoice("function", "look")

    with pytest.raises(Invalid, match="look"):
        await replay_message(
            adapters,
            tenant.caller,
            ReplayMessage(thread_id=thread_id, message_id=answer_id, tool_choice=choice),
        )


async def test_another_tenants_answer_is_not_found(
    adapters: Adapters, tenant: Tenant, other_tenant: Tenant
) -> None:
    thread_id, answer_id = await said(adapters, tenant, None, "First")

    for request in (
        ReplayMessage(thread_id=thread_id, message_id=answer_id),
        ReplayMessage(thread_id=new_id(), message_id=answer_id),
    ):
        with pytest.raises(NotFound):
            await replay_message(adapters, other_tenant.caller, request)


async def test_an_answer_of_a_run_that_goes_on_is_a_conflict(adapters: Adapters, tenant: Tenant) -> None:
    thread_id, answer_id = await said(adapters, tenant, None, "First")
    async with adapters.database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute("UPDATE runs SET status = 'IN_PROGRESS' WHERE thread_id = $1", thread_id)

    with pytest.raises(Conflict, match="has not ended"):
        await replay_message(
            adapters, tenant.caller, ReplayMessage(thread_id=thread_id, message_id=answer_id)
        )
