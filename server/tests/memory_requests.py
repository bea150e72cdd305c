"""Memories as tests take them: kept by hand, and messages that are remembered with their answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from backboard_server.domain.ids import new_id
from backboard_server.domain.memories import Scope
from backboard_server.domain.messages import RunOptions
from backboard_server.memory.index import indexed
from backboard_server.store.database import Database
from backboard_server.store.memories import InsertMemory, insert_memory
from backboard_server.store.turns import MessageToRemember, OpenTurn, finish_turn, open_turn
from turn_requests import finishing, opening

NOW = datetime.now(UTC)


def memory_saying(scope: Scope, content: str, **changes: Any) -> InsertMemory:
    fields: dict[str, Any] = {
        "id": new_id(),
        "assistant_id": scope.assistant_id,
        "user_id": scope.user_id,
        "content": content,
        "origin": "rule",
        "terms": indexed(content),
    }
    return InsertMemory(**(fields | changes))


async def keep(database: Database, scope: Scope, content: str, **changes: Any) -> UUID:
    """Store a memory, and return its id."""
    memory = memory_saying(scope, content, **changes)
    await insert_memory(database, scope.tenant_id, memory)
    return memory.id


async def tell(
    database: Database,
    scope: Scope,
    content: str,
    *,
    answer: str | None = "Noted down",
    said_at: datetime = NOW,
    **changes: Any,
) -> OpenTurn:
    """Say something that is remembered, with its answer where it has one; without a thread in a new one."""
    fields: dict[str, Any] = {
        "assistant_id": None if changes.get("thread_id") else scope.assistant_id,
        "content": content,
        "remember": MessageToRemember(user_id=scope.user_id, said_at=said_at, terms=indexed(content)),
        "options": RunOptions(memory="auto", user_id=scope.user_id),
    }
    if answer is None:
        fields |= {"run_id": None, "answer_id": None}
    request = opening(**(fields | changes))
    turn = await open_turn(database, scope.tenant_id, request)
    if answer is not None:
        assert turn.thread_id is not None
        remembered = {"is_remembered": True, "remember": indexed(answer)}
        outcome = finishing(request, turn.thread_id, content=answer, **remembered)
        await finish_turn(database, scope.tenant_id, outcome)
    return request
