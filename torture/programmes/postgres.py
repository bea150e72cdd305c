"""Postgres: `kill -9` of the embedded database under a mixed load; it is ready again within ten seconds."""

from __future__ import annotations

import asyncio
import random
import signal
import time

from torture.rig.server import Server, answers, send, until
from torture.rig.stage import Figures, Outcome, Stage

from .under_load import struck

KILLS = 50
READY_SECONDS_MAX = 10.0
_PAUSES_SECONDS = (0.5, 2.0)


async def run(stage: Stage) -> Outcome:
    """Kill Postgres; nothing is lost, invented or doubled, every run ends, and it is back in time."""
    kills = stage.terms.count(KILLS, least=2)
    killer = _Killer(stage.server, stage.terms.chance("postgres"))
    outcome = await struck(stage, "postgres", kills, killer.strike)
    late = [seconds for seconds in killer.seconds if seconds > READY_SECONDS_MAX]
    flaws = [f"the server was ready {seconds:.1f} s after Postgres was killed" for seconds in late]
    figures: Figures = {"kills": kills, "slowest ready seconds": round(max(killer.seconds), 1)}
    return Outcome(figures | outcome.figures, flaws + outcome.violations)


class _Killer:
    """Kills Postgres again and again; `seconds` are how long each time the server was not ready."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self.seconds: list[float] = []
        self._server = server
        self._chance = chance

    async def strike(self) -> None:
        """Wait a moment, kill Postgres, and wait until it is back."""
        await asyncio.sleep(self._chance.uniform(*_PAUSES_SECONDS))
        victim = self._server.postgres()
        send(victim, signal.SIGKILL)
        started = time.monotonic()
        await until(lambda: self._is_back(victim))
        self.seconds.append(time.monotonic() - started)

    async def _is_back(self, victim: int) -> bool:
        try:
            return self._server.postgres() != victim and await answers(self._server.port)
        except (FileNotFoundError, ValueError):
            return False
