"""Runs: what one message sets off, the models that it tried, and what is known of it while it goes on."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

from .messages import RunOptions
from .prompts import ToolCall, Usage

RunStatus = Literal["QUEUED", "IN_PROGRESS", "REQUIRES_ACTION", "COMPLETED", "FAILED", "CANCELLED"]
OPEN_STATUSES: frozenset[RunStatus] = frozenset({"QUEUED", "IN_PROGRESS"})
"""Of runs that a process has; any other run is over, or waits for the application."""


class Attempt(Struct, frozen=True, kw_only=True):
    """A model that a run asked. Without `error_code` it is the one that answered."""

    model_provider: str
    model_name: str
    error_code: str | None = None
    error: str | None = None


class Retry(Struct, frozen=True, kw_only=True):
    """A call of a model that failed and was made again, after `waited_seconds`."""

    model_provider: str
    model_name: str
    error_code: str
    error: str
    waited_seconds: float


class Run(Struct, frozen=True, kw_only=True):
    """A run as stored.

    `message_id` is that of its (last) answer, `tool_calls` are those that it waits for.
    """

    id: UUID
    thread_id: UUID
    assistant_id: UUID
    message_id: UUID
    question_id: UUID | None
    status: RunStatus
    model_provider: str
    model_name: str
    tool_calls: list[ToolCall] | None = None
    usage: Usage | None = None
    cost_usd: float | None = None
    attempts: list[Attempt] | None = None
    error_code: str | None = None
    error: str | None = None
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None


class LogRow(Struct, frozen=True, kw_only=True):
    """A row of a run's log: the events from `first_sequence` to `last_sequence`, encoded."""

    first_sequence: int
    last_sequence: int
    events: str


class RunLogState(Struct, frozen=True, kw_only=True):
    """How far a run has come: its status, the epoch of the process that has it, and the end of its log.

    `rows` is what the log has beyond the number that was asked for.
    """

    run_id: UUID
    status: RunStatus
    epoch: int
    logged_through: int
    is_cancel_requested: bool = False
    rows: list[LogRow] = []


class HeldRun(Struct, frozen=True, kw_only=True):
    """A run that this process has, to carry on or to end: taken over from another one, or continued.

    The log ends with `logged_through`; what it has after `step_after` was said in the present step.
    `answer_id` is the message to come; `epoch` is the fence that everything is written with.
    """

    tenant_id: UUID
    run_id: UUID
    thread_id: UUID
    assistant_id: UUID | None
    answer_id: UUID
    question_id: UUID | None
    key_id: UUID | None
    epoch: int
    status: RunStatus
    options: RunOptions
    model_provider: str
    model_name: str
    logged_through: int
    step_after: int
    takeovers: int = 0
    is_cancel_requested: bool = False
