"""The end of a run: what is stored of it, and the event that tells the client."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain import events
from backboard_server.domain.errors import BackboardError, Conflict, Unavailable
from backboard_server.domain.events import ContextUsage, RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import Attachment, MessageStatus
from backboard_server.domain.prompts import ModelChoice, Sidecar, Usage
from backboard_server.domain.threads import Turn
from backboard_server.domain.tokens import estimate_message_tokens, estimate_tokens
from backboard_server.store import turns

from .context import Context
from .draft import Draft, views
from .spending import cost_of, price_of

_NUL, _BACKSLASH = b"\\u0000", b"\\\\"  # as JSON writes them
_RATIO_RANGE = (0.25, 4.0)  # how far off our estimate may be believed to be
_WAITS_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)  # a killed Postgres is back within two seconds
_RATIO_TOKENS_MIN = 50  # below, the fixed part of a prompt distorts the ratio


class OpenRun(Struct, frozen=True, kw_only=True):
    """A run whose turn is open: everything that is known before the model is called."""

    caller: Caller
    run_id: UUID
    answer_id: UUID
    ids: RunIds
    turn: Turn
    choice: ModelChoice
    fallbacks: tuple[ModelChoice, ...] = ()
    context: Context
    attachments: list[Attachment]


async def finish(
    adapters: Adapters, run: OpenRun, draft: Draft, now: datetime, failure: BackboardError | None = None
) -> events.RunEnded | events.ToolSubmitRequired | None:
    """Store the outcome in one round trip and return the event of a good end; None after a failure."""
    facts = adapters.models.facts(draft.choice)
    usage = draft.usage or _estimated_usage(run, draft)
    cost_usd = cost_of(usage, facts)
    status: MessageStatus = "COMPLETED"
    if failure is not None:
        status = "FAILED"
    elif draft.tool_calls:
        status = "REQUIRES_ACTION"
    keep = _summary_keep(run, adapters.limits.history_messages_max)
    price_source, price_dated = price_of(usage, facts)
    await _store(
        adapters,
        run.caller.tenant_id,
        turns.FinishTurn(
            thread_id=run.turn.thread_id,
            run_id=run.run_id,
            answer_id=run.answer_id,
            assistant_id=run.turn.assistant_id,
            key_id=run.caller.key_id,
            status=status,
            content=draft.content,
            reasoning=draft.reasoning or None,
            tool_calls=draft.tool_calls or None,
            sidecar=_storable(draft.finish.sidecar) if draft.finish else None,
            tokens=estimate_message_tokens(draft.content) + _call_tokens(draft),
            model_provider=draft.choice.provider,
            model_name=draft.choice.model,
            attempts=draft.attempts,
            usage=usage,
            cost_usd=cost_usd,
            price_source=price_source,
            price_dated=price_dated,
            token_ratio=_corrected_ratio(run, draft.usage),
            error_code=failure.error_code if failure else None,
            error=failure.message if failure else None,
            created_at=now,
            summary_job_id=new_id() if keep else None,
            summary_keep=keep,
        ),
    )
    if failure is not None:
        return None
    return _last_event(run, draft, usage, cost_usd, _context_usage(run, draft, facts.context_limit), now)


async def _store(adapters: Adapters, tenant_id: UUID, outcome: turns.FinishTurn) -> None:
    """Store the outcome, waiting for a database that is away for a moment: the answer has been paid for.

    Raises Unavailable when it stays away, Conflict if the thread is gone.
    """
    was_away = False
    for wait_seconds in (*_WAITS_SECONDS, None):
        try:
            await turns.finish_turn(adapters.database, tenant_id, outcome)
        except Unavailable:
            if wait_seconds is None:
                raise
            was_away = True
            await asyncio.sleep(wait_seconds)
        except Conflict:
            if was_away:
                return  # the attempt whose end we did not see had been carried out
            raise
        else:
            return


def _last_event(
    run: OpenRun,
    draft: Draft,
    usage: Usage,
    cost_usd: float | None,
    context_usage: ContextUsage,
    now: datetime,
) -> events.RunEnded | events.ToolSubmitRequired:
    answered: dict[str, Any] = {
        "thread_id": run.ids.thread_id,
        "assistant_id": run.ids.assistant_id,
        "run_id": run.ids.run_id,
        "message_id": str(run.answer_id),
        "content": draft.content,
        "reasoning": draft.reasoning or None,
        "model_provider": draft.choice.provider,
        "model_name": draft.choice.model,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_input_tokens": usage.cache_write_input_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cost_usd": cost_usd,
        "attempts": draft.attempts,
        "attachments": run.attachments,
        "context_usage": context_usage,
        "created_at": now,
    }
    if draft.tool_calls:
        return events.ToolSubmitRequired(**answered, tool_calls=views(draft.tool_calls))
    return events.RunEnded(**answered, final_content=draft.content)


def _context_usage(run: OpenRun, draft: Draft, context_limit: int) -> ContextUsage:
    """Return how full the window was at the last call, which the answer has joined."""
    last = draft.finish.usage if draft.finish else None
    counted = last or _estimated_usage(run, draft)
    used = counted.input_tokens + counted.output_tokens
    return ContextUsage(
        percent=round(100 * used / context_limit, 2),
        used_tokens=used,
        context_limit=context_limit,
        summary_tokens=run.context.summary_tokens,
        model=draft.choice.model,
    )


def _estimated_usage(run: OpenRun, draft: Draft) -> Usage:
    """Return our own count for a provider that gave none; of one that never answered, nothing."""
    if draft.is_empty and draft.finish is None:
        return Usage()
    written = estimate_tokens(draft.content) + estimate_tokens(draft.reasoning) + _call_tokens(draft)
    return Usage(input_tokens=round(run.context.tokens * run.turn.token_ratio), output_tokens=written)


def _storable(sidecar: Sidecar | None) -> Sidecar | None:
    """Return the sidecar, or None for one that Postgres cannot keep: altered, it would fit nothing."""
    return None if _NUL in msgspec.json.encode(sidecar).replace(_BACKSLASH, b"") else sidecar


def _call_tokens(draft: Draft) -> int:
    return sum(estimate_tokens(call.name + call.arguments) for call in draft.tool_calls)


def _corrected_ratio(run: OpenRun, usage: Usage | None) -> float | None:
    """Return how far the thread's estimates are off: half from before, half from this run."""
    if (
        usage is None
        or usage.input_tokens == 0
        or run.context.files
        or run.context.tokens < _RATIO_TOKENS_MIN
    ):
        return None
    low, high = _RATIO_RANGE
    measured = min(high, max(low, usage.input_tokens / run.context.tokens))
    return (run.turn.token_ratio + measured) / 2


def _summary_keep(run: OpenRun, messages_max: int) -> int | None:
    """Return how many of the newest messages to leave out of a summary that is due, or None if none is.

    One is due when the budget has cut the window, or before the number of messages does. Summarising a good
    part at once leaves the beginning of the prompt as it is for many turns, which providers' caches reward.
    """
    turn = run.turn
    shown = len(turn.history)
    if turn.unsummarised_messages > shown:
        return max(2, min(shown // 2, messages_max // 3))
    if turn.unsummarised_messages + 2 > messages_max * 2 // 3:
        return max(2, messages_max // 3)
    return None
