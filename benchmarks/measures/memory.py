"""What a web process holds after it has worked, and what each open stream adds."""

from __future__ import annotations

import asyncio

from rig.conversations import ANSWER, SIGN, message_request, seed_lanes
from rig.figures import Figure
from rig.load import Connection, connect, drive
from rig.processes import Server, Vendor, data_folder, resident_bytes, serving, vendor

_LANES = 16
_THREADS_PER_LANE = 10
_STREAMS = 1_000
_STREAMS_BEGUN_AT_ONCE = 25
_CHUNKS = 60
_CHUNK_DELAY_SECONDS = 1.0


async def measure() -> list[Figure]:
    """Send 1,760 messages, then open 1,000 slow streams at once and weigh the process with them."""
    with vendor() as far_end, data_folder() as folder, serving(folder, far_end.base_url) as server:
        after_load, with_streams = await _weigh(server, far_end)
    return [
        Figure(
            name="memory of a web process after load",
            unit="MB",
            target=120.0,
            samples=[after_load / 1_000_000],
        ),
        Figure(
            name=f"memory of each of {_STREAMS:,} open streams",
            unit="kB",
            target=40.0,
            samples=[(with_streams - after_load) / _STREAMS / 1000],
        ),
    ]


async def _weigh(server: Server, far_end: Vendor) -> tuple[int, int]:
    far_end.script(text=ANSWER)
    await drive(server.base_url, await seed_lanes(server, lanes=_LANES, threads=_THREADS_PER_LANE))
    after_load = resident_bytes(server.web)
    far_end.script(text=ANSWER, chunks=_CHUNKS, chunk_delay_seconds=_CHUNK_DELAY_SECONDS)
    streams: list[Connection] = []
    while len(streams) < _STREAMS:
        opened = [await connect(server.base_url) for _ in range(_STREAMS_BEGUN_AT_ONCE)]
        request = message_request(server, None, streamed=True)
        await asyncio.gather(*(stream.begin(request, SIGN[:1]) for stream in opened))
        streams += opened
    with_streams = resident_bytes(server.web)
    for stream in streams:
        stream.close()
    return after_load, with_streams
