"""Assistants: a named set-up of system prompt, tools and retrieval that threads belong to."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from .prompts import ModelChoice
from .tools import McpServer

DEFAULT_NAME = "Default assistant"


class AssistantSetup(Struct, frozen=True, kw_only=True):
    """What the application decides of an assistant. Embedding fields are fixed at creation."""

    name: str
    description: str | None = None
    system_prompt: str | None = None
    tools: list[dict[str, Any]] | None = None
    tok_k: int = 10
    embedding_provider: str = "openai"
    embedding_model_name: str = "text-embedding-3-large"
    embedding_dims: int = 3072
    custom_fact_extraction_prompt: str | None = None
    custom_update_memory_prompt: str | None = None
    fallbacks: list[ModelChoice] | None = None
    mcp_servers: list[McpServer] | None = None


class Assistant(AssistantSetup, frozen=True, kw_only=True):
    """An assistant as stored."""

    id: UUID
    created_at: datetime
    updated_at: datetime
