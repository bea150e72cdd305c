"""Events: the one vocabulary of a run, in the order of the contract (section B); the union is the registry.

Every event carries the ids of its thread, assistant and run, so that a client may read them from any.
An event's name on the wire is its class name in snake case.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from .memories import RetrievedMemory
from .messages import Attachment
from .runs import Attempt


def _snake_case(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


class RunIds(Struct, frozen=True):
    """Where an event belongs, as text: drawn once per run, not once per event."""

    thread_id: str
    assistant_id: str
    run_id: str | None


class _Event(Struct, frozen=True, kw_only=True, tag_field="type", tag=_snake_case):
    thread_id: str
    assistant_id: str
    run_id: str | None


class ToolFunction(Struct, frozen=True):
    """The function that a model wants called; `arguments` is JSON text."""

    name: str
    arguments: str


class ToolCallView(Struct, frozen=True, kw_only=True):
    """A tool call in the shape that clients know."""

    id: str
    type: Literal["function"] = "function"
    function: ToolFunction


class ContextUsage(Struct, frozen=True, kw_only=True):
    """How full the model's context window is: tokens, by the provider's count where it gave one."""

    percent: float
    used_tokens: int
    context_limit: int
    summary_tokens: int
    model: str


class MessageReceived(_Event, frozen=True, kw_only=True):
    """The request was accepted."""

    phase: str = "received"


class UserMessage(_Event, frozen=True, kw_only=True):
    """The user's message is stored: from here on it cannot be lost."""

    message_id: str
    content: str
    role: Literal["user"] = "user"
    attachments: list[Attachment] = []


class RunQueued(_Event, frozen=True, kw_only=True):
    """Another run of the thread is under way: this one begins when it is over."""

    message_id: str


class RunStarted(_Event, frozen=True, kw_only=True):
    """A model is being called; `message_id` is that of the answer to come."""

    message_id: str
    provider: str
    model_name: str


class ModelFallback(_Event, frozen=True, kw_only=True):
    """The model failed before it said anything; the next one, named here, is asked instead."""

    provider: str
    model_name: str
    failed: Attempt


class RunContinuing(_Event, frozen=True, kw_only=True):
    """The run goes on: with the outputs of tools, or in another process after a crash."""

    phase: Literal["tool_outputs", "resumed"]
    tool_call_ids: list[str] = []


class MemoryRetrieved(_Event, frozen=True, kw_only=True):
    """What was recalled for the answer, best first."""

    memories: list[RetrievedMemory]


class MessageStart(_Event, frozen=True, kw_only=True):
    """The answer opens."""

    message_id: str


class ReasoningStreaming(_Event, frozen=True, kw_only=True):
    """A piece of the model's reasoning; `accumulated_reasoning` is the exact join of all pieces so far."""

    content: str
    accumulated_reasoning: str


class ReasoningEnded(_Event, frozen=True, kw_only=True):
    """No more reasoning follows."""


class ContentStreaming(_Event, frozen=True, kw_only=True):
    """A piece of the answer."""

    content: str


class ToolCallStart(_Event, frozen=True, kw_only=True):
    """The model begins to write a tool call."""

    tool_call_id: str
    name: str


class ToolCallReady(_Event, frozen=True, kw_only=True):
    """A tool call is complete."""

    tool_call: ToolCallView


class ToolResult(_Event, frozen=True, kw_only=True):
    """What a tool that the server itself executed returned; the model is given it, and goes on."""

    tool_call_id: str
    name: str
    status: Literal["COMPLETED", "FAILED"]
    output: str


class Resync(_Event, frozen=True, kw_only=True):
    """What came between `after` and what the reader saw last is not in the log, or not any more.

    `content` and `reasoning` are all that was said since the run began or went on, up to `after`: they take
    the place of what the reader has collected.
    """

    after: int
    reason: Literal["expired", "taken_over"]
    message_id: str
    content: str
    reasoning: str | None


class _Answered(_Event, frozen=True, kw_only=True):
    """What the two good ends of a run have in common.

    `content` is all that was said since it began or went on.
    """

    message_id: str
    content: str
    reasoning: str | None
    model_provider: str
    model_name: str
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    attempts: list[Attempt]
    memory_operation_id: str | None = None
    retrieved_memories: list[RetrievedMemory] | None = None
    retrieved_files: list[str] | None = None
    attachments: list[Attachment] = []
    context_usage: ContextUsage
    created_at: datetime


class ToolSubmitRequired(_Answered, frozen=True, kw_only=True):
    """The run waits for the application to call its tools; the last event of this response."""

    tool_calls: list[ToolCallView]
    message: str = "Call the tools and submit their outputs to continue."


class RunEnded(_Answered, frozen=True, kw_only=True):
    """The run completed; the last event of the run. `final_content` is the answer after the last tool."""

    final_content: str
    status: Literal["completed"] = "completed"


class MessageSaved(_Event, frozen=True, kw_only=True):
    """The message was stored, and no model was asked (`send_to_llm=false`)."""

    message_id: str
    content: str
    attachments: list[Attachment] = []
    memory_operation_id: str | None = None
    created_at: datetime


class RunFailed(_Event, frozen=True, kw_only=True):
    """The run failed; what was said so far is kept. `code` is for programs, `message` for people."""

    error: str
    message: str
    code: str
    message_id: str | None = None
    retry_after_seconds: float | UnsetType = UNSET


class RunCancelled(_Event, frozen=True, kw_only=True):
    """The run was cancelled; what was said so far is kept, and is the `content` here."""

    message_id: str | None = None
    content: str = ""
    reasoning: str | None = None
    created_at: datetime | None = None


Event = (
    MessageReceived
    | UserMessage
    | RunQueued
    | RunStarted
    | RunContinuing
    | MemoryRetrieved
    | ModelFallback
    | MessageStart
    | ReasoningStreaming
    | ReasoningEnded
    | ContentStreaming
    | ToolCallStart
    | ToolCallReady
    | ToolResult
    | Resync
    | ToolSubmitRequired
    | RunEnded
    | MessageSaved
    | RunFailed
    | RunCancelled
)
LastEvent = ToolSubmitRequired | RunEnded | MessageSaved | RunFailed | RunCancelled
AnyEnd = ToolSubmitRequired | RunEnded | RunCancelled
"""The ends that hold all that was said."""
