"""Kills: `kill -9` of web processes, the worker, the server and the whole machine, under a mixed load."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter

from torture.rig.server import Server, send
from torture.rig.stage import Figures, Outcome, Stage

from .under_load import struck

KILLS = 500
_PAUSES_SECONDS = (0.1, 0.9)
_VICTIMS = {"web": 65, "worker": 13, "server": 17, "machine": 5}
_WORKERS_KILLED_MAX = 4  # of one server: it waits longer after each, and gives up in the end
_RESPAWN_SECONDS_MAX = 10.0
_LOOK_SECONDS = 0.05


async def run(stage: Stage) -> Outcome:
    """Kill, and nothing that was acknowledged is lost, nothing is invented or doubled, and every run ends."""
    kills = stage.terms.count(KILLS, least=4)
    killer = Killer(stage.server, stage.terms.chance("kills"))
    outcome = await struck(stage, "kills", kills, killer.strike)
    figures: Figures = {"kills": kills, "victims": dict(killer.victims)}
    return Outcome(figures | outcome.figures, outcome.violations)


class Killer:
    """Kills one process after the other; `victims` counts them."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        """What it kills, and when, comes from `chance`."""
        self.victims: Counter[str] = Counter()
        self._server = server
        self._chance = chance
        self._workers_of_start: Counter[int] = Counter()

    async def strike(self) -> None:
        """Wait a moment, then kill something that is there."""
        await asyncio.sleep(self._chance.uniform(*_PAUSES_SECONDS))
        (victim,) = self._chance.choices(list(_VICTIMS), list(_VICTIMS.values()))
        if victim == "web" and not await self._kill_web():
            victim = "server"
        if victim == "worker" and not self._kill_worker():
            victim = "server"
        if victim in ("server", "machine"):
            await self._server.ready()
            await asyncio.sleep(self._chance.uniform(*_PAUSES_SECONDS))
            (self._server.kill_whole if victim == "server" else self._server.kill_all)()
        self.victims[victim] += 1

    async def _kill_web(self) -> bool:
        """Kill the oldest web process: a server that loses the youngest takes that for a loop, and ends."""
        deadline = time.monotonic() + _RESPAWN_SECONDS_MAX
        while time.monotonic() < deadline:
            await self._server.ready()
            oldest, *others = sorted(self._server.web()) or [0]
            if others:
                return send(oldest, signal.SIGKILL)
            await asyncio.sleep(_LOOK_SECONDS)
        return False

    def _kill_worker(self) -> bool:
        start = self._server.starts
        if self._workers_of_start[start] >= _WORKERS_KILLED_MAX:
            return False
        self._workers_of_start[start] += 1
        return any(send(pid, signal.SIGKILL) for pid in self._server.workers())
