"""Threads: conversations that belong to an assistant, with their messages."""

from datetime import datetime
from typing import Any, Dict, List, Optional
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from ._record import Record
from .messages import Message


class Thread(Record):
    """A thread; `messages` is filled by get_thread, oldest first."""

    thread_id: UUID
    assistant_id: Optional[UUID] = None
    created_at: datetime
    messages: List[Message] = Field(default=[])
    metadata_: Optional[Dict[str, Any]] = None


class ThreadDeleted(TypedDict):
    """What is left of a deleted thread: a dict, as in the published SDK."""

    message: str
    thread_id: str
    deleted_at: str
