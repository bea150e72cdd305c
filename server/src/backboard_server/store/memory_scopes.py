"""One scope of memory while it is changed: held by one writer at a time, in one transaction.

Nothing is asked of a model in here: what a model decided is decided before, and checked again.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import msgspec

from backboard_server.domain.memories import Memory, MemoryChange, Quote, Scope

from .database import Connection, Database
from .memories import COLUMNS, IndexedText, InsertMemory, memory_of
from .memory_operations import OperationEnd, end_operation

_encoder = msgspec.json.Encoder()


class ScopeWriter:
    """A scope that is held: reads what is known, and changes it."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        """Made by `held_scope`, whose transaction it belongs to."""
        self._connection = connection
        self._tenant_id = scope.tenant_id
        self.assistant_id = scope.assistant_id
        self.user_id = scope.user_id

    async def begin(self, operation_id: UUID) -> bool:
        """Return whether an operation is still to be carried out."""
        query = """
            SELECT status = 'IN_PROGRESS' FROM memory_operations WHERE tenant_id = $1 AND id = $2 FOR UPDATE
        """
        return bool(await self._connection.fetchval(query, self._tenant_id, operation_id))

    async def known_in_slot(self, subject: str, slot: str) -> list[Memory]:
        """Return all that is, and was, the answer in a slot, oldest first."""
        rows = await self._connection.fetch(
            f"""
            SELECT {COLUMNS} FROM memories
            WHERE tenant_id = $1 AND assistant_id = $2 AND user_id = $3 AND subject = $4 AND slot = $5
            ORDER BY valid_from, id
            """,
            self._tenant_id, self.assistant_id, self.user_id, subject, slot,
        )  # fmt: skip
        return [memory_of(row) for row in rows]

    async def known_with_any(self, terms: Sequence[int], limit: int) -> list[Memory]:
        """Return memories that have these terms, those with most of them first, and what has ended too."""
        rows = await self._connection.fetch(
            f"""
            SELECT {COLUMNS} FROM memories AS m JOIN (
                SELECT p.unit_id, count(*) AS shared FROM memory_postings AS p
                WHERE p.tenant_id = $1 AND p.scope_id = scope_of($2, $3) AND p.term = ANY ($4)
                GROUP BY p.unit_id
            ) AS f ON f.unit_id = m.id
            WHERE m.tenant_id = $1 AND m.assistant_id = $2 AND m.user_id = $3
            ORDER BY f.shared DESC, m.id DESC LIMIT $5
            """,
            self._tenant_id, self.assistant_id, self.user_id, list(terms), limit,
        )  # fmt: skip
        return [memory_of(row) for row in rows]

    async def confirmed(self, memory_ids: Sequence[UUID]) -> dict[UUID, datetime]:
        """Return when those of these memories that were said more than once were said last."""
        rows = await self._connection.fetch(
            """
            SELECT memory_id, max(said_at) AS said_at FROM memory_quotes
            WHERE tenant_id = $1 AND memory_id = ANY ($2)
            GROUP BY memory_id HAVING count(DISTINCT message_id) > 1
            """,
            self._tenant_id, list(memory_ids),
        )  # fmt: skip
        return {row["memory_id"]: row["said_at"] for row in rows}

    async def insert(self, memory: InsertMemory) -> None:
        """Store a memory with its index."""
        await self._connection.execute(
            "SELECT insert_memory($1, $2)", self._tenant_id, _encoder.encode(memory).decode()
        )

    async def add_quotes(
        self, memory_id: UUID, quotes: Sequence[Quote], *, thread_id: UUID, said_at: datetime
    ) -> None:
        """Add what a memory rests on; what is there already changes nothing."""
        await self._connection.executemany(
            """
            INSERT INTO memory_quotes (
                tenant_id, memory_id, message_id, thread_id, starts_at, ends_at, quote, said_at
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
            """,
            [
                (
                    self._tenant_id, memory_id, quote.message_id, thread_id, quote.start, quote.end,
                    quote.text, said_at,
                )
                for quote in quotes
            ],
        )  # fmt: skip

    async def hold(self, memory_id: UUID, valid_from: datetime, valid_to: datetime | None) -> None:
        """Let a memory hold from when to when; one that has ended stays, as what was."""
        await self._connection.execute(
            """
            UPDATE memories SET valid_from = $3, valid_to = $4, version = version + 1, updated_at = now()
            WHERE tenant_id = $1 AND id = $2 AND assistant_id = $5 AND user_id = $6
            """,
            self._tenant_id, memory_id, valid_from, valid_to, self.assistant_id, self.user_id,
        )  # fmt: skip

    async def refine(self, memory_id: UUID, content: str, value: str | None, terms: IndexedText) -> None:
        """Let a memory say what it says in more detail."""
        await self._connection.execute(
            """
            UPDATE memories SET content = $3, value = $4, version = version + 1, updated_at = now()
            WHERE tenant_id = $1 AND id = $2 AND assistant_id = $5 AND user_id = $6
            """,
            self._tenant_id, memory_id, content, value, self.assistant_id, self.user_id,
        )  # fmt: skip
        await self.index_again(memory_id, terms)

    async def suspect(self, memory_ids: Sequence[UUID]) -> None:
        """Mark memories as resting on what has changed since."""
        await self._connection.execute(
            """
            UPDATE memories SET suspect_since = coalesce(suspect_since, now()), version = version + 1
            WHERE tenant_id = $1 AND id = ANY ($2) AND assistant_id = $3 AND user_id = $4
            """,
            self._tenant_id, list(memory_ids), self.assistant_id, self.user_id,
        )  # fmt: skip

    async def index_again(self, unit_id: UUID, terms: IndexedText) -> None:
        """Index a memory, or a message, anew."""
        row = await self._connection.fetchrow(
            """
            DELETE FROM memory_units WHERE tenant_id = $1 AND scope_id = scope_of($2, $3) AND id = $4
            RETURNING scope_id, assistant_id, thread_id, said_at
            """,
            self._tenant_id, self.assistant_id, self.user_id, unit_id,
        )  # fmt: skip
        if row is not None:
            await self._connection.execute(
                "SELECT index_unit($1, $2, $3, $4, $5, $6, $7)", self._tenant_id, row["scope_id"],
                row["assistant_id"], row["thread_id"], unit_id, row["said_at"],
                _encoder.encode(terms).decode(),
            )  # fmt: skip

    async def finish(
        self, operation_id: UUID, changes: Sequence[MemoryChange], refused: Mapping[str, int]
    ) -> None:
        """Record what an operation did, and tell the tenant's webhooks of it."""
        end = OperationEnd(status="COMPLETED", changes=changes, refused=refused)
        await end_operation(self._connection, self._tenant_id, operation_id, end)


@asynccontextmanager
async def held_scope(database: Database, scope: Scope) -> AsyncGenerator[ScopeWriter]:
    """Hold a scope for as long as the transaction takes; another writer of it waits."""
    async with database.tenant(scope.tenant_id) as connection:
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(scope_of($1, $2)::text, 1))",
            scope.assistant_id, scope.user_id,
        )  # fmt: skip
        yield ScopeWriter(connection, scope)
