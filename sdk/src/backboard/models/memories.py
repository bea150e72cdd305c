"""Memories: what an assistant keeps beyond a thread."""

from typing import Any, Dict, List, Optional

from typing_extensions import NotRequired, TypedDict

from ._record import Record


class Memory(Record):
    """One remembered statement; times are ISO 8601 text, as in the published SDK.

    `kind` is fact, preference, instruction, event, plan or relation. It holds from `valid_from` on, and no
    longer since `valid_to`, where there is one.
    """

    id: str
    content: str
    metadata: Optional[Dict[str, Any]] = None
    score: Optional[float] = None
    kind: Optional[str] = None
    valid_from: Optional[str] = None
    valid_to: Optional[str] = None
    created_at: Optional[str] = None
    updated_at: Optional[str] = None


class MemoriesListResponse(Record):
    """A page of memories, or all of them where no page was asked for."""

    memories: List[Memory]
    total_count: int
    page: Optional[int] = None
    page_size: Optional[int] = None
    total_pages: Optional[int] = None


class MemoryStats(Record):
    """How much an assistant remembers; `turns` are messages that are remembered as they were said."""

    total_memories: int = 0
    total_count: Optional[int] = None
    turns: Optional[int] = None
    last_updated: Optional[str] = None
    limits: Optional[Dict[str, Any]] = None


class MemoryChange(Record):
    """What an operation did to one memory; `event` is ADD, UPDATE, DELETE, or NONE, which has no id."""

    event: str
    memory: str
    id: Optional[str] = None


class MemoryOperation(Record):
    """How far an operation is: IN_PROGRESS, COMPLETED or ERROR, and what it did."""

    operation_id: str
    status: str
    status_message: Optional[str] = None
    memory_ids: List[MemoryChange]
    result_count: int = 0
    refused: Optional[Dict[str, int]] = None
    created_at: Optional[str] = None
    updated_at: Optional[str] = None


class MemoryInsights(TypedDict):
    """What the memory of an assistant is made of: a dict, as in the published SDK."""

    snapshot: Dict[str, Any]
    contentSignals: Dict[str, Any]
    breakdown: Dict[str, Dict[str, int]]
    operations: Dict[str, int]


class MemoryAdded(TypedDict):
    """What came of adding a memory: a dict, as in the published SDK."""

    success: bool
    memory_id: str
    id: NotRequired[str]
    content: NotRequired[str]
    metadata: NotRequired[Optional[Dict[str, Any]]]
    memory_operation_id: NotRequired[Optional[str]]
    created_at: NotRequired[Optional[str]]
    updated_at: NotRequired[Optional[str]]


class MemoryDeleted(TypedDict):
    """What came of deleting one memory or all: a dict, as in the published SDK."""

    success: bool
    message: str


class MemoryFound(TypedDict):
    """A memory that a search found, or a message remembered as it was said (`thread_id`, `role`).

    A higher score is a better match. `matched_words` are the words of the query that it has; `sources` are
    the messages that a memory was drawn from.
    """

    id: str
    content: str
    score: float
    metadata: NotRequired[Optional[Dict[str, Any]]]
    kind: NotRequired[Optional[str]]
    thread_id: NotRequired[Optional[str]]
    role: NotRequired[Optional[str]]
    said_at: NotRequired[str]
    valid_to: NotRequired[Optional[str]]
    matched_words: NotRequired[List[str]]
    sources: NotRequired[List[str]]
    created_at: NotRequired[Optional[str]]
    updated_at: NotRequired[Optional[str]]


class MemoriesFound(TypedDict):
    """What a search found, best first: a dict, as in the published SDK."""

    memories: List[MemoryFound]
    total_count: int


class RetrievedMemory(TypedDict):
    """What was recalled for an answer; `memory` and `content` are one text, `kind` is `turn` for a message.

    `matched_words` are the words of the question that it has.
    """

    memory: str
    id: NotRequired[str]
    content: NotRequired[str]
    score: NotRequired[float]
    said_at: NotRequired[str]
    kind: NotRequired[str]
    matched_words: NotRequired[List[str]]
