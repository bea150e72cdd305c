"""Threads: conversations that belong to an assistant, and the turn that is being taken in one."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from .messages import Message, MessageStatus, Role
from .prompts import ModelChoice, Sidecar, ToolCall
from .tools import McpServer


class Thread(Struct, frozen=True, kw_only=True):
    """A thread as stored; `messages` is filled where they were asked for."""

    id: UUID
    assistant_id: UUID
    created_at: datetime
    updated_at: datetime
    metadata: dict[str, Any] | None = None
    message_count: int = 0
    first_user_message: str | None = None
    messages: list[Message] = []


class HistoryMessage(Struct, frozen=True, kw_only=True):
    """An earlier message of the thread, as far as the model needs it; `tokens` is our estimate."""

    id: UUID
    role: Role
    content: str
    status: MessageStatus
    tokens: int
    tool_calls: list[ToolCall] | None = None
    tool_call_id: str | None = None
    model_provider: str | None = None
    sidecar: Sidecar | None = None


class HistoryFile(Struct, frozen=True, kw_only=True):
    """A file that came with an earlier message; without a `media_type` a model can only be told its name."""

    message_id: UUID
    document_id: UUID
    filename: str
    media_type: str | None = None
    file_size_bytes: int
    blob_key: str


class Turn(Struct, frozen=True, kw_only=True):
    """What the store knows when a run begins: read and written in one round trip.

    `history` holds the newest messages that fit the window, oldest first, without the new one.
    `earlier_messages` counts those that came before it; `summary` stands for the oldest of them, and
    `unsummarised_messages` counts all that it does not cover.
    `media` holds the files of earlier messages, newest first; `fallbacks` are the assistant's.
    `budget_left_usd` is what this run may cost at most, None where nothing limits it.
    `token_ratio` is how many provider tokens one of our estimated tokens was, on average, in this thread.
    """

    thread_id: UUID
    assistant_id: UUID
    system_prompt: str | None = None
    tools: list[dict[str, Any]] | None = None
    mcp_servers: list[McpServer] | None = None
    history: list[HistoryMessage] = []
    earlier_messages: int = 0
    unsummarised_messages: int = 0
    summary: str | None = None
    summary_tokens: int = 0
    token_ratio: float = 1.0
    media: list[HistoryFile] | None = None
    fallbacks: list[ModelChoice] | None = None
    budget_left_usd: float | None = None
