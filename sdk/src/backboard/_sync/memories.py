# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""The methods of memories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, cast

from backboard._answers import parse, parse_dict
from backboard._requests import Id, Request, given, path
from backboard.models.memories import (
    MemoriesFound,
    MemoriesListResponse,
    Memory,
    MemoryAdded,
    MemoryDeleted,
    MemoryStats,
)

if TYPE_CHECKING:
    from backboard._options import Timeout

    from .transport import Transport


class MemoryMethods:
    """Add, find, change and delete what an assistant remembers."""

    _transport: Transport

    def get_memories(
        self,
        assistant_id: Id,
        page: int | None = None,
        page_size: int | None = None,
        *,
        timeout: Timeout = None,
    ) -> MemoriesListResponse:
        """Return a page of memories, counted from 1, or all of them where no page is given."""
        query = given(page=page, page_size=page_size)
        request = Request("GET", path("assistants", assistant_id, "memories"), query=query)
        return parse(MemoriesListResponse, self._transport.fetch(request, timeout))

    def add_memory(
        self,
        assistant_id: Id,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> MemoryAdded:
        """Store a memory word for word."""
        fields = given(content=content, metadata=metadata)
        request = Request("POST", path("assistants", assistant_id, "memories"), fields=fields)
        answer = self._transport.fetch(request.under(idempotency_key), timeout)
        return cast("MemoryAdded", parse_dict(answer))

    def get_memory(self, assistant_id: Id, memory_id: Id, *, timeout: Timeout = None) -> Memory:
        """Return a memory. Raises BackboardNotFoundError where there is none of that id."""
        request = Request("GET", path("assistants", assistant_id, "memories", memory_id))
        return parse(Memory, self._transport.fetch(request, timeout))

    def update_memory(
        self,
        assistant_id: Id,
        memory_id: Id,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        timeout: Timeout = None,
    ) -> Memory:
        """Replace what a memory says, and its metadata where that is given."""
        fields = given(content=content, metadata=metadata)
        request = Request("PUT", path("assistants", assistant_id, "memories", memory_id), fields=fields)
        return parse(Memory, self._transport.fetch(request, timeout))

    def delete_memory(self, assistant_id: Id, memory_id: Id, *, timeout: Timeout = None) -> MemoryDeleted:
        """Delete one memory."""
        request = Request("DELETE", path("assistants", assistant_id, "memories", memory_id))
        return cast("MemoryDeleted", parse_dict(self._transport.fetch(request, timeout)))

    def get_memory_stats(self, assistant_id: Id, *, timeout: Timeout = None) -> MemoryStats:
        """Return how much an assistant remembers."""
        request = Request("GET", path("assistants", assistant_id, "memories", "stats"))
        return parse(MemoryStats, self._transport.fetch(request, timeout))

    def search_memories(
        self, assistant_id: Id, query: str, limit: int = 5, *, timeout: Timeout = None
    ) -> MemoriesFound:
        """Return the memories that bear on `query`, best first; `limit` is from 1 to 50."""
        fields = {"query": query, "limit": limit}
        request = Request("POST", path("assistants", assistant_id, "memories", "search"), fields=fields)
        return cast("MemoriesFound", parse_dict(self._transport.fetch(request, timeout)))

    def reset_memories(self, assistant_id: Id, *, timeout: Timeout = None) -> MemoryDeleted:
        """Delete everything that an assistant remembers."""
        request = Request("DELETE", path("assistants", assistant_id, "memories"))
        return cast("MemoryDeleted", parse_dict(self._transport.fetch(request, timeout)))
