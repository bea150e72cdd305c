"""Turns as tests take them: the two requests with everything filled in, and both together."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from backboard_server.domain.ids import new_id
from backboard_server.domain.prompts import Usage
from backboard_server.domain.threads import Turn
from backboard_server.store.database import Database
from backboard_server.store.turns import FinishTurn, OpenTurn, StoredFile, finish_turn, open_turn
from tenants import Tenant


def opening(**changes: Any) -> OpenTurn:
    fields: dict[str, Any] = {
        "new_thread_id": new_id(),
        "new_assistant_id": new_id(),
        "message_id": new_id(),
        "run_id": new_id(),
        "answer_id": new_id(),
        "content": "Hello",
        "tokens": 6,
        "model_provider": "local",
        "model_name": "quotes",
        "default_name": "Default assistant",
        "default_tok_k": 10,
        "default_embedding_provider": "openai",
        "default_embedding_model_name": "text-embedding-3-large",
        "default_embedding_dims": 3072,
        "history_tokens_max": 1000,
        "history_messages_max": 10,
        "media_max": 20,
        "key_id": new_id(),
        "is_priced": True,
        "is_free": False,
    }
    return OpenTurn(**(fields | changes))


def finishing(request: OpenTurn, thread_id: UUID, **changes: Any) -> FinishTurn:
    fields: dict[str, Any] = {
        "thread_id": thread_id,
        "run_id": request.run_id,
        "answer_id": request.answer_id,
        "assistant_id": new_id(),
        "key_id": request.key_id,
        "status": "COMPLETED",
        "content": "Hi",
        "tokens": 5,
        "model_provider": "local",
        "model_name": "quotes",
        "usage": Usage(input_tokens=7, output_tokens=2),
        "created_at": datetime.now(UTC),
    }
    return FinishTurn(**(fields | changes))


def stored_file(blob_key: str = "a blob") -> StoredFile:
    return StoredFile(document_id=new_id(), filename="notes.txt", file_size_bytes=3, blob_key=blob_key)


async def turn_of(database: Database, tenant: Tenant, request: OpenTurn) -> Turn:
    """Open a turn that nothing is in the way of."""
    turn = await open_turn(database, tenant.caller.tenant_id, request)
    assert isinstance(turn, Turn)
    return turn


async def say(
    database: Database, tenant: Tenant, thread_id: UUID | None, content: str, **changes: Any
) -> Turn:
    """Say something in a thread, or in a new one, and have it answered."""
    request = opening(thread_id=thread_id, content=content, **changes)
    turn = await turn_of(database, tenant, request)
    outcome = finishing(request, turn.thread_id, content=f"re: {content}")
    await finish_turn(database, tenant.caller.tenant_id, outcome)
    return turn
