"""Cancels at random points, from the process that has the run and from another one.

Once a cancel is answered, nothing more of its run is stored, no tool starts, and the vendor is hung up on.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, Literal

from msgspec import Struct

from fake_mcp import FakeMcp, FakeTool, Reply
from torture.rig.audit import Audit, audited
from torture.rig.clients import TOOL
from torture.rig.events import Decoder
from torture.rig.figures import percentile
from torture.rig.following import Pursuit
from torture.rig.oracle import note
from torture.rig.processes import line_to, process_of
from torture.rig.sayings import Question
from torture.rig.stage import Figures, Outcome, Stage
from torture.rig.wire import Broken, Caller, Line, Request

CANCELS = 1_000
STORED_SECONDS_MAX = 0.5  # p99, from the answer to the last event that is stored
HUNG_UP_SECONDS_MAX = 1.0
_CANCELS_A_WAVE = 20
_BEGIN_SECONDS_MAX = 2.0
_WATCH_SECONDS = 1.5
_TOOL_SECONDS = 3.0

Point = Literal["answer", "application's tool", "server's tool", "queue"]
_POINTS: dict[Point, int] = {"answer": 70, "application's tool": 6, "server's tool": 14, "queue": 10}
_SCHEMA = {"type": "object", "properties": {"of": {"type": "string"}}, "required": ["of"]}


async def run(stage: Stage) -> Outcome:
    """Cancel so many runs, and watch each of them for a while after the answer."""
    cancels = stage.terms.count(CANCELS, least=_CANCELS_A_WAVE)
    caller = await stage.caller("cancels")
    await stage.server.whole()
    async with FakeMcp(tools=(FakeTool("change", "Change.", _SCHEMA),)) as mcp:
        mcp.script(Reply(after_seconds=_TOOL_SECONDS))
        cancelling = _Cancelling(stage, caller, mcp)
        for first in range(0, cancels, _CANCELS_A_WAVE):
            await cancelling.wave(first, min(_CANCELS_A_WAVE, cancels - first))
    late = percentile(cancelling.stored_after, 99)
    if late > STORED_SECONDS_MAX:
        cancelling.flaws.append(f"the last event was stored {late} s after the answer (p99)")
    figures: Figures = {
        "cancels": cancels,
        "counts": dict(cancelling.counts),
        "p99 of seconds from the answer to the last event stored": late,
        "p50 of seconds to the answer": {
            point: percentile(seconds, 50) for point, seconds in cancelling.answered_after.items()
        },
        "p99 of seconds to the answer": {
            point: percentile(seconds, 99) for point, seconds in cancelling.answered_after.items()
        },
        "slowest hang-up in seconds": round(max(cancelling.hung_up_after, default=0.0), 3),
    }
    return Outcome(figures, cancelling.flaws + stage.vendor.refusals)


class _Cancelled(Struct, frozen=True, kw_only=True):
    """A run that was cancelled: what the answer said, when it came, and what there was of the run then."""

    nonce: str
    thread_id: str
    run_id: str
    is_cancelled: bool
    answered_at: float
    executions: int
    state: dict[str, Any]


class _Cancelling:
    """Waves of cancels; `counts`, `flaws` and the seconds are of all of them."""

    def __init__(self, stage: Stage, caller: Caller, mcp: FakeMcp) -> None:
        self.counts: Counter[str] = Counter()
        self.flaws: list[str] = []
        self.answered_after: dict[str, list[float]] = defaultdict(list)
        self.stored_after: list[float] = []
        self.hung_up_after: list[float] = []
        self._stage = stage
        self._caller = caller
        self._mcp = mcp

    async def wave(self, first: int, cancels: int) -> None:
        """Begin so many runs at once, cancel each, and compare what there is of them after a while."""
        nonces = [f"q-cancel-{first + place}" for place in range(cancels)]
        found = await asyncio.gather(*(self._cancel(nonce) for nonce in nonces))
        await asyncio.sleep(_WATCH_SECONDS)
        cancelled = [each for each in found if each is not None]
        for each in cancelled:
            state = await self._state(each.thread_id, each.run_id)
            self.flaws += [f"{each.nonce}: {flaw}" for flaw in self._after(each, state)]
        async with audited(self._stage.server.folder) as audit:
            self.flaws += await audit.flaws()
            self.stored_after += [await _stored_after(audit, each) for each in cancelled if each.is_cancelled]

    async def _cancel(self, nonce: str) -> _Cancelled | None:
        chance = random.Random(f"{self._stage.terms.seed}:{nonce}")
        (point,) = chance.choices(list(_POINTS), list(_POINTS.values()))
        question = _question(nonce, point, chance)
        await asyncio.sleep(chance.uniform(0, _BEGIN_SECONDS_MAX))
        web = self._stage.server.web()
        line = await line_to(self._caller.port, web)
        try:
            owner = process_of(self._caller.port, line.local_port, web)
            run = await self._begun(line, question, point)
            reading = asyncio.create_task(_read_on(run.pieces))
            await asyncio.sleep(_moment(question, chance))
            cancelled = await self._cancelled(run, nonce, point, owner, is_elsewhere=chance.random() < 0.5)
            await asyncio.wait_for(reading, 30)
            return cancelled
        except (Broken, TimeoutError) as error:
            self.flaws.append(f"{nonce} ({point}): {type(error).__name__} {error}")
            return None
        finally:
            line.break_off()

    async def _begun(self, line: Line, question: Question, point: Point) -> _Begun:
        """Ask, and return the run as soon as it is stored; one that is to wait has another one before it."""
        body: dict[str, Any] = {"content": question.text, "stream": True}
        if point == "application's tool":
            body["tools"] = [TOOL]
        elif point == "server's tool":
            body["mcp_servers"] = [{"name": "world", "url": self._mcp.url}]
        elif point == "queue":
            body["thread_id"] = await self._busy_thread(question.nonce)
        request = Request(method="POST", path="/threads/messages", body=body)
        pieces = (await line.ask(request, self._caller.key)).pieces()
        decoder = Decoder()
        async for piece in pieces:
            for event in decoder.feed(piece):
                return _Begun(event.fields["thread_id"], event.fields["run_id"], pieces)
        raise Broken("the stream ended before its first event")

    async def _busy_thread(self, nonce: str) -> str:
        """Return a thread whose run takes some seconds."""
        question = Question(nonce=f"{nonce}-before", words=40, pace_milliseconds=100)
        body = {"content": question.text, "stream": True}
        async with self._caller.asked(Request(method="POST", path="/threads/messages", body=body)) as asked:
            decoder = Decoder()
            async for piece in asked.pieces():
                for event in decoder.feed(piece):
                    return event.fields["thread_id"]
        raise Broken("the stream ended before its first event")

    async def _cancelled(
        self, run: _Begun, nonce: str, point: Point, owner: int | None, *, is_elsewhere: bool
    ) -> _Cancelled:
        web = self._stage.server.web()
        wanted = [pid for pid in web if (pid != owner) == is_elsewhere]
        line = await line_to(self._caller.port, wanted)
        path = f"/threads/{run.thread_id}/runs/{run.run_id}/cancel"
        try:
            started = time.monotonic()
            asked = await line.ask(Request(method="POST", path=path), self._caller.key)
            body = b"".join([piece async for piece in asked.pieces()])
            answered_at = time.time()
            self.answered_after[point].append(time.monotonic() - started)
        finally:
            line.break_off()
        executions = self._executions(run.run_id)
        again = await self._caller.ask("POST", path)
        if asked.status != 200 or again.body != body:
            self.flaws.append(f"{nonce}: {asked.status} {body[:300]!r}, and again {again.body[:300]!r}")
        is_cancelled = b'"cancelled":true' in body
        self.counts[f"{point}, {'from elsewhere' if is_elsewhere else 'from its own process'}"] += 1
        self.counts["cancelled" if is_cancelled else "over before"] += 1
        return _Cancelled(
            nonce=nonce,
            thread_id=run.thread_id,
            run_id=run.run_id,
            is_cancelled=is_cancelled,
            answered_at=answered_at,
            executions=executions,
            state=await self._state(run.thread_id, run.run_id),
        )

    async def _state(self, thread_id: str, run_id: str) -> dict[str, Any]:
        """Return all that there is of a run: itself, its log, and the messages of its thread that are its."""
        run = (await self._caller.ask("GET", f"/threads/{thread_id}/runs/{run_id}")).json()
        thread = (await self._caller.ask("GET", f"/threads/{thread_id}")).json()
        log = await Pursuit.of_run(self._caller, random.Random(run_id), thread_id, run_id).to_the_end()
        own = [message for message in thread["messages"] if note(message, "run_id") == run_id]
        return {"run": run, "log": [(event.id, event.fields) for event in log.events], "messages": own}

    def _after(self, cancelled: _Cancelled, state: dict[str, Any]) -> Iterator[str]:
        """Yield what has happened after the answer, and what the answer should not have said."""
        for name, before in cancelled.state.items():
            if state[name] != before:
                yield f"after the answer its {name} went from {before!r} to {state[name]!r}"
        if (state["run"]["status"] == "CANCELLED") != cancelled.is_cancelled:
            yield f"the answer was cancelled={cancelled.is_cancelled}, the run is {state['run']['status']}"
        if self._executions(cancelled.run_id) != cancelled.executions:
            yield "a tool was started after the answer"
        speech = self._stage.vendor.speeches.get(cancelled.nonce)
        if speech is None or speech.state == "said" or not cancelled.is_cancelled:
            return
        if speech.left_at is None:
            yield f"the vendor was not hung up on within {_WATCH_SECONDS} s"
            return
        self.hung_up_after.append(speech.left_at - cancelled.answered_at)
        if self.hung_up_after[-1] > HUNG_UP_SECONDS_MAX:
            yield f"the vendor was hung up on {self.hung_up_after[-1]:.2f} s after the answer"

    def _executions(self, run_id: str) -> int:
        return sum(times for key, times in self._mcp.executions.items() if key and key.startswith(run_id))


class _Begun(Struct, frozen=True):
    """A run that has begun, and the rest of its stream."""

    thread_id: str
    run_id: str
    pieces: Any


def _question(nonce: str, point: Point, chance: random.Random) -> Question:
    calls: dict[Point, tuple[str, ...]] = {
        "application's tool": ("ask_application",),
        "server's tool": ("change",),
    }
    return Question(
        nonce=nonce,
        words=chance.randint(5, 60),
        first_milliseconds=chance.choice((0, 100, 500)),
        pace_milliseconds=chance.choice((1, 10, 30)),
        calls=calls.get(point, ()),
    )


def _moment(question: Question, chance: random.Random) -> float:
    """Return when to cancel, in seconds from the beginning: at any time of the answer, or just after it."""
    seconds = (question.first_milliseconds + question.words * question.pace_milliseconds) / 1000
    return chance.uniform(0, 1.05 * seconds)


async def _read_on(pieces: Any) -> None:
    async for _ in pieces:
        continue


async def _stored_after(audit: Audit, cancelled: _Cancelled) -> float:
    """Return how many seconds after the answer the last row of the log was stored, less than 0 if before."""
    query = """
        SELECT extract(epoch FROM max(created_at))::double precision AS stored_at
        FROM run_events WHERE run_id = $1::uuid
    """
    (row,) = await audit.rows(query, cancelled.run_id)
    return row["stored_at"] - cancelled.answered_at
