"""Memories over HTTP: written by hand, listed, searched, and what became of an operation (contract A.5)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, Field

from backboard_server.domain.memories import (
    CONTENT_CHARACTERS_MAX,
    Memory,
    MemoryEvent,
    MemoryKind,
    MemoryOperation,
    MemoryStats,
    OperationStatus,
    Scope,
)
from backboard_server.memory import manual
from backboard_server.memory.recall import Search, search
from backboard_server.store import memories, memory_operations

from .bodies import Body, JsonObject
from .edge import AdaptersOf, CallerOf, GuardedRoute
from .request_keys import MadeId
from .shapes import Shape, now

router = APIRouter(prefix="/assistants", tags=["memories"], route_class=GuardedRoute)

METADATA_BYTES_MAX = 64 * 1024
USER_CHARACTERS_MAX = 200
PAGE_SIZE_MAX = 100
PAGE_MAX = 1_000_000
SEARCHED_MAX = 50
LIMITS = {"content_characters_max": CONTENT_CHARACTERS_MAX, "metadata_bytes_max": METADATA_BYTES_MAX}


def _said(content: str) -> str:
    if not content.strip():
        raise ValueError("is empty: give it a text")
    return content


def _within_bytes(metadata: dict[str, Any] | None) -> dict[str, Any] | None:
    if metadata and len(msgspec.json.encode(metadata)) > METADATA_BYTES_MAX:
        raise ValueError(f"is larger than {METADATA_BYTES_MAX // 1024} KiB of JSON: send less")
    return metadata


Content = Annotated[str, Field(max_length=CONTENT_CHARACTERS_MAX), AfterValidator(_said)]
Metadata = Annotated[JsonObject, AfterValidator(_within_bytes)]
User = Annotated[str | None, Field(min_length=1, max_length=USER_CHARACTERS_MAX)]
"""An end user of the application, by a name of its own; without one it is what all of them share."""
UserOf = Annotated[
    str | None,
    Query(min_length=1, max_length=USER_CHARACTERS_MAX, description="Whose memory: an end user's."),
]


class MemoryAdd(Body):
    """A memory, which is kept word for word."""

    content: Content
    metadata: Metadata = Field(None, validation_alias="metadata")
    user_id: User = None


class MemoryUpdate(Body):
    """What a memory is to say from now on; metadata that is left out stays."""

    content: Content
    metadata: Metadata = Field(None, validation_alias="metadata")


class MemorySearch(Body):
    """A search; with `metadata` only of memories that have all of it."""

    query: Annotated[str, Field(max_length=CONTENT_CHARACTERS_MAX), AfterValidator(_said)]
    limit: int = Field(5, ge=1, le=SEARCHED_MAX)
    metadata: Metadata = Field(None, validation_alias="metadata")
    user_id: User = None


class MemoryRead(Shape):
    """A memory as clients know it. `valid_to` says since when it holds no longer."""

    id: UUID
    content: str
    metadata: dict[str, Any] | None
    score: float | None = None
    kind: MemoryKind | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    created_at: datetime
    updated_at: datetime


class MemoryAdded(BaseModel):
    """What adding a memory answers; it can be found at once, so no operation follows."""

    success: bool = True
    memory_id: UUID
    id: UUID
    content: str
    metadata: dict[str, Any] | None
    memory_operation_id: UUID | None = None
    created_at: datetime
    updated_at: datetime


class MemoryDeleted(BaseModel):
    """What deleting memories answers."""

    success: bool = True
    message: str


class MemoriesListed(BaseModel):
    """A page of memories, or all of them where no page was asked for."""

    memories: list[MemoryRead]
    total_count: int
    page: int | None = None
    page_size: int | None = None
    total_pages: int | None = None


class MemoryFound(Shape):
    """A memory that was found, or a message that is remembered as it was said (`thread_id`).

    `matched_words` are the words of the query that it has; `sources` the messages that a memory is from.
    """

    id: UUID
    content: str
    score: float
    metadata: dict[str, Any] | None
    kind: MemoryKind | None
    thread_id: UUID | None
    role: str | None
    said_at: datetime
    valid_to: datetime | None
    matched_words: list[str]
    sources: list[UUID]
    created_at: datetime
    updated_at: datetime


class MemoriesFound(BaseModel):
    """What a search found, best first."""

    memories: list[MemoryFound]
    total_count: int


class MemoryStatsRead(BaseModel):
    """How much is remembered; `turns` are messages that are remembered beside the memories."""

    total_memories: int
    total_count: int
    turns: int
    last_updated: datetime | None
    limits: dict[str, int]


class MemoryInsights(BaseModel):
    """What the memory of an assistant is made of."""

    snapshot: dict[str, Any]
    content_signals: dict[str, Any] = Field(serialization_alias="contentSignals")
    breakdown: dict[str, dict[str, int]]
    operations: dict[str, int]


class MemoryChangeRead(Shape):
    """What was done to one memory."""

    id: UUID | None
    event: MemoryEvent
    memory: str


class MemoryOperationRead(BaseModel):
    """How far an operation is, and what it did."""

    operation_id: UUID
    status: OperationStatus
    status_message: str | None
    memory_ids: list[MemoryChangeRead]
    result_count: int
    refused: dict[str, int]
    created_at: datetime
    updated_at: datetime


@router.get("/memories/operations/{operation_id}")
async def get_memory_operation(
    operation_id: UUID, adapters: AdaptersOf, caller: CallerOf
) -> MemoryOperationRead:
    """Return how far the memory of a message is: IN_PROGRESS, COMPLETED or ERROR, and what was remembered."""
    operation = await memory_operations.get_operation(adapters.database, caller.tenant_id, operation_id)
    return _operation(operation)


@router.get("/{assistant_id}/memories")
async def get_memories(
    assistant_id: UUID,
    adapters: AdaptersOf,
    caller: CallerOf,
    page: Annotated[int | None, Query(ge=1, le=PAGE_MAX, description="Counted from 1; all without.")] = None,
    page_size: Annotated[int, Query(ge=1, le=PAGE_SIZE_MAX)] = 25,
    user_id: UserOf = None,
) -> MemoriesListed:
    """List the memories of an assistant that hold, newest first: all of them, or a page."""
    found, total = await memories.list_memories(
        adapters.database,
        caller.tenant_id,
        assistant_id,
        user_id=user_id or "",
        skip=0 if page is None else (page - 1) * page_size,
        limit=None if page is None else page_size,
    )
    listed = [MemoryRead.model_validate(memory) for memory in found]
    if page is None:
        return MemoriesListed(memories=listed, total_count=total)
    pages = -(-total // page_size)
    return MemoriesListed(
        memories=listed, total_count=total, page=page, page_size=page_size, total_pages=pages
    )


@router.post("/{assistant_id}/memories", status_code=201)
async def add_memory(
    assistant_id: UUID, body: MemoryAdd, adapters: AdaptersOf, caller: CallerOf, made_id: MadeId
) -> MemoryAdded:
    """Store a memory word for word; it can be found by the next request."""
    scope = Scope(caller.tenant_id, assistant_id, body.user_id or "")
    memory = await manual.add_memory(adapters, scope, made_id, body.content, body.metadata)
    return MemoryAdded(
        memory_id=memory.id,
        id=memory.id,
        content=memory.content,
        metadata=memory.metadata,
        created_at=memory.created_at,
        updated_at=memory.updated_at,
    )


@router.delete("/{assistant_id}/memories")
async def reset_memories(
    assistant_id: UUID, adapters: AdaptersOf, caller: CallerOf, user_id: UserOf = None
) -> MemoryDeleted:
    """Forget everything: the memories, and what messages are remembered by. The messages themselves stay."""
    number = await memories.delete_memories(adapters.database, caller.tenant_id, assistant_id, user_id or "")
    return MemoryDeleted(message=f"{number} memories deleted")


@router.get("/{assistant_id}/memories/stats")
async def get_memory_stats(
    assistant_id: UUID, adapters: AdaptersOf, caller: CallerOf, user_id: UserOf = None
) -> MemoryStatsRead:
    """Return how much an assistant remembers."""
    stats = await memories.get_stats(adapters.database, caller.tenant_id, assistant_id, user_id or "")
    return MemoryStatsRead(
        total_memories=stats.total,
        total_count=stats.total,
        turns=stats.turns,
        last_updated=stats.last_updated,
        limits=LIMITS,
    )


@router.get("/{assistant_id}/memories/insights")
async def get_memory_insights(
    assistant_id: UUID, adapters: AdaptersOf, caller: CallerOf, user_id: UserOf = None
) -> MemoryInsights:
    """Return what the memory of an assistant is made of, and how its operations went."""
    stats = await memories.get_stats(adapters.database, caller.tenant_id, assistant_id, user_id or "")
    return _insights(stats)


@router.post("/{assistant_id}/memories/search")
async def search_memories(
    assistant_id: UUID, body: MemorySearch, adapters: AdaptersOf, caller: CallerOf
) -> MemoriesFound:
    """Find what bears on a query, best first: memories, and messages remembered as they were said."""
    scope = Scope(caller.tenant_id, assistant_id, body.user_id or "")
    asked = Search(text=body.query, asked_at=now(), limit=body.limit, metadata=body.metadata)
    found = await search(adapters, scope, asked)
    return MemoriesFound(
        memories=[MemoryFound.model_validate(item) for item in found.items], total_count=len(found.items)
    )


@router.get("/{assistant_id}/memories/{memory_id}", response_model=MemoryRead)
async def get_memory(assistant_id: UUID, memory_id: UUID, adapters: AdaptersOf, caller: CallerOf) -> Memory:
    """Return a memory, also one that holds no longer."""
    return await memories.get_memory(adapters.database, caller.tenant_id, assistant_id, memory_id)


@router.put("/{assistant_id}/memories/{memory_id}", response_model=MemoryRead)
async def update_memory(
    assistant_id: UUID, memory_id: UUID, body: MemoryUpdate, adapters: AdaptersOf, caller: CallerOf
) -> Memory:
    """Replace what a memory says, word for word."""
    metadata = body.metadata if "metadata" in body.model_fields_set else msgspec.UNSET
    return await manual.change_memory(
        adapters, caller.tenant_id, assistant_id, memory_id, body.content, metadata
    )


@router.delete("/{assistant_id}/memories/{memory_id}")
async def delete_memory(
    assistant_id: UUID, memory_id: UUID, adapters: AdaptersOf, caller: CallerOf
) -> MemoryDeleted:
    """Delete a memory."""
    await memories.delete_memory(adapters.database, caller.tenant_id, assistant_id, memory_id)
    return MemoryDeleted(message="Memory deleted")


def _operation(operation: MemoryOperation) -> MemoryOperationRead:
    return MemoryOperationRead(
        operation_id=operation.id,
        status=operation.status,
        status_message=operation.error,
        memory_ids=[MemoryChangeRead.model_validate(change) for change in operation.changes],
        result_count=sum(change.event != "NONE" for change in operation.changes),
        refused=operation.refused,
        created_at=operation.created_at,
        updated_at=operation.updated_at,
    )


def _insights(stats: MemoryStats) -> MemoryInsights:
    return MemoryInsights(
        snapshot={"total_memories": stats.total, "turns": stats.turns, "last_updated": stats.last_updated},
        content_signals={"ended": stats.ended, "suspect": stats.suspect},
        breakdown={"kind": stats.by_kind, "origin": stats.by_origin},
        operations=stats.operations,
    )
