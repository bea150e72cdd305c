"""Memories that an application writes by hand: kept word for word."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType

from backboard_server.adapters import Adapters
from backboard_server.domain.memories import Memory, Scope
from backboard_server.store import memories

from .index import indexed


async def add_memory(
    adapters: Adapters, scope: Scope, memory_id: UUID, content: str, metadata: dict[str, Any] | None = None
) -> Memory:
    """Store a memory and return it; one of this id stays as it is. Raises NotFound for the assistant."""
    request = memories.InsertMemory(
        id=memory_id,
        assistant_id=scope.assistant_id,
        user_id=scope.user_id,
        content=content,
        metadata=metadata,
        origin="manual",
        terms=indexed(content),
    )
    return await memories.insert_memory(adapters.database, scope.tenant_id, request)


async def change_memory(
    adapters: Adapters,
    tenant_id: UUID,
    assistant_id: UUID,
    memory_id: UUID,
    content: str,
    metadata: dict[str, Any] | UnsetType | None = UNSET,
) -> Memory:
    """Replace what a memory says, and its metadata where that is given. Raises NotFound."""
    request = memories.UpdateMemory(
        assistant_id=assistant_id,
        id=memory_id,
        content=content,
        metadata=metadata,
        terms=indexed(content),
    )
    return await memories.update_memory(adapters.database, tenant_id, request)
