"""Load: two hundred streams at fifty tokens a second, and what the server adds to the pauses between tokens.

The vendor is asked directly first, with as many streams: what it is late by itself is not the server's.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise
from urllib.parse import urlsplit

from torture.rig.figures import percentile
from torture.rig.server import bare_environment
from torture.rig.stage import Figures, Outcome, Terms, staged
from torture.rig.wire import Caller, Request

STREAMS = 200
TOKENS_A_SECOND = 50
ADDED_SECONDS_MAX = 0.05  # to the 95th percentile of the pauses
_SECONDS = 10
_SPREAD_SECONDS = 1.0
_VENDOR = "import uvloop; uvloop.install(); from fake_vendor.__main__ import main; main()"
_DIRECT_SIGN = b'"delta":{"content":'
_OUR_SIGN = b'"type":"content_streaming"'


async def run(terms: Terms) -> Outcome:
    """Time the tokens of as many streams from the vendor itself, and then through the server."""
    streams = terms.count(STREAMS, least=10)
    tokens = TOKENS_A_SECOND * max(2, round(_SECONDS * min(1.0, 4 * terms.scale)))
    async with _steady_vendor(tokens) as url, staged(terms, "load", web_processes=1, vendor_url=url) as stage:
        caller = await stage.caller("load")
        direct = await _pauses(Caller(urlsplit(url).port or 0, "sk"), streams, _DIRECT, _DIRECT_SIGN)
        ours = await _pauses(caller, streams, _OURS, _OUR_SIGN)
    wanted = streams * (tokens - 1)
    added = round(percentile(ours, 95) - percentile(direct, 95), 4)
    flaws: list[str] = []
    if len(ours) != wanted or len(direct) != wanted:
        flaws.append(
            f"{wanted} pauses were to be timed: {len(direct)} directly, {len(ours)} through the server"
        )
    if added > ADDED_SECONDS_MAX:
        flaws.append(f"the server adds {added} s to the pauses between tokens (p95)")
    figures: Figures = {
        "streams": streams,
        "tokens a second each": TOKENS_A_SECOND,
        "tokens": streams * tokens,
        "p95 of pauses directly": percentile(direct, 95),
        "p95 of pauses through the server": percentile(ours, 95),
        "p95 added": added,
        "p99 of pauses directly": percentile(direct, 99),
        "p99 of pauses through the server": percentile(ours, 99),
    }
    return Outcome(figures, flaws)


_DIRECT = Request(
    method="POST",
    path="/chat/completions",
    root="/v1",
    body={"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Count."}]},
)
_OURS = Request(method="POST", path="/threads/messages", body={"content": "Count.", "stream": True})


@asynccontextmanager
async def _steady_vendor(tokens: int) -> AsyncGenerator[str]:
    """Run a vendor of its own process, which says so many words at an even pace."""
    words = " ".join(f"w{place}" for place in range(tokens))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _VENDOR,
        "--text", words, "--chunk-delay-seconds", str(1 / TOKENS_A_SECOND),
        env=bare_environment(), stdout=PIPE,
    )  # fmt: skip
    assert process.stdout is not None  # noqa: S101 - asked for in the line above
    try:
        yield json.loads(await process.stdout.readline())["base_url"]
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def _pauses(caller: Caller, streams: int, request: Request, sign: bytes) -> list[float]:
    """Return the pauses between the tokens of all streams, which begin spread over a second."""
    found = await asyncio.gather(
        *(_pauses_of(caller, request, sign, place * _SPREAD_SECONDS / streams) for place in range(streams))
    )
    return [pause for pauses in found for pause in pauses]


async def _pauses_of(caller: Caller, request: Request, sign: bytes, after_seconds: float) -> list[float]:
    await asyncio.sleep(after_seconds)
    arrivals: list[float] = []
    async with caller.asked(request) as asked:
        async for piece in asked.pieces():
            arrivals += [time.perf_counter()] * piece.count(sign)
    return [later - earlier for earlier, later in pairwise(arrivals)]
