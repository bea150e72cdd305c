"""Asking until there is an answer, as a client may that has a key, or that hands in outputs of tools."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from .following import Refused
from .wire import Answer, Broken, Caller

FAILURES = frozenset({"run_interrupted", "server_stopped"})  # a run may end so when its process is killed
_PATIENCE_SECONDS = 90.0
_PAUSE_SECONDS = 0.1
_AWAY = 503


def failure_in(answer: Answer) -> str | None:
    """Return why the run ended, where an answer tells that its process was killed."""
    code: str | None = None if answer.status == 200 else answer.json().get("code")
    return code if code in FAILURES else None


async def insist(
    caller: Caller,
    path: str,
    body: Any,
    key: str | None = None,
    *,
    on_break: Callable[[Broken], None] | None = None,
) -> Answer:
    """POST until there is an answer of the run, good or bad, and return it.

    `on_break` is called after each break, and may raise it. Raises Refused for what no kill explains, and
    TimeoutError.
    """
    headers = {"idempotency_key": key} if key else {}
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            answer = await caller.ask("POST", path, body, **headers)
        except Broken as broken:
            if on_break is not None:
                on_break(broken)
        else:
            if answer.status == 200 or failure_in(answer):
                return answer
            if answer.status != _AWAY:
                raise Refused(answer.status, answer.body)
            if on_break is not None:
                on_break(Broken("the server is away", is_unsent=True))
        await asyncio.sleep(_PAUSE_SECONDS)
    raise TimeoutError
