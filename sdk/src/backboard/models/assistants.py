"""Assistants: a named set-up of system prompt, tools and retrieval that threads belong to."""

from datetime import datetime
from typing import Any, Dict, List, Optional
from uuid import UUID

from typing_extensions import TypedDict

from ._record import Record
from .tools import ToolDefinition


class Assistant(Record):
    """An assistant; `tok_k` is how many passages of its documents a question may bring.

    Of the headers of `mcp_servers` there are the names alone.
    """

    assistant_id: UUID
    name: str
    description: Optional[str] = None
    system_prompt: Optional[str] = None
    tools: Optional[List[ToolDefinition]] = None
    tok_k: Optional[int] = None
    embedding_provider: Optional[str] = None
    embedding_model_name: Optional[str] = None
    embedding_dims: Optional[int] = None
    custom_fact_extraction_prompt: Optional[str] = None
    custom_update_memory_prompt: Optional[str] = None
    fallbacks: Optional[List[Dict[str, str]]] = None
    mcp_servers: Optional[List[Dict[str, Any]]] = None
    created_at: datetime


class AssistantDeleted(TypedDict):
    """What is left of a deleted assistant: a dict, as in the published SDK."""

    message: str
    assistant_id: str
    deleted_at: str
