"""Tools: turns that call the application's tools and those of an MCP server, while processes are killed.

A result is recorded once; what may not be repeated is executed once at most; who was interrupted is told so.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from fake_mcp import FakeMcp, FakeTool, Reply
from torture.rig.audit import TERMINAL_SECONDS_MAX, audited
from torture.rig.clients import TOOL
from torture.rig.following import Beginning, Pursuit, Refused
from torture.rig.insisting import failure_in, insist
from torture.rig.proxy import LOSE_ANSWER, Proxy
from torture.rig.sayings import Question, output_of
from torture.rig.stage import Figures, Outcome, Stage
from torture.rig.wire import Broken, Caller

from .kills import Killer

TURNS = 2_000
_TURNS_A_WAVE = 60
_KILLS_A_WAVE = 4
_CALLS_BEFORE_A_KILL_MAX = 8
_CALLS_SECONDS_MAX = 3.0
_BEGIN_SECONDS_MAX = 4.0
_EXECUTION_SECONDS_MAX = 2.0
_ANSWERS_LOST = 0.3
_WITH_A_NOTE = 0.3
_CONFLICT = 409
_APPLICATIONS = "ask_application"
_REPEATABLE, _NOT_REPEATABLE = "look", "change"
_CALLS = (
    (_APPLICATIONS,),
    (_APPLICATIONS, _APPLICATIONS),
    (_REPEATABLE,),
    (_NOT_REPEATABLE,),
    (_NOT_REPEATABLE, _NOT_REPEATABLE),
    (_REPEATABLE, _NOT_REPEATABLE),
    (_NOT_REPEATABLE, _APPLICATIONS),
)
_SCHEMA = {"type": "object", "properties": {"of": {"type": "string"}}, "required": ["of"]}
_TOOLS = (
    FakeTool(_REPEATABLE, "Look.", _SCHEMA, annotations={"readOnlyHint": True}),
    FakeTool(_NOT_REPEATABLE, "Change.", _SCHEMA),
)


async def run(stage: Stage) -> Outcome:
    """Have turns with tools in waves, each with some kills, and look at every result and every execution."""
    turns = stage.terms.count(TURNS, least=_TURNS_A_WAVE // 3)
    chance = stage.terms.chance("tools")
    caller = await stage.caller("tools")
    async with FakeMcp(tools=_TOOLS) as mcp, Proxy(stage.server.port) as proxy:
        delays = [chance.uniform(0, _EXECUTION_SECONDS_MAX) for _ in range(4 * turns)]
        mcp.script(*(Reply(after_seconds=seconds) for seconds in delays))
        turning = _Turning(stage, mcp, caller, Caller(proxy.port, caller.key))
        killer = Killer(stage.server, stage.terms.chance("kills among tools"))
        for first in range(0, turns, _TURNS_A_WAVE):
            count = min(_TURNS_A_WAVE, turns - first)
            await turning.wave(first, count, killer)
    figures: Figures = {
        "turns": turns,
        "kills": dict(killer.victims),
        "executions": sum(mcp.executions.values()),
        "executed again": sum(times > 1 for times in mcp.executions.values()),
        "counts": dict(turning.counts),
    }
    return Outcome(figures, turning.flaws + stage.vendor.refusals)


class _Turn(Struct, frozen=True):
    """A turn that has come to its end, or to its failure."""

    question: Question
    thread_id: str
    run_id: str


class _Turning:
    """Waves of turns; `counts` and `flaws` are of all of them."""

    def __init__(self, stage: Stage, mcp: FakeMcp, caller: Caller, through_proxy: Caller) -> None:
        self.counts: Counter[str] = Counter()
        self.flaws: list[str] = []
        self._stage = stage
        self._mcp = mcp
        self._caller = caller
        self._through_proxy = through_proxy
        self._chance = stage.terms.chance("calls before a kill")

    async def wave(self, first: int, turns: int, killer: Killer) -> None:
        """Have so many turns at once while processes are killed; then look at what is left of them."""
        turning = [
            asyncio.create_task(self._turn(f"q-tool-{first + place}", place)) for place in range(turns)
        ]
        for _ in range(_KILLS_A_WAVE):
            await self._some_calls()
            await killer.strike()
        done = [turn for turn in await asyncio.gather(*turning) if turn is not None]
        await self._stage.server.whole()
        async with audited(self._stage.server.folder) as audit:
            if await audit.settled_seconds() is None:
                self.flaws.append(
                    f"{await audit.open_runs()} runs are open after {TERMINAL_SECONDS_MAX:.0f} s"
                )
            self.flaws += await audit.flaws()
        for turn in done:
            await self._look_at(turn)

    async def _some_calls(self) -> None:
        """Wait until some more calls are being executed."""
        executed = sum(self._mcp.executions.values())
        wanted = executed + self._chance.randint(1, _CALLS_BEFORE_A_KILL_MAX)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CALLS_SECONDS_MAX):
                await self._mcp.wait_for(lambda: sum(self._mcp.executions.values()) >= wanted)

    async def _turn(self, nonce: str, place: int) -> _Turn | None:
        chance = random.Random(f"{self._stage.terms.seed}:{nonce}")
        calls = _CALLS[place % len(_CALLS)]
        question = Question(nonce=nonce, words=chance.randint(1, 20), first_milliseconds=100, calls=calls)
        await asyncio.sleep(chance.uniform(0, _BEGIN_SECONDS_MAX))
        body = {
            "content": question.text,
            "stream": True,
            "tools": [TOOL],
            "mcp_servers": [{"name": "world", "url": self._mcp.url}],
        }
        ready = self._stage.server.ready
        pursuit = Pursuit(self._caller, chance, Beginning("/threads/messages", body, nonce), on_break=ready)
        noting = asyncio.create_task(self._note_meanwhile(pursuit, nonce, chance))
        try:
            end = (await pursuit.to_the_end()).events[-1]
            turn = _Turn(question, end.fields["thread_id"], end.fields["run_id"])
            if end.type == "tool_submit_required":
                await self._hand_in(turn, end.fields["tool_calls"], chance)
        except (Refused, Broken, TimeoutError) as error:
            self.flaws.append(f"{nonce}: {type(error).__name__} {error}")
            return None
        finally:
            await noting
        return turn

    async def _note_meanwhile(self, pursuit: Pursuit, nonce: str, chance: random.Random) -> None:
        """Save a message beside some runs while they are under way: it is none of theirs."""
        if chance.random() > _WITH_A_NOTE:
            return
        await asyncio.sleep(chance.uniform(0, _EXECUTION_SECONDS_MAX))
        if pursuit.thread_id is None:
            return
        note = {"thread_id": pursuit.thread_id, "content": Question(nonce=f"{nonce}-note").text}
        try:
            await insist(self._caller, "/threads/messages", note | {"send_to_llm": "false"}, f"{nonce}-note")
            self.counts["notes"] += 1
        except (Refused, TimeoutError) as error:
            self.flaws.append(f"{nonce}: its note: {type(error).__name__} {error}")

    async def _hand_in(self, turn: _Turn, calls: list[dict[str, Any]], chance: random.Random) -> None:
        """Hand outputs in, through a line that loses answers; again; and then others, which are refused."""
        path = f"/threads/{turn.thread_id}/runs/{turn.run_id}/submit-tool-outputs"
        outputs = [{"tool_call_id": call["id"], "output": output_of(call["id"])} for call in calls]
        if chance.random() < _ANSWERS_LOST:
            try:
                await self._through_proxy.ask("POST", path, {"tool_outputs": outputs}, x_cut=str(LOSE_ANSWER))
            except Broken:
                self.counts["answers lost"] += 1
        answer = await insist(self._caller, path, {"tool_outputs": outputs})
        again = await insist(self._caller, path, {"tool_outputs": outputs})
        self.counts["handed in"] += 1
        if failure_in(answer):
            return  # what was said before is not the same answer as the failure that came of it
        if (answer.status, answer.body) != (again.status, again.body):
            self.flaws.append(f"{turn.question.nonce}: {answer.body[:600]!r} and {again.body[:600]!r}")
        others = [output | {"output": "another"} for output in outputs]
        try:
            await insist(self._caller, path, {"tool_outputs": others})
        except Refused as refused:
            if refused.status == _CONFLICT:
                return
        self.flaws.append(f"{turn.question.nonce}: other outputs were not refused as a conflict")

    async def _look_at(self, turn: _Turn) -> None:
        thread = (await self._caller.ask("GET", f"/threads/{turn.thread_id}")).json()
        run = (await self._caller.ask("GET", f"/threads/{turn.thread_id}/runs/{turn.run_id}")).json()
        self.counts[f"{run['status']} {run['error_code'] or ''}".strip()] += 1
        nonce = turn.question.nonce
        self.flaws += [f"{nonce}: {flaw}" for flaw in self._wrong_results(turn, run, thread["messages"])]

    def _wrong_results(
        self, turn: _Turn, run: dict[str, Any], messages: list[dict[str, Any]]
    ) -> Iterator[str]:
        question = turn.question
        results = {
            message["metadata_"]["tool_call_id"]: message for message in messages if message["role"] == "tool"
        }
        for name, call_id in zip(question.calls, question.call_ids(), strict=True):
            times = self._mcp.executions[f"{turn.run_id}:{call_id}"]
            result = results.get(call_id)
            if name == _NOT_REPEATABLE and times > 1:
                yield f"{call_id} was executed {times} times"
            if result is not None:
                is_told = _tells_of_interruption(result)
                self.counts["results that tell of an interruption"] += is_told
                is_right = (
                    name == _NOT_REPEATABLE if is_told else result["content"] == _due(name, call_id, question)
                )
                if not is_right:
                    yield f"the result of {call_id} is {result['content']!r}"
                if name != _APPLICATIONS and not (times or is_told):
                    yield f"{call_id} has a result and was not executed"
            elif run["status"] != "FAILED":
                yield f"{call_id} has no result, and its run is {run['status']}"
        yield from _wrong_end(question, run, messages, results)


def _wrong_end(
    question: Question,
    run: dict[str, Any],
    messages: list[dict[str, Any]],
    results: dict[str, dict[str, Any]],
) -> Iterator[str]:
    if run["status"] == "COMPLETED":
        outputs = [results[call_id]["content"] for call_id in question.call_ids() if call_id in results]
        answer = [message["content"] for message in messages if message["role"] == "assistant"][-1]
        if answer != question.answer(outputs):
            yield f"the answer is {answer!r}, and {question.answer(outputs)!r} was due"
    elif run["status"] != "FAILED" or run["error_code"] != "run_interrupted":
        yield f"the run is {run['status']} {run['error_code']}: {run['error']}"


def _tells_of_interruption(result: dict[str, Any]) -> bool:
    return result["status"] == "FAILED" and "was stopped while this tool" in result["content"]


def _due(name: str, call_id: str, question: Question) -> str:
    return output_of(call_id) if name == _APPLICATIONS else f'{{"of":"{question.nonce}"}}'
