"""The two exchanges of a message with Postgres: `open_turn` before the model is called, `finish_turn` after.

The SQL of both is in routines/turns.sql: each sets the tenant and does all its work in one round trip.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.domain.errors import Conflict
from backboard_server.domain.messages import MessageStatus
from backboard_server.domain.models import PriceSource
from backboard_server.domain.prompts import Sidecar, ToolCall, Usage
from backboard_server.domain.runs import Attempt
from backboard_server.domain.threads import Turn

from .database import Database


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file whose bytes are in the blob store already."""

    document_id: UUID
    filename: str
    file_size_bytes: int
    blob_key: str
    media_type: str | None = None


class OpenTurn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a turn begins with. Without `run_id` the message is stored and no run is made."""

    thread_id: UUID | None = None
    assistant_id: UUID | None = None
    new_thread_id: UUID
    new_assistant_id: UUID
    message_id: UUID
    run_id: UUID | None = None
    answer_id: UUID | None = None
    content: str
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
    history_tokens_max: int
    history_messages_max: int
    media_max: int
    key_id: UUID
    is_priced: bool
    is_free: bool


class FinishTurn(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of a run that ended, well or not.

    `usage` and `cost_usd` are counted in the same transaction, for the key and the assistant named here.
    With `summary_job_id` the thread is to be summarised, but for its newest `summary_keep` messages.
    """

    thread_id: UUID
    run_id: UUID
    answer_id: UUID
    assistant_id: UUID
    key_id: UUID
    status: MessageStatus
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


_encoder = msgspec.json.Encoder()
_turn_decoder = msgspec.json.Decoder(Turn)


async def open_turn(database: Database, tenant_id: UUID, request: OpenTurn) -> Turn:
    """Store the user's message and its run, and return what the prompt is made of. One round trip.

    Raises NotFound for the thread or the assistant, Invalid if the two do not belong together.
    """
    rows = await database.call("SELECT open_turn($1, $2)", tenant_id, _encoder.encode(request).decode())
    return _turn_decoder.decode(rows[0][0])


async def finish_turn(database: Database, tenant_id: UUID, outcome: FinishTurn) -> None:
    """Store how the run went. One round trip.

    Raises Conflict if the thread is gone or the run had ended; what the run used is counted all the same.
    """
    rows = await database.call("SELECT finish_turn($1, $2)", tenant_id, _encoder.encode(outcome).decode())
    if not rows[0][0]:
        raise Conflict("The thread was deleted, or its run ended, while the model was answering.")
