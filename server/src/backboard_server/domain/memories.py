"""Memories: what is known for good, where it was said, since when it holds, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

MemoryMode = Literal["auto", "readonly", "off"]
MemoryKind = Literal["fact", "preference", "instruction", "event", "plan", "relation"]
MemoryOrigin = Literal["manual", "rule", "model"]
MemoryEvent = Literal["ADD", "UPDATE", "DELETE", "NONE"]
OperationStatus = Literal["IN_PROGRESS", "COMPLETED", "ERROR"]

CONTENT_CHARACTERS_MAX = 50_000  # of a memory that is written by hand
STATEMENT_CHARACTERS_MAX = 600  # of one that is drawn from a conversation


class Scope(Struct, frozen=True):
    """Whose memory it is: an assistant's, or one end user's of it. Nothing is looked for without one."""

    tenant_id: UUID
    assistant_id: UUID
    user_id: str = ""


class Quote(Struct, frozen=True):
    """Where something was said, word for word: `text` is `content[start:end]` of the message."""

    message_id: UUID
    start: int
    end: int
    text: str


class Statement(Struct, frozen=True, kw_only=True):
    """What a message says that is worth keeping, as it was found and before it is held against what is known.

    `subject` and `slot` say what it is about: of one person's `lives_in` there is one at a time, and a newer
    one takes the place of the older. Without a slot it stands for itself. With `is_over` it says that what is
    known in its slot holds no longer, and puts nothing in its place.
    """

    content: str  # in the words and the language of who said it
    kind: MemoryKind
    subject: str  # "user", or the name of whom it is about, in lower case
    speaker: Literal["user", "assistant"]
    quotes: tuple[Quote, ...]  # one at least
    valid_from: datetime  # when it began to hold, as far as is known: the date that it names, or was said on
    slot: str | None = None  # such as "lives_in", "likes:coffee": what there is one answer to at a time
    value: str | None = None  # the answer, in lower case: "berlin", "yes"
    valid_to: datetime | None = None  # past events and visits that are over
    confidence: float = 1.0
    is_over: bool = False


class Memory(Struct, frozen=True, kw_only=True):
    """A memory as it is stored."""

    id: UUID
    content: str
    created_at: datetime
    updated_at: datetime
    metadata: dict[str, Any] | None = None
    origin: MemoryOrigin = "manual"
    kind: MemoryKind = "fact"
    subject: str | None = None
    slot: str | None = None
    value: str | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    version: int = 1


class MemoryChange(Struct, frozen=True, kw_only=True):
    """What an operation did to one memory; nothing was done where the event is NONE, and there is no id."""

    event: MemoryEvent
    memory: str
    id: UUID | None = None


class MemoryOperation(Struct, frozen=True, kw_only=True):
    """What became of the memories when a message was remembered; `refused` counts what was not, by reason."""

    id: UUID
    status: OperationStatus
    changes: list[MemoryChange]
    refused: dict[str, int]
    error: str | None
    created_at: datetime
    updated_at: datetime


class MemoryStats(Struct, frozen=True, kw_only=True):
    """How much a scope holds: memories that hold, that have ended, and that rest on what has changed since.

    `turns` are the messages that are remembered beside them; `operations` are the assistant's, by status.
    """

    total: int
    ended: int
    suspect: int
    turns: int
    last_updated: datetime | None
    by_kind: dict[str, int]
    by_origin: dict[str, int]
    operations: dict[str, int]


class Recalled(Struct, frozen=True, kw_only=True):
    """Something that was found, and why: a memory, or a message (`thread_id`) remembered as it was said.

    `score` is from 0 to 1, and of what was found at once. `near` and `thread` are parts of it: of its words
    and those close by, and of the conversation. `matched_words` are those of the question that it has.
    """

    id: UUID
    content: str
    score: float
    said_at: datetime
    thread_id: UUID | None = None
    role: str | None = None
    kind: MemoryKind | None = None
    metadata: dict[str, Any] | None = None
    valid_to: datetime | None = None
    is_suspect: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    sources: tuple[UUID, ...] = ()
    near: float = 0.0
    thread: float = 0.0
    matched_words: tuple[str, ...] = ()


class RetrievedMemory(Struct, frozen=True, kw_only=True):
    """What was recalled, as clients are told of it; `memory` and `content` are one text (contract C.1)."""

    id: str
    memory: str
    content: str
    score: float
    said_at: datetime
    kind: str
    matched_words: tuple[str, ...] = ()


class Recollection(Struct, frozen=True, kw_only=True):
    """What was recalled for a message, best first, of so many units that were searched."""

    items: tuple[Recalled, ...] = ()
    searched: int = 0
