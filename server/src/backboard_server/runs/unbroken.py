"""Work that is not to be broken off half-way: what is being stored is stored, whoever wants to stop it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


async def unbroken(work: Coroutine[Any, Any, Result]) -> tuple[Result, bool]:
    """Do the work to its end, and return what it gives, and whether the task was to be cancelled meanwhile.

    A write that is broken off may have happened or not, and nobody would know which. The work is bounded in
    time by itself. Raises what it raises.
    """
    task = asyncio.ensure_future(work)
    is_stopped = False
    while True:
        try:
            return await asyncio.shield(task), is_stopped
        except asyncio.CancelledError:
            if task.done():
                raise
            is_stopped = True
