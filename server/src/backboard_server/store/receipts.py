"""Receipts in Postgres: read with what they name, and the past turns that they tell of.

They are written by `finish_turn`, with the answer; the SQL of a past turn is in routines/receipts.sql.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from backboard_server.domain.errors import NotFound
from backboard_server.domain.messages import RunOptions
from backboard_server.domain.prompts import ToolCall
from backboard_server.domain.receipts import Receipt, ReceiptedAnswer, ShownMessage
from backboard_server.domain.threads import HistoryFile, HistoryMessage

from .database import Connection, Database

SHOWN_CHARACTERS_MAX = 4_000  # of each message; whoever wants all of it reads the thread


class AskPastTurn(Struct, frozen=True, kw_only=True):
    """Which messages and files of an ended run are wanted again, for a key and a model that budgets allow.

    All files of the message `question_id` are wanted.
    """

    run_id: UUID
    message_ids: Collection[UUID]
    question_id: UUID | None
    document_ids: Collection[UUID]
    key_id: UUID
    model_name: str
    is_priced: bool
    is_free: bool


class PastTurn(Struct, frozen=True, kw_only=True):
    """What an ended run was asked, and what is still there of its prompt, in the order asked for."""

    options: RunOptions
    history: list[HistoryMessage]
    files: list[HistoryFile]
    budget_left_usd: float | None = None


_encoder = msgspec.json.Encoder()
_past_turn = msgspec.json.Decoder(PastTurn)
_receipt = msgspec.json.Decoder(Receipt)


async def get_receipt(
    database: Database, tenant_id: UUID, thread_id: UUID, message_id: UUID
) -> ReceiptedAnswer:
    """Return an answer with its receipt; the messages that it names are cut to a length that can be shown.

    Raises NotFound for the thread, for the message, and for a message that has no receipt.
    """
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            """
            SELECT t.id AS thread_id, t.assistant_id, m.id AS message_id, m.role, m.run_id, m.status,
                   m.content, m.reasoning, m.tool_calls, m.created_at, r.receipt
            FROM threads AS t
            LEFT JOIN messages AS m ON m.tenant_id = $1 AND m.thread_id = t.id AND m.id = $3
            LEFT JOIN receipts AS r ON r.tenant_id = $1 AND r.message_id = m.id
            WHERE t.tenant_id = $1 AND t.id = $2
            """,
            tenant_id, thread_id, message_id,
        )  # fmt: skip
        receipt = _receipt.decode(_checked(row)["receipt"])
        texts = await _texts(connection, tenant_id, thread_id, receipt)
        messages = await _messages(connection, tenant_id, thread_id, receipt)
    values = _answer(_checked(row))
    return ReceiptedAnswer(**values, receipt=receipt, texts=texts, messages=messages)


async def get_past_turn(database: Database, tenant_id: UUID, request: AskPastTurn) -> PastTurn:
    """Return the messages and files of a run that has ended. One round trip.

    Raises NotFound for the run, Conflict where it has not ended, and BudgetSpent.
    """
    rows = await database.call("SELECT past_turn($1, $2)", tenant_id, _encoder.encode(request).decode())
    return _past_turn.decode(rows[0][0])


def _checked(row: asyncpg.Record | None) -> asyncpg.Record:
    if row is None:
        raise NotFound("Thread not found")
    if row["message_id"] is None:
        raise NotFound("Message not found")
    if row["receipt"] is None:
        raise NotFound(
            "This message has no receipt: only answers of models have one, and only since receipts are kept."
        )
    return row


async def _texts(
    connection: Connection, tenant_id: UUID, thread_id: UUID, receipt: Receipt
) -> dict[str, str]:
    rows = await connection.fetch(
        """
        SELECT digest, content FROM receipt_texts
        WHERE tenant_id = $1 AND thread_id = $2 AND digest = ANY($3::text[])
        """,
        tenant_id, thread_id, list(receipt.texts()),
    )  # fmt: skip
    return {row["digest"]: row["content"] for row in rows}


async def _messages(
    connection: Connection, tenant_id: UUID, thread_id: UUID, receipt: Receipt
) -> dict[UUID, ShownMessage]:
    rows = await connection.fetch(
        """
        SELECT id, role, left(content, $4) AS content, length(content) > $4 AS is_cut FROM messages
        WHERE tenant_id = $1 AND thread_id = $2 AND id = ANY($3::uuid[])
        """,
        tenant_id, thread_id, list(receipt.message_ids()), SHOWN_CHARACTERS_MAX,
    )  # fmt: skip
    return {row["id"]: ShownMessage(**dict(row.items())) for row in rows}


def _answer(row: asyncpg.Record) -> dict[str, Any]:
    values = {name: value for name, value in row.items() if name not in ("role", "receipt")}
    calls = values["tool_calls"]
    values["tool_calls"] = () if calls is None else msgspec.json.decode(calls, type=tuple[ToolCall, ...])
    return values
