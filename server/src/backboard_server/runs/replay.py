"""Replaying an answer: its context once more, for another model or with other words; nothing of it is stored.

The receipt says what the context was. What it costs is counted like any other answer.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.memories import MemoryMode
from backboard_server.domain.messages import RunOptions
from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.receipts import Receipt, ReceiptedAnswer, ReplayMessage
from backboard_server.domain.usage import CountedUsage
from backboard_server.store.receipts import AskPastTurn, get_past_turn, get_receipt
from backboard_server.store.turns import FinishTurn
from backboard_server.store.usage import count_usage

from .answer import answer
from .clock import Clock
from .context import assemble, history_budget, with_memories
from .difference import Difference, difference
from .finish import OpenRun, outcome_of
from .past_turn import files_of, memories_then, question_of, recalled_then, restored
from .receipt import Receipted, receipt_of
from .recollecting import recollected
from .steps import check_choice, new_draft


class Replay(Struct, frozen=True, kw_only=True):
    """An answer, what came of giving it once more, and how the two contexts differ."""

    original: ReceiptedAnswer
    outcome: FinishTurn
    receipt: Receipt
    difference: Difference


async def replay_message(adapters: Adapters, caller: Caller, request: ReplayMessage) -> Replay:
    """Give a past answer once more. Tools that the model calls are not executed; the thread stays as it is.

    Raises NotFound for thread, message and receipt, Invalid for the model and for a choice among tools,
    Conflict for an answer whose run has not ended, BudgetSpent, and Upstream.
    """
    clock = Clock(began_at=time.monotonic())
    original = await get_receipt(adapters.database, caller.tenant_id, request.thread_id, request.message_id)
    keys = adapters.sealer.keys_of(caller.tenant_id, caller.provider_keys)
    past = original.receipt
    choice = await adapters.models.choose(
        request.llm_provider or past.model_provider,
        request.model_name or (None if request.llm_provider else past.model_name),
        keys,
    )
    facts = adapters.models.facts(choice)
    tokens_max = history_budget(facts.context_limit, adapters.limits.history_tokens_max)
    asked = _asked(caller, original, choice, facts)
    read = await get_past_turn(adapters.database, caller.tenant_id, asked)
    turn, options = restored(original, read, request, tokens_max)
    run = OpenRun(
        caller=caller,
        run_id=new_id(),
        answer_id=new_id(),
        question_id=asked.question_id,
        ids=RunIds(str(original.thread_id), str(original.assistant_id), None),
        turn=turn,
        choice=choice,
        context=assemble(turn, options, choice, (), keys, asked.question_id),
        clock=clock,
    )
    run = await _remembering(adapters, run, original, request.memory, read.options.user_id)
    check_choice(run)
    outcome, made = await _given(adapters, run, facts)
    told = difference(past, made.receipt, original.texts | made.texts)
    return Replay(original=original, outcome=outcome, receipt=made.receipt, difference=told)


async def _remembering(
    adapters: Adapters, run: OpenRun, original: ReceiptedAnswer, memory: MemoryMode | None, user_id: str
) -> OpenRun:
    """Return the run with what was recalled then, or, where memory is asked for, what is recalled now."""
    if memory is not None:
        mode: MemoryMode = "off" if memory == "off" else "readonly"
        return await recollected(adapters, replace(run, options=RunOptions(memory=mode, user_id=user_id)))
    text = memories_then(original)
    if text is None:
        return run
    return replace(run, context=with_memories(run.context, text), recollection=recalled_then(original))


def _asked(caller: Caller, original: ReceiptedAnswer, choice: ModelChoice, facts: Facts) -> AskPastTurn:
    receipt = original.receipt
    return AskPastTurn(
        run_id=original.run_id,
        message_ids=tuple(receipt.message_ids()),
        question_id=question_of(receipt),
        document_ids=files_of(receipt),
        key_id=caller.key_id,
        model_name=choice.model,
        is_priced=facts.price is not None,
        is_free=facts.is_free,
    )


async def _given(adapters: Adapters, run: OpenRun, facts: Facts) -> tuple[FinishTurn, Receipted]:
    """Ask the model, and count what that used, however it ends."""
    draft = new_draft(run)
    try:
        async with aclosing(answer(adapters, run, draft, streamed=False)) as answering:
            async for _ in answering:
                continue
    finally:
        outcome = outcome_of(adapters, run, draft, datetime.now(UTC))
        await _count(adapters, run, outcome)
    return outcome, receipt_of(run, draft, outcome, facts, time.monotonic())


async def _count(adapters: Adapters, run: OpenRun, outcome: FinishTurn) -> None:
    counted = CountedUsage(
        run_id=run.run_id,
        key_id=run.caller.key_id,
        assistant_id=outcome.assistant_id,
        thread_id=outcome.thread_id,
        model_provider=outcome.model_provider,
        model_name=outcome.model_name,
        usage=outcome.usage,
        cost_usd=outcome.cost_usd,
        price_source=outcome.price_source,
        price_dated=outcome.price_dated,
        created_at=outcome.created_at,
    )
    await count_usage(adapters.database, run.caller.tenant_id, counted)
