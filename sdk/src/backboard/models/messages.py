"""Messages: what was said in a thread, and the answers to a message that was sent."""

from datetime import datetime
from enum import Enum
from typing import Any, Dict, List, Mapping, Optional, Union, cast
from uuid import UUID

from pydantic import Field, model_validator
from typing_extensions import Annotated

from ._record import Record
from .memories import RetrievedMemory
from .tools import ToolCall


class MessageRole(str, Enum):
    """Who said it."""

    USER = "user"
    ASSISTANT = "assistant"
    SYSTEM = "system"
    TOOL = "tool"


Role = Annotated[Union[MessageRole, str], Field(union_mode="left_to_right")]
"""A role; one that this version does not know stays text instead of failing the whole answer."""


class Attachment(Record):
    """A file that came with a message."""

    document_id: UUID
    filename: str
    status: str
    file_size_bytes: Optional[int] = None
    summary: Optional[str] = None


AttachmentInfo = Attachment  # its name in the published SDK


class ContextUsage(Record):
    """How full the model's context window is, in tokens."""

    percent: float = 0.0
    used_tokens: int = 0
    context_limit: int = 0
    summary_tokens: int = 0
    model: str = "unknown"


class Attempt(Record):
    """A model that was asked; without `error_code` it is the one that answered."""

    model_provider: str
    model_name: str
    error_code: Optional[str] = None
    error: Optional[str] = None


class Message(Record):
    """A message as stored in its thread."""

    message_id: UUID
    role: Role
    content: Optional[str] = None
    created_at: datetime
    status: Optional[str] = None
    metadata_: Optional[Dict[str, Any]] = None
    model_provider: Optional[str] = None
    model_name: Optional[str] = None
    input_tokens: Optional[int] = None
    output_tokens: Optional[int] = None
    total_tokens: Optional[int] = None
    attachments: Optional[List[Attachment]] = None


class MessageResponse(Record):
    """The answer to a message: what was said, by which model, from what, and at which cost.

    `retrieved_memories` has the fields of `RetrievedMemory`, and whatever else the server says.
    """

    message: str
    thread_id: UUID
    timestamp: datetime
    assistant_id: Optional[UUID] = None
    content: Optional[str] = None
    message_id: Optional[UUID] = None
    role: Optional[Role] = None
    status: Optional[str] = None
    tool_calls: Optional[List[ToolCall]] = None
    run_id: Optional[str] = None
    memory_operation_id: Optional[str] = None
    retrieved_memories: Optional[List[Dict[str, Any]]] = None
    retrieved_files: Optional[List[str]] = None
    reasoning: Optional[str] = None
    model_provider: Optional[str] = None
    model_name: Optional[str] = None
    input_tokens: Optional[int] = None
    output_tokens: Optional[int] = None
    total_tokens: Optional[int] = None
    cached_input_tokens: Optional[int] = None
    cache_write_input_tokens: Optional[int] = None
    reasoning_tokens: Optional[int] = None
    cost_usd: Optional[float] = None
    attempts: Optional[List[Attempt]] = None
    created_at: Optional[datetime] = None
    attachments: Optional[List[Attachment]] = None
    voice_records: Optional[Dict[str, Any]] = None
    generated_media: Optional[List[Dict[str, Any]]] = None


class ToolOutputsResponse(MessageResponse):
    """The answer once tool outputs were submitted: the run's next word, or its next tool calls."""

    context_usage: Optional[ContextUsage] = None


class ChatMessagesResponse(Record):
    """The answer to a message, as a list of dicts, the last of which the properties read.

    The server sends one flat object; it becomes the only item of `messages`, without its `context_usage`.
    """

    messages: List[Dict[str, Any]]
    context_usage: Optional[ContextUsage] = None

    @model_validator(mode="before")
    @classmethod
    def _from_flat(cls, answer: Any) -> Any:
        if not isinstance(answer, dict) or "messages" in answer:
            return cast("Any", answer)
        flat = dict(cast("Mapping[str, Any]", answer))
        usage = flat.pop("context_usage", None)
        return {"messages": [flat], "context_usage": usage}

    @property
    def last(self) -> MessageResponse:
        """The last message with every field typed. Raises IndexError where there is none."""
        return MessageResponse.model_validate(self.messages[-1])

    @property
    def content(self) -> Optional[str]:
        """What the assistant said."""
        return self._field("content")

    @property
    def role(self) -> Optional[str]:
        """Who said it: `assistant`, or `user` where a message was only stored."""
        return self._field("role")

    @property
    def model_provider(self) -> Optional[str]:
        """The provider whose model answered."""
        return self._field("model_provider")

    @property
    def model_name(self) -> Optional[str]:
        """The model that answered."""
        return self._field("model_name")

    @property
    def status(self) -> Optional[str]:
        """COMPLETED, REQUIRES_ACTION, FAILED, CANCELLED or IN_PROGRESS."""
        return self._field("status")

    @property
    def tool_calls(self) -> Optional[List[ToolCall]]:
        """The calls that the run waits for, where its status is REQUIRES_ACTION."""
        calls = self._field("tool_calls")
        return None if calls is None else [ToolCall.model_validate(call) for call in calls]

    @property
    def run_id(self) -> Optional[str]:
        """The run that gave this answer."""
        return self._field("run_id")

    @property
    def message_id(self) -> Optional[str]:
        """The id under which the answer is stored."""
        return self._field("message_id")

    @property
    def thread_id(self) -> str:
        """The thread that the message went to, for the next one. Raises IndexError without any message."""
        return str(self.messages[-1]["thread_id"])

    @property
    def assistant_id(self) -> Optional[str]:
        """The assistant that the thread belongs to."""
        return self._field("assistant_id")

    @property
    def reasoning(self) -> Optional[str]:
        """What the model thought, where its host tells."""
        return self._field("reasoning")

    @property
    def memory_operation_id(self) -> Optional[str]:
        """The operation that remembers this turn, where memory is on."""
        return self._field("memory_operation_id")

    @property
    def retrieved_memories(self) -> Optional[List[RetrievedMemory]]:
        """What was recalled for this answer, best first, where memory is on."""
        return self._field("retrieved_memories")

    @property
    def generated_media(self) -> Optional[List[Dict[str, Any]]]:
        """The images and videos that were made."""
        return self._field("generated_media")

    def _field(self, name: str) -> Any:
        return self.messages[-1].get(name) if self.messages else None
