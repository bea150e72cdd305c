"""Memories in Postgres: written with their index, listed and searched in one scope of one tenant.

The SQL of what is more than a query is in routines/memories.sql and recall.sql: one round trip each.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import UNSET, Struct, UnsetType

from backboard_server.domain.errors import NotFound
from backboard_server.domain.memories import (
    Memory,
    MemoryKind,
    MemoryOrigin,
    MemoryStats,
)

from .database import Connection, Database
from .rows import decoded

_NOT_FOUND = "Memory not found"
COLUMNS = """
    id, content, metadata, origin, kind, subject, slot, value, valid_from, valid_to, version, created_at,
    updated_at
"""

_HOLDS = "(valid_to IS NULL OR valid_to > now())"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Memory)


class IndexedText(Struct, frozen=True):
    """A text as the index has it: hashes of its terms with how often each occurs, and the length in terms."""

    terms: list[int]
    frequencies: list[int]
    length: int


class InsertMemory(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A memory to store."""

    id: UUID
    assistant_id: UUID
    user_id: str = ""
    content: str
    metadata: dict[str, Any] | None = None
    origin: MemoryOrigin
    kind: MemoryKind = "fact"
    subject: str | None = None
    slot: str | None = None
    value: str | None = None
    confidence: float = 1.0
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    terms: IndexedText


class UpdateMemory(Struct, frozen=True, kw_only=True):
    """What a memory is to say from now on; metadata that is unset stays."""

    assistant_id: UUID
    id: UUID
    content: str
    metadata: dict[str, Any] | UnsetType | None = UNSET
    terms: IndexedText


async def insert_memory(database: Database, tenant_id: UUID, memory: InsertMemory) -> Memory:
    """Store a memory and return it; one of this id stays as it is. One round trip.

    Raises NotFound for the assistant.
    """
    rows = await database.call("SELECT insert_memory($1, $2)", tenant_id, _encoder.encode(memory).decode())
    return _decoder.decode(rows[0][0])


async def update_memory(database: Database, tenant_id: UUID, memory: UpdateMemory) -> Memory:
    """Replace what a memory says, and its metadata where that is given, and return it. One round trip.

    Raises NotFound.
    """
    rows = await database.call("SELECT update_memory($1, $2)", tenant_id, _encoder.encode(memory).decode())
    if rows[0][0] is None:
        raise NotFound(_NOT_FOUND)
    return _decoder.decode(rows[0][0])


async def get_memory(database: Database, tenant_id: UUID, assistant_id: UUID, memory_id: UUID) -> Memory:
    """Return a memory of an assistant. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"SELECT {COLUMNS} FROM memories WHERE tenant_id = $1 AND assistant_id = $2 AND id = $3",
            tenant_id, assistant_id, memory_id,
        )  # fmt: skip
    if row is None:
        raise NotFound(_NOT_FOUND)
    return memory_of(row)


async def list_memories(
    database: Database,
    tenant_id: UUID,
    assistant_id: UUID,
    *,
    user_id: str,
    skip: int = 0,
    limit: int | None = None,
) -> tuple[list[Memory], int]:
    """Return memories that hold, newest first, and how many there are in all. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        await _check_assistant(connection, tenant_id, assistant_id)
        total = await connection.fetchval(
            f"""
            SELECT count(*) FROM memories
            WHERE tenant_id = $1 AND assistant_id = $2 AND user_id = $3 AND {_HOLDS}
            """,
            tenant_id, assistant_id, user_id,
        )  # fmt: skip
        rows = await connection.fetch(
            f"""
            SELECT {COLUMNS} FROM memories
            WHERE tenant_id = $1 AND assistant_id = $2 AND user_id = $3 AND {_HOLDS}
            ORDER BY id DESC OFFSET $4 LIMIT $5
            """,
            tenant_id, assistant_id, user_id, skip, limit,
        )  # fmt: skip
    return [memory_of(row) for row in rows], total


async def delete_memory(database: Database, tenant_id: UUID, assistant_id: UUID, memory_id: UUID) -> None:
    """Delete a memory with its index and its quotes. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        deleted = await connection.fetchval(
            "DELETE FROM memories WHERE tenant_id = $1 AND assistant_id = $2 AND id = $3 RETURNING id",
            tenant_id, assistant_id, memory_id,
        )  # fmt: skip
    if deleted is None:
        raise NotFound(_NOT_FOUND)


async def delete_memories(database: Database, tenant_id: UUID, assistant_id: UUID, user_id: str) -> int:
    """Forget all of a scope: its memories, and that its messages are remembered. Return how many there were.

    The messages themselves stay in their threads. Raises NotFound.
    """
    async with database.tenant(tenant_id) as connection:
        await _check_assistant(connection, tenant_id, assistant_id)
        status = await connection.execute(
            "DELETE FROM memories WHERE tenant_id = $1 AND assistant_id = $2 AND user_id = $3",
            tenant_id, assistant_id, user_id,
        )  # fmt: skip
        await connection.execute(
            "DELETE FROM memory_units WHERE tenant_id = $1 AND scope_id = scope_of($2, $3)",
            tenant_id, assistant_id, user_id,
        )  # fmt: skip
        await connection.execute(  # what is being drawn from messages is to be forgotten too
            """
            UPDATE memory_operations SET status = 'COMPLETED', changes = '[]', updated_at = now()
            WHERE tenant_id = $1 AND assistant_id = $2 AND user_id = $3 AND status = 'IN_PROGRESS'
            """,
            tenant_id, assistant_id, user_id,
        )  # fmt: skip
    return int(status.rpartition(" ")[2])


async def get_stats(database: Database, tenant_id: UUID, assistant_id: UUID, user_id: str) -> MemoryStats:
    """Return how much a scope holds. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        await _check_assistant(connection, tenant_id, assistant_id)
        row = await connection.fetchrow(
            f"""
            SELECT count(*) FILTER (WHERE {_HOLDS}) AS total, count(*) FILTER (WHERE NOT {_HOLDS}) AS ended,
                   count(*) FILTER (WHERE suspect_since IS NOT NULL AND {_HOLDS}) AS suspect,
                   max(updated_at) AS last_updated,
                   (SELECT count(*) FROM memory_units AS u WHERE u.tenant_id = $1
                    AND u.scope_id = scope_of($2, $3) AND u.thread_id IS NOT NULL) AS turns
            FROM memories WHERE tenant_id = $1 AND assistant_id = $2 AND user_id = $3
            """,
            tenant_id, assistant_id, user_id,
        )  # fmt: skip
        kinds = await connection.fetch(
            f"""
            SELECT kind, origin, count(*) AS number FROM memories
            WHERE tenant_id = $1 AND assistant_id = $2 AND user_id = $3 AND {_HOLDS} GROUP BY kind, origin
            """,
            tenant_id, assistant_id, user_id,
        )  # fmt: skip
        operations = await connection.fetch(
            """
            SELECT status, count(*) AS number FROM memory_operations
            WHERE tenant_id = $1 AND assistant_id = $2 GROUP BY status
            """,
            tenant_id, assistant_id,
        )  # fmt: skip
    assert row is not None  # noqa: S101 - an aggregate has a row
    return MemoryStats(
        total=row["total"],
        ended=row["ended"],
        suspect=row["suspect"],
        turns=row["turns"],
        last_updated=row["last_updated"],
        by_kind=_summed((row["kind"], row["number"]) for row in kinds),
        by_origin=_summed((row["origin"], row["number"]) for row in kinds),
        operations=_summed((row["status"], row["number"]) for row in operations),
    )


async def _check_assistant(connection: Connection, tenant_id: UUID, assistant_id: UUID) -> None:
    query = "SELECT EXISTS (SELECT FROM assistants WHERE tenant_id = $1 AND id = $2)"
    if not await connection.fetchval(query, tenant_id, assistant_id):
        raise NotFound("Assistant not found")


def memory_of(row: asyncpg.Record) -> Memory:
    """Return the memory in a row of COLUMNS."""
    return Memory(**decoded(row, "metadata"))


def _summed(numbers: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for name, number in numbers:
        sums[name] = sums.get(name, 0) + number
    return sums
