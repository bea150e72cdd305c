"""Runs: messages being answered, what an answer was made from, and what else would have come of it."""

from datetime import datetime
from typing import Any, Dict, List, Optional
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from ._record import Record
from .messages import Attempt
from .tools import ToolCall


class Run(Record):
    """A run; `message_id` is that of the answer, `user_message_id` that of what is being answered.

    `status` is QUEUED, IN_PROGRESS, REQUIRES_ACTION, COMPLETED, FAILED or CANCELLED. `tool_calls` are those
    that it waits for. Costs are US dollars; None is unknown, never free.
    """

    run_id: str
    thread_id: UUID
    assistant_id: Optional[UUID] = None
    message_id: Optional[UUID] = None
    user_message_id: Optional[UUID] = None
    status: str
    model_provider: Optional[str] = None
    model_name: Optional[str] = None
    tool_calls: Optional[List[ToolCall]] = None
    input_tokens: Optional[int] = None
    output_tokens: Optional[int] = None
    total_tokens: Optional[int] = None
    cached_input_tokens: Optional[int] = None
    cache_write_input_tokens: Optional[int] = None
    reasoning_tokens: Optional[int] = None
    cost_usd: Optional[float] = None
    attempts: Optional[List[Attempt]] = None
    error_code: Optional[str] = None
    error: Optional[str] = None
    created_at: datetime
    started_at: Optional[datetime] = None
    ended_at: Optional[datetime] = None


class RunCancellation(TypedDict):
    """What came of cancelling a run: a dict; `cancelled` is false where the run had ended before."""

    thread_id: str
    run_id: str
    cancelled: bool


class ReceiptBlock(Record):
    """A part of what the model was shown: `kind` says which, and more fields say where it came from.

    `system`, `summary`, `tools` and `repair` have a `text`; `history`, `question` and `step` have `messages`,
    each with its role and content; `files` has `files`.
    """

    kind: str
    tokens: Optional[int] = None
    text: Optional[str] = None
    sha256: Optional[str] = None
    names: Optional[List[str]] = None
    message_ids: Optional[List[str]] = None
    messages: Optional[List[Dict[str, Any]]] = None
    files: Optional[List[Dict[str, Any]]] = None


class Receipt(Record):
    """What an answer was made from: what the model was shown and what not, who was asked, and what it cost.

    `timings` are seconds. Each of `dropped` has a `kind` and a `reason`; `retries` are calls that failed and
    were made again. `step` counts the answers of the run. `cost_usd` is None where it is unknown, never free.
    """

    message_id: UUID
    run_id: Optional[str] = None
    thread_id: Optional[UUID] = None
    assistant_id: Optional[UUID] = None
    status: Optional[str] = None
    created_at: Optional[datetime] = None
    model_provider: Optional[str] = None
    model_name: Optional[str] = None
    step: Optional[int] = None
    finish_reason: Optional[str] = None
    error_code: Optional[str] = None
    blocks: List[ReceiptBlock] = Field(default_factory=lambda: [])
    dropped: List[Dict[str, Any]] = Field(default_factory=lambda: [])
    attempts: Optional[List[Attempt]] = None
    retries: List[Dict[str, Any]] = Field(default_factory=lambda: [])
    fallbacks: List[Dict[str, Any]] = Field(default_factory=lambda: [])
    timings: Dict[str, Any] = Field(default_factory=lambda: {})
    tokens: Optional[Dict[str, Any]] = None
    usage: Optional[Dict[str, Any]] = None
    price: Optional[Dict[str, Any]] = None
    cost_usd: Optional[float] = None


class Replay(Record):
    """An answer beside another one to the same context, and how the two contexts differ."""

    original: Dict[str, Any]
    replay: Dict[str, Any]
    context_difference: Dict[str, Any] = Field(default_factory=lambda: {})
