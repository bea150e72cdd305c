"""Memories: what an assistant keeps beyond a thread."""

from typing import Any, Dict, List, Optional

from typing_extensions import NotRequired, TypedDict

from ._record import Record


class Memory(Record):
    """One remembered statement; times are ISO 8601 text, as in the published SDK."""

    id: str
    content: str
    metadata: Optional[Dict[str, Any]] = None
    score: Optional[float] = None
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
    """How much an assistant remembers."""

    total_memories: int = 0
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
    content: NotRequired[str]
    memory_operation_id: NotRequired[Optional[str]]


class MemoryDeleted(TypedDict):
    """What came of deleting one memory or all: a dict, as in the published SDK."""

    success: bool
    message: str


class MemoryFound(TypedDict):
    """One memory that a search found; a higher score is a better match."""

    id: str
    content: str
    score: float
    metadata: NotRequired[Optional[Dict[str, Any]]]
    created_at: NotRequired[Optional[str]]
    updated_at: NotRequired[Optional[str]]


class MemoriesFound(TypedDict):
    """What a search found, best first: a dict, as in the published SDK."""

    memories: List[MemoryFound]
    total_count: int
