"""Receipts in Postgres: stored with the answer, read with what they name, and the turns behind them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
import pytest
from asyncpg import InsufficientPrivilegeError

from backboard_server.domain.errors import BudgetSpent, Conflict, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import RunOptions
from backboard_server.domain.prompts import ToolCall, Usage
from backboard_server.domain.receipts import (
    AnyBlock,
    HistoryBlock,
    QuestionBlock,
    Receipt,
    SystemBlock,
    TokenEstimate,
)
from backboard_server.domain.threads import Turn
from backboard_server.store.budgets import set_budget
from backboard_server.store.database import Connection, Database
from backboard_server.store.receipts import (
    SHOWN_CHARACTERS_MAX,
    AskPastTurn,
    PastTurn,
    get_past_turn,
    get_receipt,
)
from backboard_server.store.turns import OpenTurn, ReceiptText, finish_turn, open_turn
from tenants import Tenant
from turn_requests import finishing, opening, stored_file

DIGEST = "d" * 64


def receipt(*blocks: AnyBlock) -> Receipt:
    return Receipt(
        model_provider="local",
        model_name="quotes",
        step=1,
        blocks=blocks,
        tokens=TokenEstimate(estimated=1, ratio=1.0, corrected=1, context_limit=100),
        usage=Usage(1, 1),
    )


async def answer(
    database: Database, tenant: Tenant, made: Receipt | None, request: OpenTurn, **changes: Any
) -> Turn:
    """Take a turn whose answer has this receipt."""
    turn = await open_turn(database, tenant.caller.tenant_id, request)
    assert isinstance(turn, Turn)
    outcome = finishing(request, turn.thread_id, **changes)
    if made is not None:
        texts = [ReceiptText(DIGEST, "Be kind.")]
        encoded = msgspec.json.encode(made).decode()
        outcome = msgspec.structs.replace(outcome, receipt=encoded, receipt_texts=texts)
    await finish_turn(database, tenant.caller.tenant_id, outcome)
    return turn


async def read_past(database: Database, tenant: Tenant, request: OpenTurn, **changes: Any) -> PastTurn:
    assert request.run_id is not None
    fields: dict[str, Any] = {
        "run_id": request.run_id,
        "message_ids": [request.message_id],
        "question_id": request.message_id,
        "document_ids": [],
        "key_id": tenant.caller.key_id,
        "model_name": "quotes",
        "is_priced": True,
        "is_free": False,
    }
    return await get_past_turn(database, tenant.caller.tenant_id, AskPastTurn(**(fields | changes)))


def ids_of(request: OpenTurn) -> tuple[UUID, UUID]:
    assert request.answer_id is not None
    return request.message_id, request.answer_id


async def test_a_receipt_comes_with_the_answer_and_what_it_names(database: Database, tenant: Tenant) -> None:
    request = opening(content="Look")
    question_id, answer_id = ids_of(request)
    made = receipt(SystemBlock(sha256=DIGEST), QuestionBlock(message_id=question_id))
    call = ToolCall("call_1", "look", "{}")
    turn = await answer(database, tenant, made, request, reasoning="Hm", tool_calls=(call,))

    found = await get_receipt(database, tenant.caller.tenant_id, turn.thread_id, answer_id)

    assert found.receipt == made
    assert found.texts == {DIGEST: "Be kind."}
    assert [(shown.role, shown.content, shown.is_cut) for shown in found.messages.values()] == [
        ("user", "Look", False)
    ]
    assert (found.message_id, found.thread_id, found.run_id) == (answer_id, turn.thread_id, request.run_id)
    assert (found.content, found.reasoning, found.status) == ("Hi", "Hm", "COMPLETED")
    assert found.tool_calls == (call,)


async def test_a_text_that_comes_again_is_kept_once_a_thread(database: Database, tenant: Tenant) -> None:
    first = opening()
    turn = await answer(database, tenant, receipt(SystemBlock(sha256=DIGEST)), first)
    again = opening(thread_id=turn.thread_id)
    await answer(database, tenant, receipt(SystemBlock(sha256=DIGEST)), again)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        count = await connection.fetchval(
            "SELECT count(*) FROM receipt_texts WHERE thread_id = $1", turn.thread_id
        )
    second = await get_receipt(database, tenant.caller.tenant_id, turn.thread_id, ids_of(again)[1])

    assert count == 1
    assert second.texts == {DIGEST: "Be kind."}


async def test_a_long_message_is_cut_where_it_is_told(database: Database, tenant: Tenant) -> None:
    request = opening(content="x" * (SHOWN_CHARACTERS_MAX + 1))
    question_id, answer_id = ids_of(request)
    turn = await answer(database, tenant, receipt(QuestionBlock(message_id=question_id)), request)

    found = await get_receipt(database, tenant.caller.tenant_id, turn.thread_id, answer_id)

    shown = found.messages[question_id]
    assert (len(shown.content), shown.is_cut) == (SHOWN_CHARACTERS_MAX, True)


async def test_messages_that_are_not_of_the_thread_are_not_told(database: Database, tenant: Tenant) -> None:
    elsewhere = opening(content="secret")
    await answer(database, tenant, None, elsewhere)
    request = opening()
    made = receipt(HistoryBlock(message_ids=(elsewhere.message_id,)))
    turn = await answer(database, tenant, made, request)

    found = await get_receipt(database, tenant.caller.tenant_id, turn.thread_id, ids_of(request)[1])
    past = await read_past(database, tenant, request, message_ids=[elsewhere.message_id])

    assert found.messages == {}
    assert past.history == []


async def test_what_has_no_receipt_is_not_found(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    request = opening()
    question_id, answer_id = ids_of(request)
    turn = await answer(database, tenant, None, request)
    mine, theirs = tenant.caller.tenant_id, other_tenant.caller.tenant_id
    asked = [
        (mine, new_id(), answer_id, "Thread not found"),
        (theirs, turn.thread_id, answer_id, "Thread not found"),
        (mine, turn.thread_id, new_id(), "Message not found"),
        (mine, turn.thread_id, question_id, "no receipt"),
        (mine, turn.thread_id, answer_id, "no receipt"),
    ]

    for tenant_id, thread_id, message_id, words in asked:
        with pytest.raises(NotFound, match=words):
            await get_receipt(database, tenant_id, thread_id, message_id)


async def test_nobody_can_change_a_receipt(database: Database, tenant: Tenant) -> None:
    request = opening()
    await answer(database, tenant, receipt(), request)

    with pytest.raises(InsufficientPrivilegeError):
        async with database.tenant(tenant.caller.tenant_id) as connection:
            await connection.execute("UPDATE receipts SET receipt = '{}'")


async def test_a_past_turn_has_its_messages_in_the_order_asked_and_its_options(
    database: Database, tenant: Tenant
) -> None:
    first = opening(content="one", options=RunOptions(openrouter={"sort": "price"}))
    turn = await answer(database, tenant, receipt(), first)
    second = opening(thread_id=turn.thread_id, content="two")
    await answer(database, tenant, receipt(), second)
    wanted = [ids_of(first)[1], second.message_id, first.message_id, new_id()]

    past = await read_past(database, tenant, first, message_ids=wanted)

    assert [message.id for message in past.history] == wanted[:3]
    assert past.options == RunOptions(openrouter={"sort": "price"})
    assert past.budget_left_usd is None


async def test_a_past_turn_has_all_files_of_its_question_and_the_others_that_were_asked_for(
    database: Database, tenant: Tenant
) -> None:
    old, unwanted, note, second_note = (stored_file(f"blob {number}") for number in range(4))
    first = opening(attachments=[old, unwanted])
    turn = await answer(database, tenant, None, first)
    asked = opening(thread_id=turn.thread_id, attachments=[note, second_note])
    await answer(database, tenant, receipt(), asked)

    past = await read_past(
        database,
        tenant,
        asked,
        message_ids=[first.message_id, asked.message_id],
        document_ids=[old.document_id],
    )

    assert [file.blob_key for file in past.files] == ["blob 2", "blob 3", "blob 0"]
    assert [file.message_id for file in past.files] == [asked.message_id, asked.message_id, first.message_id]


async def test_the_past_turn_of_a_run_that_is_not_over_is_refused(database: Database, tenant: Tenant) -> None:
    request = opening()
    await answer(database, tenant, receipt(), request, status="REQUIRES_ACTION")

    with pytest.raises(Conflict, match="has not ended"):
        await read_past(database, tenant, request)


async def test_the_past_turn_of_another_tenant_is_not_found(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    request = opening()
    await answer(database, tenant, receipt(), request)

    with pytest.raises(NotFound):
        await read_past(database, other_tenant, request)


async def test_budgets_hold_for_past_turns(database: Database, tenant: Tenant, owner: Connection) -> None:
    request = opening()
    await answer(database, tenant, receipt(), request)
    name = await owner.fetchval("SELECT name FROM tenants WHERE tenant_id = $1", tenant.caller.tenant_id)
    await set_budget(owner, name, None, 2.0, "total")

    assert (await read_past(database, tenant, request)).budget_left_usd == 2.0
    with pytest.raises(BudgetSpent, match="not known"):
        await read_past(database, tenant, request, is_priced=False)
