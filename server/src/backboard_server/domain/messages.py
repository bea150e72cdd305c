"""Messages: what was said in a thread, and the request that says more."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from .prompts import ModelChoice, ResponseFormat, Thinking

Role = Literal["user", "assistant", "tool", "system"]
MessageStatus = Literal["IN_PROGRESS", "REQUIRES_ACTION", "COMPLETED", "FAILED", "CANCELLED"]

CONTENT_CHARACTERS_MAX = 1_000_000  # about 250,000 tokens: more than most context windows hold


class Attachment(Struct, frozen=True, kw_only=True):
    """A file that came with a message."""

    document_id: UUID
    filename: str
    status: str
    file_size_bytes: int
    summary: str | None = None


class Message(Struct, frozen=True, kw_only=True):
    """A message as stored. `metadata` is the application's; the server adds `run_id` and `tool_calls`."""

    id: UUID
    role: Role
    content: str | None
    created_at: datetime
    status: MessageStatus = "COMPLETED"
    metadata: dict[str, Any] | None = None
    model_provider: str | None = None
    model_name: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    attachments: list[Attachment] = []


class SendMessage(Struct, frozen=True, kw_only=True):
    """A request to say something in a thread, validated: the one shape behind all three encodings.

    `json_output` asks for a JSON object and, by the contract, counts only where there are no tools;
    `response_format` counts always. `fallbacks` are asked in order when the model fails; None leaves them to
    the assistant.
    """

    content: str = ""
    thread_id: UUID | None = None
    assistant_id: UUID | None = None
    system_prompt: str | None = None
    llm_provider: str | None = None
    model_name: str | None = None
    stream: bool = False
    send_to_llm: bool = True
    json_output: bool = False
    response_format: ResponseFormat | None = None
    metadata: dict[str, Any] | None = None
    tools: list[dict[str, Any]] | None = None
    thinking: Thinking | None = None
    openrouter: dict[str, Any] | None = None
    fallbacks: list[ModelChoice] | None = None
