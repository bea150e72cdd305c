"""The two exchanges of a message with Postgres: `open_turn` before the model is called, `finish_turn` after.

The SQL of both is in routines/turns.sql: each sets the tenant and does all its work in one round trip.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.domain.errors import Conflict, TakenOver
from backboard_server.domain.messages import ActiveRunPolicy, RunOptions
from backboard_server.domain.models import PriceSource
from backboard_server.domain.prompts import Sidecar, ToolCall, Usage
from backboard_server.domain.runs import Attempt, LogRow, RunStatus
from backboard_server.domain.threads import Turn

from .database import Database
from .memories import IndexedText


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file whose bytes are in the blob store already."""

    document_id: UUID
    filename: str
    file_size_bytes: int
    blob_key: str
    media_type: str | None = None


class TurnLimits(Struct, frozen=True, kw_only=True):
    """How much of a thread is read for a prompt."""

    history_tokens_max: int
    history_messages_max: int
    media_max: int


class Repeated(Struct, frozen=True, kw_only=True):
    """What the first request with the same key, or with the same outputs, has made."""

    run_id: UUID | None = None
    made_id: UUID | None = None
    status: int | None = None
    answer: str | None = None


class MessageToRemember(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message to remember as it was said, and to draw memories from: one operation, which has its id."""

    user_id: str = ""
    is_pro: bool = False
    said_at: datetime
    terms: IndexedText


class OpenTurn(TurnLimits, frozen=True, kw_only=True, omit_defaults=True):
    """What a turn begins with. Without `run_id` the message is stored and no run is made.

    `log` and `queued_log` are how the log of the run begins: if it begins at once, and if it has to wait.
    """

    thread_id: UUID | None = None
    assistant_id: UUID | None = None
    new_thread_id: UUID
    new_assistant_id: UUID
    message_id: UUID
    run_id: UUID | None = None
    answer_id: UUID | None = None
    content: str
    created_at: datetime | None = None
    tokens: int
    metadata: dict[str, Any] | None = None
    attachments: list[StoredFile] | None = None
    model_provider: str | None = None
    model_name: str | None = None
    default_name: str
    default_tok_k: int
    default_embedding_provider: str
    default_embedding_model_name: str
    default_embedding_dims: int
    key_id: UUID
    is_priced: bool
    is_free: bool
    options: RunOptions | None = None
    on_active_run: ActiveRunPolicy = "queue"
    lease_seconds: float | None = None
    log: LogRow | None = None
    queued_log: LogRow | None = None
    remember: MessageToRemember | None = None
    idempotency_key: str | None = None
    fingerprint: str | None = None


class Opened(Struct, frozen=True, kw_only=True):
    """How a message was taken: with its turn, queued behind another run, or as one that was taken before."""

    thread_id: UUID | None = None
    assistant_id: UUID | None = None
    is_queued: bool = False
    repeated: Repeated | None = None


class LogPart(Struct, frozen=True, kw_only=True):
    """Rows to append to a log, which then ends with `last_sequence`."""

    last_sequence: int
    rows: list[LogRow]


class ReceiptText(Struct, frozen=True):
    """A text that receipts name by its SHA-256 in hexadecimal; it is kept once a thread."""

    digest: str
    content: str


class FinishTurn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a run that ended, well or not, or with the status IN_PROGRESS of a step that is over.

    `is_remembered` says that the message is, and `remember` is its answer as memory has it. `usage` and
    `cost_usd` are counted in the same transaction, for the key and the assistant named here. With
    `summary_job_id` the thread is to be summarised, but for its newest `summary_keep` messages. Nothing is
    stored where `epoch` is not the run's any more. `next_answer_id` is the answer of the next step.
    """

    thread_id: UUID
    run_id: UUID
    answer_id: UUID
    assistant_id: UUID
    key_id: UUID
    status: RunStatus
    content: str
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tokens: int
    model_provider: str
    model_name: str
    usage: Usage
    cost_usd: float | None = None
    price_source: PriceSource | None = None
    price_dated: date | None = None
    attempts: list[Attempt] | None = None
    sidecar: Sidecar | None = None
    token_ratio: float | None = None
    error_code: str | None = None
    error: str | None = None
    created_at: datetime
    summary_job_id: UUID | None = None
    summary_keep: int | None = None
    epoch: int | None = None
    next_answer_id: UUID | None = None
    log: LogPart | None = None
    receipt: str | None = None
    is_remembered: bool = False
    remember: IndexedText | None = None
    receipt_texts: list[ReceiptText] | None = None


_encoder = msgspec.json.Encoder()
_opened_decoder = msgspec.json.Decoder(Opened)
_turn_decoder = msgspec.json.Decoder(Turn)


async def open_turn(database: Database, tenant_id: UUID, request: OpenTurn) -> Turn | Opened:
    """Store the user's message and its run, and return what the prompt is made of. One round trip.

    It is no Turn where the run is queued, or where the same request was taken before. Raises NotFound for the
    thread or the assistant, Invalid if the two do not belong together, BudgetSpent, and Conflict for an
    active run where that is to be refused, and for a key that was used for another request.
    """
    rows = await database.call("SELECT open_turn($1, $2)", tenant_id, _encoder.encode(request).decode())
    opened = _opened_decoder.decode(rows[0][0])
    return opened if opened.is_queued or opened.repeated else _turn_decoder.decode(rows[0][0])


async def finish_turn(database: Database, tenant_id: UUID, outcome: FinishTurn) -> None:
    """Store how the run, or a step of it, went. One round trip.

    Raises Conflict if the thread is gone or the run had ended, TakenOver if another process has it now; what
    the run used is counted all the same.
    """
    rows = await database.call("SELECT finish_turn($1, $2)", tenant_id, _encoder.encode(outcome).decode())
    if rows[0][0] is not None:
        return
    raise await refusal(database, tenant_id, outcome.run_id, outcome.epoch)


async def refusal(database: Database, tenant_id: UUID, run_id: UUID, epoch: int | None) -> Conflict:
    """Return why nothing could be stored for a run that this process took for its own."""
    async with database.tenant(tenant_id) as connection:
        current = await connection.fetchval(
            "SELECT epoch FROM runs WHERE tenant_id = $1 AND id = $2", tenant_id, run_id
        )
    if epoch is not None and current is not None and current != epoch:
        return TakenOver("Another process has taken the run over, as this one was silent for too long.")
    return Conflict("The thread was deleted, or its run ended, while the model was answering.")
