"""Calling the models: one loop of attempts, ours, and only for as long as nothing has been said.

After the first delta an attempt is never repeated, as the client has seen it; what was said is kept.
The policy and its figures: base 0.5 s, doubled, full jitter, at most 3 attempts of a model within one time
budget; a provider's Retry-After is honoured if it fits the budget, and passed on if it does not.
When a model has failed for good, the next of the fallbacks is asked, with as much time again.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from msgspec.structs import replace

from backboard_server.adapters import Adapters, Limits
from backboard_server.domain import events
from backboard_server.domain.errors import BackboardError, Invalid, Upstream
from backboard_server.domain.events import Event, RunIds
from backboard_server.domain.prompts import ModelChoice, Prompt
from backboard_server.domain.runs import Attempt, Retry

from .draft import Draft
from .spending import Allowance

ATTEMPTS_MAX = 3
ANSWER_SECONDS_MAX = 1_800
_WAIT_SECONDS_MAX = 8.0

_log = logging.getLogger(__name__)


async def generate(
    adapters: Adapters,
    prompt: Prompt,
    draft: Draft,
    *,
    streamed: bool,
    fallbacks: tuple[ModelChoice, ...] = (),
    allowance: Allowance | None = None,
) -> AsyncGenerator[Event]:
    """Let a model write into `draft` and yield the events of it; `draft.choice` is the one that does.

    Raises Upstream when all of them failed for good, BudgetSpent when the `allowance` is used up; the draft
    then holds what was said before.
    """
    remaining = list(fallbacks)
    if draft.asked_at is None:
        draft.asked_at = time.monotonic()
    while True:
        try:
            async with aclosing(
                _ask(adapters, prompt, draft, streamed=streamed, allowance=allowance)
            ) as asking:
                async for event in asking:
                    yield event
        except (Upstream, Invalid) as error:
            draft.attempts.append(_attempt(prompt.choice, error))
            is_worthy = not isinstance(error, Upstream) or error.is_fallback_worthy
            if not (remaining and is_worthy and draft.is_empty):
                raise
            _log.warning("%s failed, falling back: %s", prompt.choice.model, error.message)
            draft.choice = remaining.pop(0)
            prompt = replace(prompt, choice=draft.choice)
            yield _fallback(draft.ids, draft)
        else:
            draft.attempts.append(_attempt(prompt.choice))
            return


async def _ask(
    adapters: Adapters, prompt: Prompt, draft: Draft, *, streamed: bool, allowance: Allowance | None
) -> AsyncGenerator[Event]:
    """Ask one model, again and again while that makes sense."""
    if allowance is not None:
        allowance.begin(prompt.choice)
    deadline = time.monotonic() + adapters.limits.first_token_budget_seconds
    attempt = 1
    while True:
        try:
            # Comments keep a silent stream alive, but not for ever.
            async with (
                asyncio.timeout(ANSWER_SECONDS_MAX),
                aclosing(adapters.models.stream(prompt, streamed=streamed)) as deltas,
            ):
                async for delta in deltas:
                    for event in draft.add(delta):
                        yield event
                    if allowance is not None:
                        allowance.check(draft)
        except TimeoutError:
            raise _too_long(prompt.choice) from None
        except Upstream as error:
            wait = _wait_before_retry(error, attempt, adapters.limits)
            if wait is None or not draft.is_empty or time.monotonic() + wait > deadline:
                raise
            _log.warning("attempt %d failed, next in %.1f s: %s", attempt, wait, error.message)
            draft.retries.append(_retry(prompt.choice, error, wait))
            await asyncio.sleep(wait)
            attempt += 1
        else:
            return


def _too_long(choice: ModelChoice) -> Upstream:
    return Upstream(
        f"{choice.provider} was still writing after {ANSWER_SECONDS_MAX // 60} minutes, and was stopped. "
        "Ask for a shorter answer.",
        kind="timeout",
        provider=choice.provider,
    )


def _wait_before_retry(error: Upstream, attempt: int, limits: Limits) -> float | None:
    """Return how long to wait before the next attempt, or None if there is to be none."""
    if attempt >= ATTEMPTS_MAX or not error.is_retryable:
        return None
    if error.retry_after_seconds is not None:
        return error.retry_after_seconds
    ceiling = min(_WAIT_SECONDS_MAX, limits.retry_base_seconds * 2.0 ** (attempt - 1))
    return ceiling * random.random()  # noqa: S311 - jitter, not a secret


def _attempt(choice: ModelChoice, error: BackboardError | None = None) -> Attempt:
    return Attempt(
        model_provider=choice.provider,
        model_name=choice.model,
        error_code=error.error_code if error else None,
        error=error.message if error else None,
    )


def _retry(choice: ModelChoice, error: BackboardError, waited_seconds: float) -> Retry:
    return Retry(
        model_provider=choice.provider,
        model_name=choice.model,
        error_code=error.error_code,
        error=error.message,
        waited_seconds=round(waited_seconds, 3),
    )


def _fallback(ids: RunIds, draft: Draft) -> events.ModelFallback:
    return events.ModelFallback(
        thread_id=ids.thread_id,
        assistant_id=ids.assistant_id,
        run_id=ids.run_id,
        provider=draft.choice.provider,
        model_name=draft.choice.model,
        failed=draft.attempts[-1],
    )
