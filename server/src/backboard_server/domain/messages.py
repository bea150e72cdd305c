"""Messages: what was said in a thread, and the request that says more."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from .memories import MemoryMode
from .prompts import ModelChoice, ResponseFormat, Thinking, ToolChoice
from .tools import McpServer

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


class RunOptions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is asked of one run alone; None leaves it to the assistant, or to the model.

    `json_output` asks for a JSON object and, by the contract, counts only where there are no tools;
    `response_format` counts always. `fallbacks` are asked in order when the model fails. `memory` says
    whether the assistant's memory is read, and written; `user_id` whose it is, of the application's users.
    """

    system_prompt: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: ToolChoice | None = None
    mcp_servers: list[McpServer] | None = None
    thinking: Thinking | None = None
    json_output: bool = False
    response_format: ResponseFormat | None = None
    openrouter: dict[str, Any] | None = None
    fallbacks: list[ModelChoice] | None = None
    memory: MemoryMode = "off"
    is_memory_pro: bool = False
    cites_memories: bool = False
    user_id: str = ""

    def options(self) -> RunOptions:
        """Return these alone, also of a request that holds more."""
        return RunOptions(**{name: getattr(self, name) for name in RunOptions.__struct_fields__})


ActiveRunPolicy = Literal["queue", "reject", "cancel"]
DisconnectPolicy = Literal["continue", "cancel"]


class RequestKey(Struct, frozen=True, kw_only=True):
    """An Idempotency-Key and the fingerprint (SHA-256 in hexadecimal) of the request that it came with."""

    key: str
    fingerprint: str


class SendMessage(RunOptions, frozen=True, kw_only=True):
    """A request to say something in a thread, validated: the one shape behind all three encodings.

    `on_active_run` says what becomes of a run of the thread that is not over; `on_disconnect` what becomes of
    this one when its client goes away.
    """

    content: str = ""
    thread_id: UUID | None = None
    assistant_id: UUID | None = None
    llm_provider: str | None = None
    model_name: str | None = None
    stream: bool = False
    send_to_llm: bool = True
    metadata: dict[str, Any] | None = None
    on_active_run: ActiveRunPolicy = "queue"
    on_disconnect: DisconnectPolicy = "continue"
    request_key: RequestKey | None = None


class ToolOutput(Struct, frozen=True, kw_only=True):
    """What a tool of the application's returned; `is_error` where it failed."""

    tool_call_id: str
    output: str
    is_error: bool = False


class SubmitOutputs(Struct, frozen=True, kw_only=True):
    """A request to go on with the outputs of tools: of the run named, or of the one that waits in the thread.

    `options` are asked of the run anew, in place of what the message asked.
    """

    thread_id: UUID
    run_id: UUID | None = None
    outputs: list[ToolOutput]
    stream: bool = False
    options: RunOptions = RunOptions()
    on_disconnect: DisconnectPolicy = "continue"
    request_key: RequestKey | None = None
