"""Calling the model: one retry loop, ours, and only for as long as nothing has been said.

After the first delta an attempt is never repeated, as the client has seen it; what was said is kept.
The policy and its figures: base 0.5 s, doubled, full jitter, at most 3 attempts within one time budget;
a provider's Retry-After is honoured if it fits the budget, and passed on to the client if it does not.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager

from backboard_server.adapters import Adapters, Limits
from backboard_server.domain.errors import Upstream
from backboard_server.domain.events import Event
from backboard_server.domain.prompts import Prompt

from .draft import Draft

ATTEMPTS_MAX = 3
ANSWER_SECONDS_MAX = 1_800
_WAIT_SECONDS_MAX = 8.0

_log = logging.getLogger(__name__)


async def generate(
    adapters: Adapters, prompt: Prompt, draft: Draft, *, streamed: bool
) -> AsyncGenerator[Event]:
    """Let the model write into `draft` and yield the events of it.

    Raises Upstream when the provider failed for good; the draft then holds what was said before.
    """
    deadline = time.monotonic() + adapters.limits.first_token_budget_seconds
    attempt = 1
    while True:
        try:
            # Comments keep a silent stream alive, but not for ever.
            async with (
                _bounded(prompt.choice.provider),
                aclosing(adapters.models.stream(prompt, streamed=streamed)) as deltas,
            ):
                async for delta in deltas:
                    for event in draft.add(delta):
                        yield event
        except Upstream as error:
            wait = _wait_before_retry(error, attempt, adapters.limits)
            if wait is None or not draft.is_empty or time.monotonic() + wait > deadline:
                raise
            _log.warning("attempt %d failed, next in %.1f s: %s", attempt, wait, error.message)
            await asyncio.sleep(wait)
            attempt += 1
        else:
            return


@asynccontextmanager
async def _bounded(provider: str) -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            yield
    except TimeoutError:
        raise Upstream(
            f"{provider} was still writing after {ANSWER_SECONDS_MAX // 60} minutes, and was stopped. "
            "Ask for a shorter answer.",
            kind="timeout",
            provider=provider,
        ) from None


def _wait_before_retry(error: Upstream, attempt: int, limits: Limits) -> float | None:
    """Return how long to wait before the next attempt, or None if there is to be none."""
    if attempt >= ATTEMPTS_MAX or not error.is_retryable:
        return None
    if error.retry_after_seconds is not None:
        return error.retry_after_seconds
    ceiling = min(_WAIT_SECONDS_MAX, limits.retry_base_seconds * 2.0 ** (attempt - 1))
    return ceiling * random.random()  # noqa: S311 - jitter, not a secret
