"""Memory operations in Postgres: what there is to remember of a message, and how that ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.domain.errors import NotFound
from backboard_server.domain.memories import MemoryChange, MemoryOperation, OperationStatus

from .database import Connection, Database
from .rows import decoded

_encoder = msgspec.json.Encoder()


class RememberedMessage(Struct, frozen=True, kw_only=True):
    """A message that memories are drawn from, or one before it."""

    id: UUID
    role: Literal["user", "assistant"]
    content: str
    created_at: datetime


class RememberedTurn(Struct, frozen=True, kw_only=True):
    """What an operation is about: the message and its answer, those before, and what the assistant asks."""

    messages: list[RememberedMessage]
    before: list[RememberedMessage]
    extraction_prompt: str | None
    update_prompt: str | None
    system_prompt: str | None


class OperationEnd(Struct, frozen=True, kw_only=True):
    """How an operation ended, what it changed, and how much it refused, by reason."""

    status: OperationStatus
    changes: Sequence[MemoryChange] = ()
    refused: Mapping[str, int] = {}
    error: str | None = None


async def get_operation(database: Database, tenant_id: UUID, operation_id: UUID) -> MemoryOperation:
    """Return how far an operation is. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            """
            SELECT id, status, changes, refused, error, created_at, updated_at FROM memory_operations
            WHERE tenant_id = $1 AND id = $2
            """,
            tenant_id, operation_id,
        )  # fmt: skip
    if row is None:
        raise NotFound("Memory operation not found")
    fields = decoded(row, "changes", "refused")
    fields["changes"] = fields["changes"] or []
    fields["refused"] = fields["refused"] or {}
    return msgspec.convert(fields, MemoryOperation)


async def find_turn(
    database: Database, tenant_id: UUID, operation_id: UUID, *, before_max: int
) -> RememberedTurn | None:
    """Return what an operation is about; None where it is over, or the message is gone. One transaction."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            """
            SELECT o.thread_id, m.run_id, m.sequence, a.custom_fact_extraction_prompt AS extraction_prompt,
                   a.custom_update_memory_prompt AS update_prompt, a.system_prompt
            FROM memory_operations AS o
            JOIN messages AS m ON m.tenant_id = $1 AND m.id = o.message_id
            JOIN assistants AS a ON a.tenant_id = $1 AND a.id = o.assistant_id
            WHERE o.tenant_id = $1 AND o.id = $2 AND o.status = 'IN_PROGRESS'
            """,
            tenant_id, operation_id,
        )  # fmt: skip
        if row is None:
            return None
        said = await connection.fetch(
            """
            SELECT id, role, content, created_at FROM messages
            WHERE tenant_id = $1 AND thread_id = $2 AND (id = $3 OR run_id = $4 AND role = 'assistant')
            ORDER BY sequence NULLS FIRST
            """,
            tenant_id, row["thread_id"], operation_id, row["run_id"],
        )  # fmt: skip
        before = await connection.fetch(
            """
            SELECT id, role, content, created_at FROM messages
            WHERE tenant_id = $1 AND thread_id = $2 AND sequence < $3 AND role IN ('user', 'assistant')
            ORDER BY sequence DESC LIMIT $4
            """,
            tenant_id, row["thread_id"], row["sequence"] or 0, before_max,
        )  # fmt: skip
    return RememberedTurn(
        messages=[RememberedMessage(**message) for message in said],
        before=[RememberedMessage(**message) for message in reversed(before)],
        extraction_prompt=row["extraction_prompt"],
        update_prompt=row["update_prompt"],
        system_prompt=row["system_prompt"],
    )


async def fail_operation(database: Database, tenant_id: UUID, operation_id: UUID, error: str) -> None:
    """Record that an operation was given up; what was said is remembered as it was said all the same."""
    async with database.tenant(tenant_id) as connection:
        await end_operation(connection, tenant_id, operation_id, OperationEnd(status="ERROR", error=error))


async def end_operation(
    connection: Connection, tenant_id: UUID, operation_id: UUID, end: OperationEnd
) -> None:
    """Record how an operation ended, unless it had, and tell the tenant's webhooks of it."""
    assistant_id = await connection.fetchval(
        """
        UPDATE memory_operations
        SET status = $3, changes = $4, refused = $5, error = $6, updated_at = now()
        WHERE tenant_id = $1 AND id = $2 AND status = 'IN_PROGRESS'
        RETURNING assistant_id
        """,
        tenant_id, operation_id, end.status, _encoder.encode(end.changes).decode(),
        _encoder.encode(end.refused).decode(), end.error,
    )  # fmt: skip
    if assistant_id is None:
        return
    told = {
        "operation_id": operation_id,
        "assistant_id": assistant_id,
        "status": end.status,
        "memory_ids": end.changes,
        "error": end.error,
    }
    await connection.execute(
        "SELECT announce($1, 'memory.operation_finished', $2)", tenant_id, _encoder.encode(told).decode()
    )
