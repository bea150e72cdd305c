"""How a run tells its end: the last event, made of what is stored of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from backboard_server.domain import events
from backboard_server.domain.errors import BackboardError, Cancelled, Upstream
from backboard_server.domain.events import ContextUsage, LastEvent
from backboard_server.domain.prompts import ToolCall, Usage
from backboard_server.store.turns import FinishTurn

from .beginnings import where
from .draft import Draft, views
from .recollecting import operation_of, retrieved

if TYPE_CHECKING:
    from .finish import OpenRun


def good_end(run: OpenRun, draft: Draft, outcome: FinishTurn, context_limit: int) -> LastEvent:
    """Return the event that a run ends with, or waits with for the application."""
    if draft.tool_calls:
        return submit_required(run, draft, outcome, context_limit, draft.tool_calls)
    answered = _answered(run, draft, outcome, context_limit)
    return events.RunEnded(**answered, final_content=draft.content)


def bad_end(run: OpenRun, draft: Draft, now: datetime, failure: BackboardError) -> LastEvent:
    """Return the event that says why a run ended before its answer did."""
    if isinstance(failure, Cancelled):
        return events.RunCancelled(
            **where(run.ids),
            message_id=str(run.answer_id),
            content=draft.told.content,
            reasoning=draft.told.reasoning or None,
            created_at=now,
        )
    retry_after = failure.retry_after_seconds if isinstance(failure, Upstream) else None
    return events.RunFailed(
        **where(run.ids),
        error=failure.message,
        message=failure.message,
        code=failure.error_code,
        message_id=str(run.answer_id),
        retry_after_seconds=UNSET if retry_after is None else retry_after,
    )


def submit_required(
    run: OpenRun, draft: Draft, outcome: FinishTurn, context_limit: int, calls: Sequence[ToolCall]
) -> events.ToolSubmitRequired:
    """Return the event with which a run waits for the outputs of these calls."""
    answered = _answered(run, draft, outcome, context_limit)
    return events.ToolSubmitRequired(**answered, tool_calls=views(tuple(calls)))


def _answered(run: OpenRun, draft: Draft, outcome: FinishTurn, context_limit: int) -> dict[str, Any]:
    usage, said = outcome.usage, draft.said
    return {
        **where(run.ids),
        "message_id": str(run.answer_id),
        "content": said.content,
        "reasoning": said.reasoning or None,
        "model_provider": draft.choice.provider,
        "model_name": draft.choice.model,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_input_tokens": usage.cache_write_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cost_usd": outcome.cost_usd,
        "attempts": draft.attempts,
        "memory_operation_id": operation_of(run),
        "retrieved_memories": None if run.recollection is None else retrieved(run.recollection),
        "attachments": run.attachments,
        "context_usage": _context_usage(run, draft, usage, context_limit),
        "created_at": outcome.created_at,
    }


def _context_usage(run: OpenRun, draft: Draft, usage: Usage, context_limit: int) -> ContextUsage:
    """Return how full the window was at the last call, which the answer has joined."""
    counted = (draft.finish.usage if draft.finish else None) or usage
    used = counted.input_tokens + counted.output_tokens
    return ContextUsage(
        percent=round(100 * used / context_limit, 2),
        used_tokens=used,
        context_limit=context_limit,
        summary_tokens=run.context.summary_tokens,
        model=draft.choice.model,
    )
