"""The queue of a thread: a run that comes while another is under way waits, and takes its turn."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from msgspec.structs import asdict, replace

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import BackboardError, Cancelled, TakenOver, Unavailable
from backboard_server.store.runs import QueuedAnswer, StartQueued, find_state, start_queued

from .finish import OpenRun
from .journal import LEASE_SECONDS
from .opening import QueuedRun, turn_limits

ASK_SECONDS = 0.15
TOOLS_WAIT_SECONDS = 30.0
"""How long the outputs of tools may take while a message waits behind the run that needs them."""


async def its_turn(adapters: Adapters, queued: QueuedRun) -> OpenRun:
    """Wait until the runs before it are over, and return the run opened.

    Raises Cancelled where it was cancelled while it waited, TakenOver where another process has it.
    """
    limits = turn_limits(adapters, adapters.models.facts(queued.choice))
    request = StartQueued(
        **asdict(limits),
        thread_id=UUID(queued.ids.thread_id),
        run_id=queued.run_id,
        epoch=queued.epoch,
        lease_seconds=LEASE_SECONDS,
        tools_wait_seconds=TOOLS_WAIT_SECONDS,
    )
    while True:
        try:
            turn = await start_queued(adapters.database, queued.caller.tenant_id, request)
        except Unavailable:
            await asyncio.sleep(ASK_SECONDS)  # it waits in any case
            continue
        if not isinstance(turn, QueuedAnswer):
            clock = queued.clock.after_queue(time.monotonic())
            return await replace(queued, clock=clock).opened(adapters, turn)
        if turn.ended:
            raise await _ended(adapters, queued)
        await asyncio.sleep(ASK_SECONDS)


async def _ended(adapters: Adapters, queued: QueuedRun) -> BackboardError:
    state = await find_state(adapters.database, queued.caller.tenant_id, queued.run_id)
    if state is not None and state.status == "CANCELLED":
        return Cancelled("The run was cancelled while it waited.")
    return TakenOver("The run goes on in another process, or is gone.")
