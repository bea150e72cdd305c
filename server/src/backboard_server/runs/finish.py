"""The end of a run, or of a step of it: what is stored, and the event that tells the client.

What is told is stored with what it tells of, in one transaction: no log ends otherwise than its run did.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import BackboardError, Cancelled, Conflict, TakenOver, Unavailable
from backboard_server.domain.events import Event, LastEvent, RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.memories import Recollection
from backboard_server.domain.messages import Attachment, RunOptions
from backboard_server.domain.prompts import ModelChoice, Sidecar, Usage
from backboard_server.domain.runs import RunStatus
from backboard_server.domain.threads import HistoryMessage, Turn
from backboard_server.domain.tokens import estimate_message_tokens, estimate_tokens
from backboard_server.domain.tools import McpServer
from backboard_server.memory.index import indexed
from backboard_server.store import turns
from backboard_server.store.memories import IndexedText
from backboard_server.store.runs import FinishCalls, StoredOutput, finish_calls

from .clock import Clock
from .context import Context
from .draft import Draft
from .ends import bad_end, good_end, submit_required
from .log import RunLog
from .receipt import receipt_of
from .spending import cost_of, price_of
from .tool_use import ToolUse

_NUL, _BACKSLASH = b"\\u0000", b"\\\\"  # as JSON writes them
_RATIO_RANGE = (0.25, 4.0)  # how far off our estimate may be believed to be
_WAITS_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0)  # a killed Postgres is back within two seconds
_RATIO_TOKENS_MIN = 50  # below, the fixed part of a prompt distorts the ratio


class OpenRun(Struct, frozen=True, kw_only=True):
    """A run whose turn is open: everything that is known before the model is called."""

    caller: Caller
    run_id: UUID
    answer_id: UUID
    question_id: UUID | None = None
    ids: RunIds
    turn: Turn
    choice: ModelChoice
    fallbacks: tuple[ModelChoice, ...] = ()
    context: Context
    attachments: list[Attachment] = []
    mcp_servers: tuple[McpServer, ...] = ()
    options: RunOptions = RunOptions()
    recollection: Recollection | None = None
    problems: tuple[str, ...] = ()
    """What could not be had of the tools, in a sentence each."""
    log: RunLog = msgspec.field(default_factory=RunLog)
    clock: Clock = Clock()
    epoch: int = 1
    spent_usd: float = 0.0
    interrupted: HistoryMessage | None = None
    """The answer whose tools were being executed when the process that had the run was lost."""


async def finish(
    adapters: Adapters, run: OpenRun, draft: Draft, now: datetime, failure: BackboardError | None = None
) -> LastEvent:
    """Store the outcome in one round trip and return the event that says it, which is in the log by then.

    Raises Conflict if the thread is gone, TakenOver if the run is another process's, Unavailable.
    """
    outcome = outcome_of(adapters, run, draft, now, failure)
    facts = adapters.models.facts(draft.choice)
    last = (
        good_end(run, draft, outcome, facts.context_limit)
        if failure is None
        else bad_end(run, draft, now, failure)
    )
    receipted = receipt_of(run, draft, outcome, facts, time.monotonic()).joined_to(outcome)
    part = await run.log.rest(last)
    keep = _summary_keep(run, adapters.limits.history_messages_max)
    await _store(
        adapters,
        run,
        replace(receipted, log=part, summary_job_id=new_id() if keep else None, summary_keep=keep),
    )
    return last


async def finish_step(adapters: Adapters, run: OpenRun, draft: Draft, now: datetime) -> OpenRun:
    """Store an answer that calls tools of the server's, and return the run as it goes on after them.

    From here on the calls count as begun. Raises what `finish` raises.
    """
    ended_at = time.monotonic()
    following = replace(run, answer_id=new_id(), clock=Clock(began_at=ended_at, is_after_tools=True))
    outcome = outcome_of(adapters, run, draft, now)
    facts = adapters.models.facts(draft.choice)
    receipted = receipt_of(run, draft, outcome, facts, ended_at).joined_to(outcome)
    part = await run.log.rest()
    await _store(
        adapters,
        run,
        replace(receipted, status="IN_PROGRESS", next_answer_id=following.answer_id, log=part),
    )
    return following


async def finish_outputs(
    adapters: Adapters, run: OpenRun, use: ToolUse, outputs: list[StoredOutput], told: list[Event]
) -> list[Event]:
    """Store what tools of the server's returned, once each, and return the events that tell of it.

    Where there are calls of others the run waits for the application, and the last event says so. Raises what
    `finish` raises.
    """
    if use.others:
        waiting = replace(run, answer_id=use.answer_id)
        outcome = outcome_of(adapters, waiting, use.draft, datetime.now(UTC))
        facts = adapters.models.facts(use.draft.choice)
        told = [*told, submit_required(waiting, use.draft, outcome, facts.context_limit, use.others)]
    part = await run.log.rest(*told)
    request = FinishCalls(
        run_id=run.run_id,
        thread_id=run.turn.thread_id,
        epoch=run.epoch,
        status="REQUIRES_ACTION" if use.others else "IN_PROGRESS",
        outputs=outputs,
        log=part,
        answer_id=use.answer_id if use.others else None,
        tool_calls=use.others or None,
        model_provider=use.draft.choice.provider,
        model_name=use.draft.choice.model,
    )
    tenant_id = run.caller.tenant_id

    async def store() -> None:
        if not await finish_calls(adapters.database, tenant_id, request):
            raise await turns.refusal(adapters.database, tenant_id, run.run_id, run.epoch)

    await _patiently(run, part, store)
    return told


def outcome_of(
    adapters: Adapters, run: OpenRun, draft: Draft, now: datetime, failure: BackboardError | None = None
) -> turns.FinishTurn:
    """Return what came of a draft, and what it used and cost, as it is stored."""
    facts = adapters.models.facts(draft.choice)
    usage = draft.usage or _estimated_usage(run, draft)
    price_source, price_dated = price_of(usage, facts)
    return turns.FinishTurn(
        thread_id=run.turn.thread_id,
        run_id=run.run_id,
        answer_id=run.answer_id,
        assistant_id=run.turn.assistant_id,
        key_id=run.caller.key_id,
        status=_status(draft, failure),
        content=draft.content,
        reasoning=draft.reasoning or None,
        tool_calls=draft.tool_calls or None,
        sidecar=_storable(draft.finish.sidecar) if draft.finish else None,
        tokens=estimate_message_tokens(draft.content) + _call_tokens(draft),
        model_provider=draft.choice.provider,
        model_name=draft.choice.model,
        attempts=draft.attempts,
        usage=usage,
        cost_usd=cost_of(usage, facts),
        price_source=price_source,
        price_dated=price_dated,
        token_ratio=_corrected_ratio(run, draft.usage),
        error_code=failure.error_code if failure else None,
        error=failure.message if failure else None,
        created_at=now,
        epoch=run.epoch,
        is_remembered=run.options.memory == "auto",
        remember=_remembered(run, draft),
    )


def _remembered(run: OpenRun, draft: Draft) -> IndexedText | None:
    """Return the answer as memory has it; what the `local` provider says are quotes of what is there."""
    if run.options.memory != "auto" or not draft.content or draft.choice.provider == "local":
        return None
    return indexed(draft.content)


def _status(draft: Draft, failure: BackboardError | None) -> RunStatus:
    if isinstance(failure, Cancelled):
        return "CANCELLED"
    if failure is not None:
        return "FAILED"
    return "REQUIRES_ACTION" if draft.tool_calls else "COMPLETED"


async def _store(adapters: Adapters, run: OpenRun, outcome: turns.FinishTurn) -> None:
    assert outcome.log is not None  # noqa: S101 - every outcome brings the rest of the log
    tenant_id = run.caller.tenant_id
    await _patiently(run, outcome.log, lambda: turns.finish_turn(adapters.database, tenant_id, outcome))


async def _patiently(run: OpenRun, part: turns.LogPart, store: Callable[[], Awaitable[None]]) -> None:
    """Store what brings the rest of the log, waiting for a database that is away: it has been paid for.

    Raises Unavailable when it stays away, Conflict if the thread is gone.
    """
    was_away = False
    with _written(run, part):
        for wait_seconds in (*_WAITS_SECONDS, None):
            try:
                await store()
            except Unavailable:
                if wait_seconds is None:
                    raise
                was_away = True
                await asyncio.sleep(wait_seconds)
            except TakenOver:
                raise
            except Conflict:
                if was_away:
                    return  # the attempt whose end we did not see had been carried out
                raise
            else:
                return


@contextmanager
def _written(run: OpenRun, part: turns.LogPart) -> Generator[None]:
    """Tell the log whether the rest of it was stored, which it waits to hear."""
    try:
        yield
    except BaseException:
        run.log.put_back()
        raise
    run.log.wrote(part)


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
