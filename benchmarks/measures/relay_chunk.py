"""What a chunk of a streamed answer costs on its way through us."""

from __future__ import annotations

from rig.conversations import ANSWER, SIGN, TURNS_PER_THREAD, seed_lanes
from rig.figures import Figure, medians, of_rounds
from rig.load import drive
from rig.processes import Server, Vendor, cpu_seconds, data_folder, serving, vendor

_ROUNDS = 3
_STREAMS = 32
_CHUNKS = 50
_CHUNK_DELAY_SECONDS = 0.005
_MICROSECONDS = 1_000_000


async def measure(wire: str = "openai_chat") -> list[Figure]:
    """Stream 32 answers at once, 200 chunks a second each; what a message costs by itself is included."""
    with vendor() as far_end, data_folder() as folder, serving(folder, far_end.base_url, wire) as server:
        rounds = [await _round(server, far_end) for _ in range(_ROUNDS)]
    return [
        Figure(
            name=f"CPU per relayed chunk, {wire}, {_STREAMS} streams of {_CHUNKS}",
            unit="µs",
            target=80.0,
            samples=of_rounds(rounds, lambda parts: parts["cpu_us"]),
            parts=medians(rounds, "chunks_per_second"),
        )
    ]


async def _round(server: Server, far_end: Vendor) -> dict[str, float]:
    far_end.script(text=ANSWER)
    lanes = await seed_lanes(server, lanes=_STREAMS, threads=1, streamed=True)
    far_end.script(text=ANSWER, chunks=_CHUNKS, chunk_delay_seconds=_CHUNK_DELAY_SECONDS)
    before = cpu_seconds(server.web)
    load = await drive(server.base_url, lanes, SIGN[:1])
    used = cpu_seconds(server.web) - before
    chunks = sum(answer.body.count(b'"content_streaming"') for answer in load.answers)
    if chunks != _STREAMS * TURNS_PER_THREAD * _CHUNKS:
        raise RuntimeError(f"{chunks} chunks came through: some were lost or merged.")
    return {"cpu_us": _MICROSECONDS * used / chunks, "chunks_per_second": chunks / load.seconds}
