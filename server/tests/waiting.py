"""Waiting for a condition that somebody else brings about, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from backboard_server.store.database import Connection

_DEADLINE_SECONDS = 30.0


async def wait_until(holds: Callable[[], bool | Awaitable[bool]]) -> None:
    """Ask until `holds` says yes. Raises TimeoutError."""
    async with asyncio.timeout(_DEADLINE_SECONDS):
        while not await _answered(holds()):  # noqa: ASYNC110 - it happens elsewhere, where no event of ours is set
            await asyncio.sleep(0.01)


async def wait_until_blocked(owner: Connection) -> None:
    """Wait until a statement waits for a lock."""
    await wait_until(lambda: owner.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))


async def _answered(answer: bool | Awaitable[bool]) -> bool:
    return answer if isinstance(answer, bool) else await answer
