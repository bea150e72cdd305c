"""Summaries of threads in Postgres: what stands for the messages that no longer fit the window."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from .database import Database

_MESSAGES_MAX = 400  # per step: a thread that is far behind is caught up in several


class Unsummarised(Struct, frozen=True, kw_only=True):
    """The oldest messages that the summary does not cover, with the summary so far."""

    summary: str | None
    summarised_through: int
    messages: list[tuple[int, str, str]]
    """Sequence number, role and content, oldest first."""


async def find_unsummarised(
    database: Database, tenant_id: UUID, thread_id: UUID, *, keep: int
) -> Unsummarised | None:
    """Return what to summarise next, leaving the newest `keep` messages; None if the thread is gone."""
    async with database.tenant(tenant_id) as connection:
        thread = await connection.fetchrow(
            "SELECT summary, summarised_through, message_count FROM threads WHERE tenant_id = $1 AND id = $2",
            tenant_id, thread_id,
        )  # fmt: skip
        if thread is None:
            return None
        rows = await connection.fetch(
            """
            SELECT sequence, role, content FROM messages
            WHERE tenant_id = $1 AND thread_id = $2 AND sequence > $3 AND sequence <= $4
            ORDER BY sequence LIMIT $5
            """,
            tenant_id, thread_id, thread["summarised_through"], thread["message_count"] - keep, _MESSAGES_MAX,
        )  # fmt: skip
    return Unsummarised(
        summary=thread["summary"],
        summarised_through=thread["summarised_through"],
        messages=[(row["sequence"], row["role"], row["content"]) for row in rows],
    )


async def update_summary(
    database: Database, tenant_id: UUID, thread_id: UUID, *, read: Unsummarised, summary: str, tokens: int
) -> bool:
    """Store a summary that covers the messages in `read`; False if another one came first."""
    async with database.tenant(tenant_id) as connection:
        done = await connection.fetchval(
            """
            UPDATE threads SET summary = $3, summary_tokens = $4, summarised_through = $5
            WHERE tenant_id = $1 AND id = $2 AND summarised_through = $6
            RETURNING true
            """,
            tenant_id, thread_id, summary, tokens, read.messages[-1][0], read.summarised_through,
        )  # fmt: skip
    return bool(done)
