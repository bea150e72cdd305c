"""Strikes under a mixed load, in batches; after each everything comes to rest, and nothing may be amiss."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from torture.rig.audit import TERMINAL_SECONDS_MAX, audited
from torture.rig.ledger import Ledger, read
from torture.rig.load import Load, callers_of, held_by, load_of
from torture.rig.oracle import contradictions
from torture.rig.phases import Tally
from torture.rig.stage import Figures, Outcome, Stage

TENANTS = 4
CLIENTS = 24
_STRIKES_A_BATCH = 50
_LOOK_SECONDS = 0.2


async def struck(stage: Stage, name: str, strikes: int, strike: Callable[[], Awaitable[None]]) -> Outcome:
    """Strike so often, let all come to rest, and hold what is there against the acknowledgement log."""
    tally = Tally(stage.vendor)
    callers = await callers_of(stage, name, TENANTS)
    rests: list[float] = []
    flaws: list[str] = []
    with Ledger(stage.terms.folder / f"{name}.ledger") as ledger:
        load = load_of(stage, callers, CLIENTS, ledger, tally)
        async with load.working():
            for first in range(0, strikes, _STRIKES_A_BATCH):
                load.let_go()
                for _ in range(min(_STRIKES_A_BATCH, strikes - first)):
                    await strike()
                flaws += await _at_rest(stage, load, rests)
    held = await held_by(callers)
    flaws += tally.flaws + stage.vendor.refusals + contradictions(read(ledger.path), held)
    figures: Figures = {
        "acknowledged": ledger.acknowledged,
        "messages held": sum(len(messages) for each in held for messages in each.threads.values()),
        "phases hit": dict(tally.phases),
        "counts": dict(tally.counts),
        "server starts": stage.server.starts,
        "slowest rest seconds": max(rests, default=0.0),
    }
    return Outcome(figures | await _takeovers(stage), flaws)


async def _at_rest(stage: Stage, load: Load, rests: list[float]) -> list[str]:
    """Let everything come to rest, and return what is wrong then."""
    await stage.server.ready()
    started = time.monotonic()
    holding = asyncio.create_task(load.hold())
    async with audited(stage.server.folder) as audit:
        while await audit.open_runs() or not holding.done():
            if time.monotonic() - started > TERMINAL_SECONDS_MAX:
                holding.cancel()
                late = await audit.rows(
                    "SELECT id, status FROM runs WHERE status IN ('QUEUED', 'IN_PROGRESS')"
                )
                return [f"not over {TERMINAL_SECONDS_MAX:.0f} s after the last strike: {run}" for run in late]
            await asyncio.sleep(_LOOK_SECONDS)
        rests.append(round(time.monotonic() - started, 1))
        return await audit.flaws()


async def _takeovers(stage: Stage) -> Figures:
    async with audited(stage.server.folder) as audit:
        (counted,) = await audit.rows("SELECT coalesce(sum(takeovers), 0)::integer AS takeovers FROM runs")
    return {"takeovers": counted["takeovers"]}
