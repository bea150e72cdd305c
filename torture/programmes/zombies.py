"""Zombies: web processes that are stopped past the lease of their runs, and go on when others have these.

Once a run has been taken over, the process that had it before writes nothing of it any more.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from typing import Any

from torture.rig.audit import Audit, audited
from torture.rig.events import Collected, differences
from torture.rig.following import Beginning, Pursuit, Refused
from torture.rig.processes import line_to
from torture.rig.sayings import Question
from torture.rig.server import send, until
from torture.rig.stage import Figures, Outcome, Stage
from torture.rig.wire import Broken, Caller, Request

TAKEOVERS = 200
_RUNS_A_ROUND = 30
_ROUNDS_MAX = 60
_CANCELLED_MEANWHILE = 3
_WARM_UP_SECONDS = (0.5, 2.0)
_STOPPED_SECONDS_MAX = 30.0
_GOES_ON_SECONDS = 3.0
_LOOK_SECONDS = 0.1
_TENANT = "zombies"

# All that there is of each run; what a client is told of it follows from this.
_RUNS = """
    SELECT r.id::text AS run_id, r.thread_id::text AS thread_id, r.status, r.epoch, r.takeovers,
           r.logged_through,
           (SELECT string_agg(concat_ws(' ', e.first_sequence, e.last_sequence, e.events), '|'
                              ORDER BY e.last_sequence)
            FROM run_events AS e WHERE e.run_id = r.id) AS log,
           (SELECT string_agg(concat_ws(' ', m.id, m.sequence, m.role, m.status, m.content), '|'
                              ORDER BY m.sequence)
            FROM messages AS m WHERE m.run_id = r.id) AS messages
    FROM runs AS r
"""

Run = dict[str, Any]


async def run(stage: Stage) -> Outcome:
    """Stop web processes until so many runs were taken over, and let each go on afterwards."""
    takeovers = stage.terms.count(TAKEOVERS, least=5)
    haunting = _Haunting(stage, await stage.caller(_TENANT))
    rounds = 0
    while haunting.counts["takeovers"] < takeovers and rounds < _ROUNDS_MAX:
        await haunting.round(rounds)
        rounds += 1
    if haunting.counts["takeovers"] < takeovers:
        haunting.flaws.append(f"only {haunting.counts['takeovers']} runs were taken over in {rounds} rounds")
    figures: Figures = {"rounds": rounds, "counts": dict(haunting.counts)}
    return Outcome(figures, haunting.flaws + stage.vendor.refusals)


class _Haunting:
    """Rounds: a web process is stopped with its runs, loses them, and goes on."""

    def __init__(self, stage: Stage, caller: Caller) -> None:
        self.counts: Counter[str] = Counter()
        self.flaws: list[str] = []
        self._stage = stage
        self._caller = caller
        self._chance = stage.terms.chance("zombies")

    async def round(self, number: int) -> None:
        """Begin runs, stop a web process, wait until its runs are others', let it go on, and compare."""
        server = self._stage.server
        await server.whole()
        nonces = [f"q-zombie-{number}-{place}" for place in range(_RUNS_A_ROUND)]
        asking = [asyncio.create_task(self._ask(nonce)) for nonce in nonces]
        await asyncio.sleep(self._chance.uniform(*_WARM_UP_SECONDS))
        async with audited(server.folder) as audit:
            known = {run_id for run_id, run in (await _runs(audit)).items() if run["status"] == "COMPLETED"}
            victim, *others = self._chance.sample(server.web(), len(server.web()))
            send(victim, signal.SIGSTOP)
            try:
                await self._cancel_some(audit, others)
                before = await self._taken_over(audit)
            finally:
                send(victim, signal.SIGCONT)
            await asyncio.sleep(_GOES_ON_SECONDS)
            self._compare({id_: run for id_, run in before.items() if id_ not in known}, await _runs(audit))
            await asyncio.gather(*asking)
            if await audit.settled_seconds() is None:
                self.flaws.append(f"{await audit.open_runs()} runs are open at the end of round {number}")
            self.flaws += await audit.flaws()

    async def _cancel_some(self, audit: Audit, others: list[int]) -> None:
        """Cancel some runs through processes that go on: the stopped one loses its own of them at once."""
        runs = [run for run in (await _runs(audit)).values() if run["status"] == "IN_PROGRESS"]
        chosen = self._chance.sample(runs, min(_CANCELLED_MEANWHILE, len(runs)))
        await asyncio.gather(*(self._cancel(run, others) for run in chosen))

    async def _cancel(self, run: Run, others: list[int]) -> None:
        line = await line_to(self._caller.port, others)
        try:
            path = f"/threads/{run['thread_id']}/runs/{run['run_id']}/cancel"
            asked = await line.ask(Request(method="POST", path=path), self._caller.key)
            body = b"".join([piece async for piece in asked.pieces()])
            self.counts["cancelled meanwhile"] += b'"cancelled":true' in body
            if asked.status != 200:
                self.flaws.append(f"a cancel was answered with {asked.status} {body[:300]!r}")
        finally:
            line.break_off()

    async def _taken_over(self, audit: Audit) -> dict[str, Run]:
        """Wait until every run is over, or another process's, and return all runs as they are then."""
        since = time.monotonic()

        async def is_so() -> bool:
            query = "SELECT FROM runs WHERE status IN ('QUEUED', 'IN_PROGRESS') AND takeovers = 0"
            return not await audit.rows(query) or time.monotonic() - since > _STOPPED_SECONDS_MAX

        await until(is_so, _LOOK_SECONDS)
        return await _runs(audit)

    def _compare(self, before: dict[str, Run], after: dict[str, Run]) -> None:
        """What was over is as it was, and no run has gone back to an epoch before."""
        for run_id, was in before.items():
            now = after[run_id]
            self.counts["takeovers"] += was["takeovers"] > 0
            if was["status"] not in ("QUEUED", "IN_PROGRESS") and now != was:
                self.flaws.append(f"run {run_id} was changed after its end: {was} and {now}")
            if was["takeovers"]:
                self.counts[f"taken over, {now['status'].lower()} in the end"] += 1
            if now["epoch"] < was["epoch"]:
                self.flaws.append(f"run {run_id} went from epoch {was['epoch']} to {now['epoch']}")

    async def _ask(self, nonce: str) -> None:
        """Ask and follow the answer, from whoever has the run; what was read must be the log."""
        chance = random.Random(f"{self._stage.terms.seed}:{nonce}")
        question = Question(
            nonce=nonce,
            words=chance.randint(5, 80),
            first_milliseconds=chance.choice((0, 200, 1_500, 3_000)),
            pace_milliseconds=chance.choice((20, 50)),
        )
        beginning = Beginning("/threads/messages", {"content": question.text, "stream": True}, nonce)
        pursuit = Pursuit(self._caller, chance, beginning)
        try:
            read = await pursuit.to_the_end()
            await self._look_at(question, read)
        except (Refused, Broken, TimeoutError) as error:
            self.flaws.append(f"{nonce}: {type(error).__name__} {error}")

    async def _look_at(self, question: Question, read: Collected) -> None:
        end = read.events[-1]
        thread_id, run_id = end.fields["thread_id"], end.fields["run_id"]
        log = await Pursuit.of_run(self._caller, self._chance, thread_id, run_id).to_the_end()
        thread = (await self._caller.ask("GET", f"/threads/{thread_id}")).json()
        stored: str = thread["messages"][-1]["content"]
        self.counts["resyncs"] += read.resyncs
        self.flaws += [f"{question.nonce}: {flaw}" for flaw in (*read.flaws, *differences(read, log))]
        due = question.answer()
        is_whole = end.type == "run_ended"
        if log.content != stored or (stored != due if is_whole else not due.startswith(stored)):
            self.flaws.append(f"{question.nonce}: stored {stored!r}, log {log.content!r}, due {due!r}")


async def _runs(audit: Audit) -> dict[str, Run]:
    return {run["run_id"]: run for run in await audit.of_tenant(_TENANT, _RUNS)}
