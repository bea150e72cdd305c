"""Cuts: streams break at random bytes, and servers die meanwhile; what readers put together is the log.

Most readers are plain clients, some are the SDK, and some runs have several readers at once.
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter

from torture.rig.audit import audited
from torture.rig.events import Collected, differences
from torture.rig.figures import percentile
from torture.rig.following import Beginning, Pursuit, Refused
from torture.rig.proxy import LOSE_REQUEST, Proxy
from torture.rig.sayings import Question
from torture.rig.sdk_reader import GaveUp, read_by_sdk
from torture.rig.server import Server, send
from torture.rig.stage import Figures, Outcome, Stage
from torture.rig.wire import Broken, Caller

STREAMS = 5_000
_STREAMS_A_WAVE = 25
_CUTS_MAX = 20
_CUT_BYTES_MAX = (600, 1_800, 12_000)  # a reader that is left alone for long is ahead of the log
_SDK_CUT_BYTES = (900, 3_000)
_SDK_CUT_BYTES_FOURTH = 16_000  # it gives up after five tries without an event, and an end is a long one
_WAVES_WITH_A_KILL = 0.1
_OF_THE_SDK = 0.1
_WITH_MORE_READERS = 0.2
_BEGIN_SECONDS_MAX = 1.0
_KILL_SECONDS = (0.2, 1.6)


async def run(stage: Stage) -> Outcome:
    """Cut every stream up to twenty times; each reader has the whole log in the end, in order, and once."""
    streams = stage.terms.count(STREAMS, least=_STREAMS_A_WAVE)
    chance = stage.terms.chance("cuts")
    async with Proxy(stage.server.port) as proxy:
        direct = await stage.caller("cuts")
        cutting = _Cutting(stage, direct, Caller(proxy.port, direct.key), chance)
        waves = -(-streams // _STREAMS_A_WAVE)
        for wave in range(waves):
            await cutting.wave(wave, min(_STREAMS_A_WAVE, streams - wave * _STREAMS_A_WAVE), waves)
        cuts = proxy.cuts
    async with audited(stage.server.folder) as audit:
        cutting.flaws += await audit.flaws()
    figures: Figures = {
        "streams": streams,
        "cuts": cuts,
        "counts": dict(cutting.counts),
        "p95 of the first byte after a cut in seconds": percentile(cutting.resume_seconds, 95),
    }
    return Outcome(figures, cutting.flaws + stage.vendor.refusals)


class _Cutting:
    """Waves of streams; `counts` are of whatever happened to them."""

    def __init__(self, stage: Stage, direct: Caller, through_proxy: Caller, chance: random.Random) -> None:
        self.counts: Counter[str] = Counter()
        self.flaws: list[str] = []
        self.resume_seconds: list[float] = []
        self._stage = stage
        self._direct = direct
        self._through_proxy = through_proxy
        self._chance = chance
        self._read: list[tuple[Question, list[Collected]]] = []

    async def wave(self, number: int, streams: int, waves: int) -> None:
        """Have so many streams at once; in some waves, the first in any case, the server is killed."""
        is_deadly = self._chance.random() < _WAVES_WITH_A_KILL or waves == 1
        readings = [self._stream(f"q-cut-{number}-{place}", is_deadly) for place in range(streams)]
        killing = [_kill(self._stage.server, self._chance)] if is_deadly else []
        self.counts["streams with a kill"] += streams * is_deadly
        await asyncio.gather(*readings, *killing)
        for question, readers in self._read:
            await self._compare(question, readers)
        self._read.clear()

    async def _stream(self, nonce: str, is_deadly: bool) -> None:
        chance = random.Random(f"{self._stage.terms.seed}:{nonce}")
        question = Question(
            nonce=nonce,
            words=chance.randint(1, 80),
            first_milliseconds=chance.choice((0, 0, 100, 400)),
            pace_milliseconds=chance.choice((0, 1, 5, 20, 40)),
        )
        body = {"content": question.text, "stream": True}
        beginning = Beginning("/threads/messages", body, nonce)
        await asyncio.sleep(chance.uniform(0, _BEGIN_SECONDS_MAX))
        try:
            if chance.random() < _OF_THE_SDK:
                self.counts["read by the SDK"] += 1
                readers = [await read_by_sdk(self._through_proxy, question.text, _sdk_cuts(chance))]
            else:
                readers = await self._pursue(beginning, chance)
            self._read.append((question, readers))
        except GaveUp as reason:
            self.counts["given up by the SDK"] += 1
            if not is_deadly:
                self.flaws.append(f"{nonce}: the SDK gave up: {reason}")
        except (Refused, Broken, TimeoutError) as error:
            self.flaws.append(f"{nonce}: {type(error).__name__} {error}")

    async def _pursue(self, beginning: Beginning, chance: random.Random) -> list[Collected]:
        """Read a run through cuts, and perhaps have others read it too."""
        ready = self._stage.server.ready  # a cut is not wasted on a server that is not there
        first = Pursuit(self._through_proxy, chance, beginning, cuts=_cuts(chance), on_break=ready)
        reading = asyncio.create_task(first.to_the_end())
        others: list[Pursuit] = []
        if chance.random() < _WITH_MORE_READERS:
            await asyncio.wait({reading}, timeout=chance.uniform(0, 0.5))
            if first.thread_id and first.run_id:
                place = (first.thread_id, first.run_id)
                others = [
                    Pursuit.of_run(self._through_proxy, chance, *place, cuts=_cuts(chance), on_break=ready)
                    for _ in range(chance.randint(1, 3))
                ]
        read = await asyncio.gather(reading, *(pursuit.to_the_end() for pursuit in others))
        self.counts["further readers"] += len(others)
        for pursuit in (first, *others):
            self.resume_seconds += pursuit.resume_seconds
            self.counts["resyncs"] += pursuit.collected.resyncs
        return read

    async def _compare(self, question: Question, readers: list[Collected]) -> None:
        """Hold what was read against the log, and the log against the message that is stored."""
        end = readers[0].events[-1]
        thread_id, run_id = end.fields["thread_id"], end.fields["run_id"]
        log = await Pursuit.of_run(self._direct, self._chance, thread_id, run_id).to_the_end()
        self.counts[log.events[-1].type] += 1
        answer = await self._direct.ask("GET", f"/threads/{thread_id}")
        stored: str = answer.json()["messages"][-1]["content"]
        for reader in readers:
            self.flaws += [f"{question.nonce}: {flaw}" for flaw in (*reader.flaws, *differences(reader, log))]
        if log.content != stored:
            self.flaws.append(f"{question.nonce}: the log says {log.content!r}, the message {stored!r}")
        due = question.answer()
        if stored != due if log.events[-1].type == "run_ended" else not due.startswith(stored):
            self.flaws.append(f"{question.nonce}: {stored!r} is stored, and {due!r} was said")


def _cuts(chance: random.Random) -> list[int]:
    bytes_max = chance.choice(_CUT_BYTES_MAX)
    return [chance.randint(LOSE_REQUEST, bytes_max) for _ in range(chance.randint(1, _CUTS_MAX))]


def _sdk_cuts(chance: random.Random) -> list[int]:
    """Return where its connections break; not all of them in a row before a long event is through."""
    cuts = [chance.randint(*_SDK_CUT_BYTES) for _ in range(chance.randint(1, _CUTS_MAX))]
    cuts[3::4] = [_SDK_CUT_BYTES_FOURTH for _ in cuts[3::4]]
    return cuts


async def _kill(server: Server, chance: random.Random) -> None:
    """Kill a web process, or the server; when the wave is over it is ready again."""
    await asyncio.sleep(chance.uniform(*_KILL_SECONDS))
    web = server.web()
    if chance.random() < 0.5 and len(web) == server.plan.web_processes:
        send(chance.choice(web), signal.SIGKILL)
    else:
        server.kill_whole()
    await server.whole()
