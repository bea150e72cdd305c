"""Documents: files that an assistant or a thread can draw on."""

from datetime import datetime
from enum import Enum
from typing import Any, Dict, Optional, Union
from uuid import UUID

from pydantic import Field
from typing_extensions import Annotated, TypedDict

from ._record import Record


class DocumentStatus(str, Enum):
    """How far a document has come; FAILED is an older word for ERROR."""

    PENDING = "pending"
    PROCESSING = "processing"
    INDEXED = "indexed"
    ERROR = "error"
    FAILED = "failed"


class Document(Record):
    """A document; `status_message` says why, where its status is an error."""

    document_id: UUID
    filename: str
    status: Annotated[Union[DocumentStatus, str], Field(union_mode="left_to_right")]
    created_at: datetime
    status_message: Optional[str] = None
    summary: Optional[str] = None
    updated_at: Optional[datetime] = None
    file_size_bytes: Optional[int] = None
    total_tokens: Optional[int] = None
    chunk_count: Optional[int] = None
    processing_started_at: Optional[datetime] = None
    processing_completed_at: Optional[datetime] = None
    document_type: Optional[str] = None
    metadata_: Optional[Dict[str, Any]] = None


class DocumentDeleted(TypedDict):
    """What is left of a deleted document: a dict, as in the published SDK."""

    message: str
    document_id: str
    filename: str
    document_type: str
    deleted_at: str
