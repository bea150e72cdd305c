"""Idle: a thousand streams whose vendor is silent cost memory within bounds, and no session of Postgres."""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import AsyncExitStack

from torture.rig.events import Decoder
from torture.rig.figures import percentile
from torture.rig.memory import resident_bytes, sessions_of_application
from torture.rig.sayings import Question
from torture.rig.stage import Figures, Outcome, Stage, Terms, staged
from torture.rig.wire import Caller, Request

STREAMS = 1_000
GROWTH_BYTES_MAX = 80_000_000  # for all of them
SESSIONS_MAX = 16  # eight of the web process, and eight of the worker
_NOISE_BYTES = 16_000_000  # what a process grows by without any stream
_OPENED_AT_ONCE = 20
_WARM_UP_REQUESTS = 40
_LOOKS = 10
_LOOK_SECONDS = 0.2
_SILENCE_MILLISECONDS = 600_000


async def run(terms: Terms) -> Outcome:
    """Open the streams, leave them alone, and look what they cost while others are served."""
    streams = terms.count(STREAMS, least=50)
    _allow_files(4 * streams + 500)
    async with staged(terms, "idle", web_processes=1) as stage, AsyncExitStack() as stack:
        caller = await stage.caller("idle")
        (web,) = stage.server.web()
        await _serve_some(caller, _WARM_UP_REQUESTS)
        before = resident_bytes(web)
        gate = asyncio.Semaphore(_OPENED_AT_ONCE)
        await asyncio.gather(*(_open(stack, gate, caller, place) for place in range(streams)))
        sessions, seconds = await _looked(stage, caller)
        growth = resident_bytes(web) - before
        flaws: list[str] = []
        if growth > max(_NOISE_BYTES, GROWTH_BYTES_MAX * streams / STREAMS):
            flaws.append(f"{streams} idle streams cost {growth / 1e6:.0f} MB")
        if sessions["most"] > SESSIONS_MAX:
            flaws.append(f"{sessions['most']} sessions of Postgres are open")
        if sessions["busy in every look"]:
            flaws.append(f"{sessions['busy in every look']} sessions of Postgres are held")
        figures: Figures = {
            "streams": streams,
            "megabytes before": round(before / 1e6, 1),
            "megabytes more": round(growth / 1e6, 1),
            "sessions of Postgres": sessions,
            "p95 of seconds of another request": percentile(seconds, 95),
        }
    return Outcome(figures, flaws + stage.vendor.refusals)


async def _open(stack: AsyncExitStack, gate: asyncio.Semaphore, caller: Caller, place: int) -> None:
    """Open a stream, and read it until the model is asked, which then says nothing."""
    question = Question(nonce=f"q-idle-{place}", first_milliseconds=_SILENCE_MILLISECONDS)
    request = Request(
        method="POST", path="/threads/messages", body={"content": question.text, "stream": True}
    )
    async with gate:
        asked = await stack.enter_async_context(caller.asked(request))
        decoder = Decoder()
        async for piece in asked.pieces():
            if any(event.type == "message_start" for event in decoder.feed(piece)):
                return


async def _looked(stage: Stage, caller: Caller) -> tuple[dict[str, int], list[float]]:
    """Look at the sessions again and again, and ask for something in between."""
    counts: list[int] = []
    busy: list[int] = []
    seconds: list[float] = []
    for _ in range(_LOOKS):
        sessions = sessions_of_application(stage.server.postgres())
        counts.append(len(sessions))
        busy.append(sum(session != "idle" for session in sessions))
        started = time.monotonic()
        await _serve_some(caller, 1)
        seconds.append(time.monotonic() - started)
        await asyncio.sleep(_LOOK_SECONDS)
    return {"most": max(counts), "busy in every look": min(busy)}, seconds


async def _serve_some(caller: Caller, requests: int) -> None:
    for _ in range(requests):
        await caller.ask("GET", "/threads?limit=1")


def _allow_files(count: int) -> None:
    """Allow this process, and those that it starts, so many open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))
