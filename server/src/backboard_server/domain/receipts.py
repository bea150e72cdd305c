"""Receipts: what a model saw when it gave an answer, what it did not see, and what the answer cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from .memories import MemoryMode
from .messages import MessageStatus, Role
from .models import PriceSource
from .prompts import (
    FinishReason,
    MediaKind,
    ModelChoice,
    ResponseFormat,
    Thinking,
    ToolCall,
    ToolChoice,
    Usage,
)
from .runs import Attempt, Retry


class Block(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """A part of what the model was shown; `tokens` is our estimate, before the thread's correction.

    Texts are named by their SHA-256 in hexadecimal: a thread keeps each of them once.
    """

    tokens: int | None = None


class SystemBlock(Block, frozen=True, kw_only=True, tag="system"):
    """The system prompt."""

    sha256: str


class ToolsBlock(Block, frozen=True, kw_only=True, tag="tools"):
    """The tools that could be called; the text is their JSON (contract A.1)."""

    names: tuple[str, ...]
    sha256: str


class SummaryBlock(Block, frozen=True, kw_only=True, tag="summary"):
    """The summary of what was too early to be shown."""

    sha256: str


class SeenMemory(Struct, frozen=True, kw_only=True):
    """Something that was recalled: a memory, or a message that is remembered as it was said."""

    id: UUID
    score: float


class MemoriesBlock(Block, frozen=True, kw_only=True, tag="memories"):
    """What was recalled, best first; the text is how the model was shown it."""

    sha256: str
    memories: tuple[SeenMemory, ...]


class HistoryBlock(Block, frozen=True, kw_only=True, tag="history"):
    """Earlier messages of the thread, in the order in which they were shown."""

    message_ids: tuple[UUID, ...]


class QuestionBlock(Block, frozen=True, kw_only=True, tag="question"):
    """The message that was to be answered."""

    message_id: UUID


class SeenFile(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that was shown with a message."""

    document_id: UUID | None = None
    message_id: UUID | None = None
    filename: str
    kind: MediaKind
    bytes: int = 0


class FilesBlock(Block, frozen=True, kw_only=True, tag="files"):
    """The files that were shown, each with its message; what tokens they cost, their provider alone knows."""

    files: tuple[SeenFile, ...]


class StepBlock(Block, frozen=True, kw_only=True, tag="step"):
    """An earlier step of the same run: the answer that called tools, and what they returned."""

    message_ids: tuple[UUID, ...]


class RepairBlock(Block, frozen=True, kw_only=True, tag="repair"):
    """What the model was told of an answer that missed its form; the text is both, and not in the thread."""

    sha256: str


AnyBlock = (
    SystemBlock
    | ToolsBlock
    | SummaryBlock
    | MemoriesBlock
    | HistoryBlock
    | QuestionBlock
    | FilesBlock
    | StepBlock
    | RepairBlock
)


class Dropped(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """Something that the model was not shown; each kind has its own reasons."""


class DroppedHistory(Dropped, frozen=True, kw_only=True, tag="history"):
    """The oldest messages of the thread: they do not fit the window, or the summary stands for them."""

    reason: Literal["window", "summarised"]
    count: int


class DroppedMessages(Dropped, frozen=True, kw_only=True, tag="messages"):
    """Messages inside the window. Of an answer whose calls have no outputs the text, if any, is shown."""

    reason: Literal["calls_without_outputs", "outputs_without_calls", "nothing_said"]
    message_ids: tuple[UUID, ...]


class DroppedFile(Dropped, frozen=True, kw_only=True, tag="file"):
    """A file that came with a message that was shown."""

    reason: Literal["not_viewable", "too_large", "too_many", "unreadable", "model_cannot_see"]
    document_id: UUID | None = None
    filename: str


class DroppedTools(Dropped, frozen=True, kw_only=True, tag="tools"):
    """Tools of a model that takes none; the text is their JSON."""

    reason: Literal["model_takes_none"]
    names: tuple[str, ...]
    sha256: str


class DroppedServer(Dropped, frozen=True, kw_only=True, tag="mcp_server"):
    """Tools of an MCP server that could not be had; `detail` says why."""

    reason: Literal["unavailable"]
    detail: str


class DroppedMemories(Dropped, frozen=True, kw_only=True, tag="memories"):
    """What might have been recalled: the search was not over in time."""

    reason: Literal["unavailable"]


AnyDropped = DroppedHistory | DroppedMessages | DroppedFile | DroppedTools | DroppedServer | DroppedMemories


_Worded = SystemBlock | ToolsBlock | SummaryBlock | MemoriesBlock | RepairBlock | DroppedTools


class FormAsked(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The form that was asked for: a JSON object, or JSON by the schema that is the text of that digest."""

    name: str
    is_strict: bool = False
    schema_sha256: str | None = None


class TokenEstimate(Struct, frozen=True, kw_only=True):
    """What we took the prompt for: `estimated` by our own count, `corrected` by the thread's `ratio`."""

    estimated: int
    ratio: float
    corrected: int
    context_limit: int


PricedKind = Literal["input", "cached_input", "cache_write_input", "output", "reasoning"]


class PriceLine(Struct, frozen=True, kw_only=True):
    """Tokens of one kind at their rate, in US dollars for a million; no token stands in two lines."""

    kind: PricedKind
    tokens: int
    rate_usd: float
    cost_usd: float


class PricePaid(Struct, frozen=True, kw_only=True):
    """Where the price is from, and how the cost adds up; without lines where the provider itself said it."""

    source: PriceSource
    dated: date | None
    lines: tuple[PriceLine, ...]


class Timings(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Seconds of each phase, None for one that was not reached or is not known.

    `queued` behind other runs of the thread; `opened` until the model was called, which in a later step is
    `tools`, the time that they took; `first_token` until it said something; `generation` until the end of the
    answer; `total` of all but `queued`.
    """

    queued: float | None = None
    opened: float | None = None
    tools: float | None = None
    first_token: float | None = None
    generation: float | None = None
    total: float | None = None


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an answer was made from; written once, with the answer.

    `blocks` stand in the order in which the model saw them. `step` counts the answers of the run, from 1.
    `attempts` are all models that were asked, in order; `retries` say why one of them was asked again;
    `fallbacks` are those that there were to fall back to. `is_usage_estimated` where the provider did not
    count. `cost_usd` is None where nobody knows it, which is never the same as nothing.
    """

    model_provider: str
    model_name: str
    step: int
    finish_reason: FinishReason | None = None
    error_code: str | None = None
    attempts: tuple[Attempt, ...] = ()
    retries: tuple[Retry, ...] = ()
    fallbacks: tuple[ModelChoice, ...] = ()
    blocks: tuple[AnyBlock, ...]
    dropped: tuple[AnyDropped, ...] = ()
    thinking: Thinking | None = None
    tool_choice: ToolChoice | None = None
    response_format: FormAsked | None = None
    tokens: TokenEstimate
    usage: Usage
    is_usage_estimated: bool = False
    price: PricePaid | None = None
    cost_usd: float | None = None
    timings: Timings = Timings()

    def texts(self) -> Iterator[str]:
        """Yield the digests of the texts that it names."""
        for part in (*self.blocks, *self.dropped):
            if isinstance(part, _Worded):
                yield part.sha256
        if self.response_format is not None and self.response_format.schema_sha256 is not None:
            yield self.response_format.schema_sha256

    def message_ids(self) -> Iterator[UUID]:
        """Yield the messages of the thread that were shown, in the order of the blocks."""
        for block in self.blocks:
            match block:
                case HistoryBlock() | StepBlock():
                    yield from block.message_ids
                case QuestionBlock():
                    yield block.message_id
                case _:
                    pass


class ShownMessage(Struct, frozen=True, kw_only=True):
    """A message that was shown; its content may be cut where it is told."""

    id: UUID
    role: Role
    content: str
    is_cut: bool = False


class ReceiptedAnswer(Struct, frozen=True, kw_only=True):
    """An answer with its receipt, and with what that names: texts by their digest, messages by their id."""

    message_id: UUID
    thread_id: UUID
    assistant_id: UUID
    run_id: UUID
    status: MessageStatus
    content: str
    reasoning: str | None
    tool_calls: tuple[ToolCall, ...]
    created_at: datetime
    receipt: Receipt
    texts: dict[str, str]
    messages: dict[UUID, ShownMessage]


class ReplayMessage(Struct, frozen=True, kw_only=True):
    """A request to give an answer once more; what is left out is as it was then.

    With `memory` it is recalled anew, or not at all; nothing is remembered of a replay.
    """

    thread_id: UUID
    message_id: UUID
    llm_provider: str | None = None
    model_name: str | None = None
    system_prompt: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: ToolChoice | None = None
    thinking: Thinking | None = None
    response_format: ResponseFormat | UnsetType | None = UNSET
    memory: MemoryMode | None = None
