"""The shapes of a receipt as clients know it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from backboard_server.domain.messages import MessageStatus, Role
from backboard_server.domain.models import PriceSource
from backboard_server.domain.prompts import FinishReason, MediaKind
from backboard_server.domain.receipts import PricedKind

from .answers import AttemptRead


class TextBlockRead(BaseModel):
    """A text that the model was shown; of a `repair`, its answer and what was wrong with it."""

    kind: Literal["system", "summary", "repair"]
    tokens: int
    sha256: str
    text: str | None


class ToolsBlockRead(BaseModel):
    """The tools that the model could call; the text is their JSON."""

    kind: Literal["tools"]
    tokens: int
    names: list[str]
    sha256: str
    text: str | None


class SeenMemoryRead(BaseModel):
    """Something that was recalled: a memory, or a message that is remembered as it was said."""

    id: UUID
    score: float


class MemoriesBlockRead(BaseModel):
    """What was recalled, best first; the text is how the model was shown it."""

    kind: Literal["memories"]
    tokens: int
    memories: list[SeenMemoryRead]
    sha256: str
    text: str | None


class ShownMessageRead(BaseModel):
    """A message of the thread; a long one is cut here, and `is_cut` says so."""

    message_id: UUID
    role: Role
    content: str
    is_cut: bool


class MessagesBlockRead(BaseModel):
    """Messages of the thread in the order in which they were shown.

    `messages` has those that are still there.
    """

    kind: Literal["history", "question", "step"]
    tokens: int
    count: int
    first_message_id: UUID
    last_message_id: UUID
    message_ids: list[UUID]
    messages: list[ShownMessageRead]


class SeenFileRead(BaseModel):
    """A file that was shown with a message."""

    document_id: UUID | None = None
    message_id: UUID | None = None
    filename: str
    kind: MediaKind
    bytes: int = 0


class FilesBlockRead(BaseModel):
    """Files that were shown."""

    kind: Literal["files"]
    files: list[SeenFileRead]


BlockRead = Annotated[
    TextBlockRead | ToolsBlockRead | MemoriesBlockRead | MessagesBlockRead | FilesBlockRead,
    Field(discriminator="kind"),
]


class DroppedRead(BaseModel):
    """Something that the model was not shown, and why; what more is said depends on the `kind`."""

    kind: Literal["history", "messages", "file", "tools", "mcp_server", "memories"]
    reason: str
    count: int | None = None
    message_ids: list[UUID] | None = None
    document_id: UUID | None = None
    filename: str | None = None
    names: list[str] | None = None
    detail: str | None = None


class RetryRead(BaseModel):
    """A call that failed and was made again after a wait."""

    model_provider: str
    model_name: str
    error_code: str
    error: str
    waited_seconds: float


class ModelRead(BaseModel):
    """A model of a provider."""

    model_provider: str
    model_name: str


class ThinkingRead(BaseModel):
    """How hard the model was asked to think."""

    effort: str | None
    budget_tokens: int | None
    exclude_reasoning: bool


class ToolChoiceRead(BaseModel):
    """Whether tools were to be called; `name` is that of the one function that had to be."""

    type: Literal["auto", "none", "required", "function"]
    name: str | None


class FormRead(BaseModel):
    """The form that was asked for; without a schema any JSON object."""

    name: str
    strict: bool
    json_schema: str | None = Field(description="As text.")


class TokensRead(BaseModel):
    """What we took the prompt for, before and after the thread's correction."""

    estimated: int
    ratio: float
    corrected: int
    context_limit: int


class UsageRead(BaseModel):
    """Tokens as the provider counted them, or as we estimated them where it did not."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    reasoning_tokens: int
    is_estimated: bool


class PriceLineRead(BaseModel):
    """Tokens of one kind at their rate, in US dollars for a million of them."""

    kind: PricedKind
    tokens: int
    rate_usd: float
    cost_usd: float


class PriceRead(BaseModel):
    """How the cost adds up; without lines where the provider itself said what it charges."""

    source: PriceSource
    dated: date | None
    lines: list[PriceLineRead]


class TimingsRead(BaseModel):
    """Seconds of each phase; null where it was not reached, or is not known."""

    queued: float | None
    opened: float | None
    tools: float | None
    first_token: float | None
    generation: float | None
    total: float | None


class ReceiptRead(BaseModel):
    """What an answer was made from; written once, with the answer."""

    message_id: UUID
    thread_id: UUID
    assistant_id: UUID
    run_id: str
    status: MessageStatus
    created_at: datetime
    model_provider: str
    model_name: str
    step: int = Field(description="Which answer of the run this is, from 1.")
    finish_reason: FinishReason | None
    error_code: str | None
    attempts: list[AttemptRead]
    retries: list[RetryRead]
    fallbacks: list[ModelRead]
    blocks: list[BlockRead]
    dropped: list[DroppedRead]
    thinking: ThinkingRead | None
    tool_choice: ToolChoiceRead | None
    response_format: FormRead | None
    tokens: TokensRead
    usage: UsageRead
    price: PriceRead | None
    cost_usd: float | None
    timings: TimingsRead
