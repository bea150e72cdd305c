"""Threads over HTTP (contract A.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field, computed_field

from backboard_server.domain.threads import Thread
from backboard_server.store import threads

from .edge import AdaptersOf, CallerOf, GuardedRoute
from .shapes import Limit, Shape, Skip, now

router = APIRouter(prefix="/threads", tags=["threads"], route_class=GuardedRoute)

_TITLE_CHARACTERS_MAX = 80


class AttachmentRead(Shape):
    """A file that came with a message."""

    document_id: UUID
    filename: str
    status: str
    file_size_bytes: int
    summary: str | None = None


class MessageRead(Shape):
    """A message as clients know it."""

    message_id: UUID = Field(validation_alias="id")
    role: str
    content: str | None
    created_at: datetime
    status: str
    metadata_: dict[str, Any] | None = Field(validation_alias="metadata")
    model_provider: str | None
    model_name: str | None
    input_tokens: int | None
    output_tokens: int | None
    attachments: list[AttachmentRead]

    @computed_field
    @property
    def total_tokens(self) -> int | None:
        """Input and output together; absent where the provider counted neither."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


class ThreadRead(Shape):
    """A thread as clients know it."""

    thread_id: UUID = Field(validation_alias="id")
    assistant_id: UUID
    created_at: datetime
    updated_at: datetime
    metadata_: dict[str, Any] | None = Field(validation_alias="metadata")
    message_count: int
    first_user_message: str | None
    messages: list[MessageRead]

    @computed_field
    @property
    def title(self) -> str | None:
        """The first line of the first user message, shortened."""
        lines = (self.first_user_message or "").strip().splitlines()
        return lines[0][:_TITLE_CHARACTERS_MAX] if lines else None


class ThreadDeleted(BaseModel):
    """What deleting a thread answers."""

    message: str
    thread_id: UUID
    deleted_at: datetime


@router.get("", response_model=list[ThreadRead])
async def list_threads(
    adapters: AdaptersOf, caller: CallerOf, skip: Skip = 0, limit: Limit = 100
) -> list[Thread]:
    """List threads of all assistants, newest first, without their messages."""
    return await threads.list_threads(adapters.database, caller.tenant_id, skip=skip, limit=limit)


@router.get("/{thread_id}", response_model=ThreadRead)
async def get_thread(thread_id: UUID, adapters: AdaptersOf, caller: CallerOf) -> Thread:
    """Return a thread with all its messages, oldest first."""
    return await threads.get_thread(adapters.database, caller.tenant_id, thread_id)


@router.delete("/{thread_id}")
async def delete_thread(thread_id: UUID, adapters: AdaptersOf, caller: CallerOf) -> ThreadDeleted:
    """Delete a thread with its messages, runs and documents."""
    await threads.delete_thread(adapters.database, caller.tenant_id, thread_id)
    return ThreadDeleted(message="Thread deleted", thread_id=thread_id, deleted_at=now())
