"""The events of a streamed answer: dicts as they came over the wire, whose fields are attributes too.

`event.get("type")` and `event.content` both work; `isinstance(event, ContentStreaming)` tells a type checker
which fields there are. An event of a kind that this version does not know is a plain `Event`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Mapping

from .models.memories import RetrievedMemory
from .models.messages import Attachment, Attempt, ContextUsage
from .models.tools import ToolCall


class Event(Dict[str, Any]):
    """Anything that a stream says. A field that its event may have and has not is None as an attribute.

    `id` is the event's place in the stream (the SSE id), or None where the server numbers nothing.
    """

    id: str | None = None
    type: str
    thread_id: str | None
    assistant_id: str | None
    run_id: str | None

    if not TYPE_CHECKING:  # a type checker shall know the fields declared here, and no others

        def __getattr__(self, name: str) -> Any:
            if name in self:
                return self[name]
            if any(name in getattr(kind, "__annotations__", {}) for kind in type(self).__mro__):
                return None
            raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({super().__repr__()})"


class MessageReceived(Event):
    """The request was accepted."""

    phase: str | None


class UserMessage(Event):
    """The user's message is stored: from here on it cannot be lost."""

    message_id: str
    role: str
    content: str

    @property
    def attachments(self) -> list[Attachment]:
        """The files that came with the message."""
        return _attachments(self)


class RunStarted(Event):
    """A model is being called; `message_id` is that of the answer to come."""

    message_id: str
    provider: str
    model_name: str


class ModelFallback(Event):
    """The model failed before it said anything; `provider` and `model_name` say which is asked instead."""

    provider: str
    model_name: str

    @property
    def failed(self) -> Attempt:
        """The model that failed, and how."""
        return Attempt.model_validate(self["failed"])


class RunQueued(Event):
    """The message waits for another run of its thread; `message_id` is that of the answer to come."""

    message_id: str


class RunContinuing(Event):
    """The run goes on: `phase` is `tool_outputs`, for the calls of `tool_call_ids`, or `resumed`."""

    phase: str | None
    tool_call_ids: list[str] | None


class Resync(Event):
    """The server cannot repeat what was missed, and says where the answer stands instead.

    `content` and `reasoning` are all that was said since the run began or went on, to be taken in the place
    of what was collected. `reason` is `expired`, where the events up to `after` are gone, or `taken_over`,
    where another process of the server goes on after it: what the first one said last may be said otherwise.
    """

    after: int | None
    message_id: str | None
    content: str | None
    reasoning: str | None
    reason: str | None


class MemoryRetrieved(Event):
    """What the assistant remembers that bears on the message, best first."""

    memories: list[RetrievedMemory]


class MessageStart(Event):
    """The answer opens."""

    message_id: str


class ReasoningStreaming(Event):
    """A piece of the model's reasoning; `accumulated_reasoning` is the exact join of all pieces so far."""

    content: str
    accumulated_reasoning: str
    source: str | None


class ReasoningEnded(Event):
    """No more reasoning follows."""


class ContentStreaming(Event):
    """A piece of the answer."""

    content: str


class ToolCallStart(Event):
    """The model begins to write a tool call."""

    tool_call_id: str
    name: str


class ToolCallReady(Event):
    """A tool call is complete."""

    @property
    def tool_call(self) -> ToolCall:
        """The call, with its arguments parsed on demand."""
        return ToolCall.model_validate(self["tool_call"])


class ToolResult(Event):
    """A tool that the server runs itself has returned; `status` is COMPLETED or FAILED."""

    tool_call_id: str
    name: str
    status: str
    output: str | None


class Answered(Event):
    """What the two good ends of a run have in common."""

    message_id: str
    content: str
    reasoning: str | None
    model_provider: str | None
    model_name: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    cache_write_input_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    memory_operation_id: str | None
    retrieved_memories: list[RetrievedMemory] | None
    retrieved_files: list[str] | None
    created_at: str | None

    @property
    def attempts(self) -> list[Attempt]:
        """The models that were asked, in order; the last of them answered."""
        return [Attempt.model_validate(attempt) for attempt in self.get("attempts") or ()]

    @property
    def attachments(self) -> list[Attachment]:
        """The files that came with the answer."""
        return _attachments(self)

    @property
    def context_usage(self) -> ContextUsage | None:
        """How full the model's context window is, where the server says it."""
        usage = self.get("context_usage")
        return None if usage is None else ContextUsage.model_validate(usage)


class ToolSubmitRequired(Answered):
    """The run waits for the application to call its tools; the stream ends here."""

    message: str | None

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The calls to make; submit the outputs of all of them together."""
        return [ToolCall.model_validate(call) for call in self["tool_calls"]]


class RunEnded(Answered):
    """The run completed."""

    final_content: str | None
    status: str | None


class MessageSaved(Event):
    """The message was stored, and no model was asked (`send_to_llm=False`)."""

    message_id: str
    content: str | None
    memory_operation_id: str | None
    created_at: str | None

    @property
    def attachments(self) -> list[Attachment]:
        """The files that came with the message."""
        return _attachments(self)


class RunFailed(Event):
    """The run failed; a stream raises it as BackboardRunError."""

    error: str | None
    message: str | None
    code: str | None
    message_id: str | None
    retry_after_seconds: float | None


class RunCancelled(Event):
    """The run was cancelled; what was said so far is kept."""

    message_id: str | None
    content: str | None
    reasoning: str | None
    created_at: str | None


class StreamError(Event):
    """The stream itself failed; it raises this as BackboardRunError. Its type on the wire is `error`."""

    error: Any
    message: Any


def _attachments(event: Event) -> list[Attachment]:
    files: list[Any] = event.get("attachments") or []
    return [Attachment.model_validate(file) for file in files]


_CLASSES: Mapping[str, type[Event]] = {
    "message_received": MessageReceived,
    "user_message": UserMessage,
    "run_started": RunStarted,
    "model_fallback": ModelFallback,
    "run_queued": RunQueued,
    "run_continuing": RunContinuing,
    "resync": Resync,
    "memory_retrieved": MemoryRetrieved,
    "message_start": MessageStart,
    "reasoning_streaming": ReasoningStreaming,
    "reasoning_ended": ReasoningEnded,
    "content_streaming": ContentStreaming,
    "tool_call_start": ToolCallStart,
    "tool_call_ready": ToolCallReady,
    "tool_result": ToolResult,
    "tool_submit_required": ToolSubmitRequired,
    "run_ended": RunEnded,
    "message_saved": MessageSaved,
    "run_failed": RunFailed,
    "run_cancelled": RunCancelled,
    "error": StreamError,
}

LAST_EVENTS = (ToolSubmitRequired, RunEnded, MessageSaved, RunFailed, RunCancelled, StreamError)
"""The kinds that say how a run ended; only media events may follow one."""


def event_from(fields: Mapping[str, Any], event_id: str | None) -> Event:
    """Return an event of the class that its `type` names. Raises KeyError where there is no `type`."""
    event = _CLASSES.get(fields["type"], Event)(fields)
    event.id = event_id
    return event
