# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""The methods of memories."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Mapping, cast

from backboard._answers import parse, parse_dict
from backboard._requests import Id, Request, given, path
from backboard.models.memories import (
    MemoriesFound,
    MemoriesListResponse,
    Memory,
    MemoryAdded,
    MemoryDeleted,
    MemoryInsights,
    MemoryOperation,
    MemoryStats,
)

if TYPE_CHECKING:
    from backboard._options import Timeout

    from .transport import Transport


_POLL_SECONDS = 0.25


class MemoryMethods:
    """Add, find, change and delete what an assistant remembers."""

    _transport: Transport

    def get_memories(
        self,
        assistant_id: Id,
        page: int | None = None,
        page_size: int | None = None,
        *,
        user_id: str | None = None,
        timeout: Timeout = None,
    ) -> MemoriesListResponse:
        """Return a page of memories, counted from 1, or all of them where no page is given.

        `user_id` names an end user of the application, whose memory is no other's; without it they are those
        that all share.
        """
        query = given(page=page, page_size=page_size, user_id=user_id)
        request = Request("GET", path("assistants", assistant_id, "memories"), query=query)
        return parse(MemoriesListResponse, self._transport.fetch(request, timeout))

    def add_memory(
        self,
        assistant_id: Id,
        content: str,
        metadata: Mapping[str, Any] | None = None,
        *,
        user_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> MemoryAdded:
        """Store a memory word for word."""
        fields = given(content=content, metadata=metadata, user_id=user_id)
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

    def get_memory_stats(
        self, assistant_id: Id, *, user_id: str | None = None, timeout: Timeout = None
    ) -> MemoryStats:
        """Return how much an assistant remembers."""
        query = given(user_id=user_id)
        request = Request("GET", path("assistants", assistant_id, "memories", "stats"), query=query)
        return parse(MemoryStats, self._transport.fetch(request, timeout))

    def get_memory_insights(
        self, assistant_id: Id, *, user_id: str | None = None, timeout: Timeout = None
    ) -> MemoryInsights:
        """Return what the memory of an assistant is made of, and how its operations went."""
        query = given(user_id=user_id)
        request = Request("GET", path("assistants", assistant_id, "memories", "insights"), query=query)
        return cast("MemoryInsights", parse_dict(self._transport.fetch(request, timeout)))

    def get_memory_operation(self, operation_id: Id, *, timeout: Timeout = None) -> MemoryOperation:
        """Return how far an operation is: that of `memory_operation_id`, which a message answers with."""
        request = Request("GET", path("assistants", "memories", "operations", operation_id))
        return parse(MemoryOperation, self._transport.fetch(request, timeout))

    def wait_for_memory(
        self, operation_id: Id, *, wait_seconds: float = 60.0, timeout: Timeout = None
    ) -> MemoryOperation:
        """Wait until an operation is over, and return how it went.

        Raises TimeoutError where it is not over after `wait_seconds`; it goes on all the same.
        """
        deadline = time.monotonic() + wait_seconds
        while True:
            operation = self.get_memory_operation(operation_id, timeout=timeout)
            if operation.status != "IN_PROGRESS":
                return operation
            if time.monotonic() >= deadline:
                raise TimeoutError(f"Memory operation {operation_id} is not over after {wait_seconds:g} s")
            time.sleep(_POLL_SECONDS)

    def search_memories(
        self,
        assistant_id: Id,
        query: str,
        limit: int = 5,
        *,
        metadata: Mapping[str, Any] | None = None,
        user_id: str | None = None,
        timeout: Timeout = None,
    ) -> MemoriesFound:
        """Return the memories that bear on `query`, best first; `limit` is from 1 to 50.

        With `metadata` only those that have all of it.
        """
        fields = given(query=query, limit=limit, metadata=metadata, user_id=user_id)
        request = Request("POST", path("assistants", assistant_id, "memories", "search"), fields=fields)
        return cast("MemoriesFound", parse_dict(self._transport.fetch(request, timeout)))

    def reset_memories(
        self, assistant_id: Id, *, user_id: str | None = None, timeout: Timeout = None
    ) -> MemoryDeleted:
        """Delete everything that an assistant remembers."""
        query = given(user_id=user_id)
        request = Request("DELETE", path("assistants", assistant_id, "memories"), query=query)
        return cast("MemoryDeleted", parse_dict(self._transport.fetch(request, timeout)))
