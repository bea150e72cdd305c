"""Cancelling a run, wherever it is: when this returns, nothing more is said or stored of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from uuid import UUID

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Cancelled, Conflict
from backboard_server.domain.runs import RunStatus
from backboard_server.store import runs
from backboard_server.store.runs import find_state, take_over_run

from .journal import LEASE_SECONDS
from .live import LiveRuns
from .recover import begun_again, opened_again
from .salvage import salvage

PATIENCE_SECONDS = 1.5  # with the process that has the run; then it is taken from it
_ASK_SECONDS = 0.03


async def cancel(
    adapters: Adapters, live: LiveRuns, tenant_id: UUID, thread_id: UUID, run_id: UUID
) -> RunStatus:
    """Cancel a run and return how it has ended: CANCELLED, or as it had before. Raises NotFound."""
    status = await runs.cancel_run(adapters.database, tenant_id, thread_id, run_id)
    if status != "IN_PROGRESS":
        return status
    here = live.find(run_id)
    if here is not None:
        here.stop("cancelled")
    ended = await _end(adapters, tenant_id, run_id)
    if ended == "REQUIRES_ACTION":  # it came to wait for the application at the same moment
        return await runs.cancel_run(adapters.database, tenant_id, thread_id, run_id)
    return ended or await _end_in_its_place(adapters, tenant_id, run_id)


async def _end(adapters: Adapters, tenant_id: UUID, run_id: UUID) -> RunStatus | None:
    """Wait until the process that has the run has ended it; None if it takes too long."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_SECONDS
    while asyncio.get_running_loop().time() < deadline:
        state = await find_state(adapters.database, tenant_id, run_id)
        if state is None:
            return "CANCELLED"  # its thread was deleted meanwhile
        if state.status != "IN_PROGRESS":
            return state.status
        await asyncio.sleep(_ASK_SECONDS)
    return None


async def _end_in_its_place(adapters: Adapters, tenant_id: UUID, run_id: UUID) -> RunStatus:
    held = await take_over_run(adapters.database, tenant_id, run_id, LEASE_SECONDS)
    if held is not None:
        run = await opened_again(adapters, await begun_again(adapters, held))
        with suppress(Conflict):  # it may come to its end at the same moment
            await salvage(adapters, run, held, Cancelled("The run was cancelled."))
    state = await find_state(adapters.database, tenant_id, run_id)
    return state.status if state is not None else "CANCELLED"
