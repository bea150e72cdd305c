"""What a message costs beside a direct call of the same model: time, CPU, and how many fit a second."""

from __future__ import annotations

from statistics import median

from rig.conversations import ANSWER, SIGN, direct_request, seed_lanes
from rig.figures import Figure, medians, of_rounds
from rig.load import drive
from rig.processes import Server, Vendor, cpu_seconds, data_folder, serving, vendor

_ROUNDS = 5
_MANY = 16
_THREADS_ALONE = 20  # by eleven messages each
_THREADS_OF_MANY = 10
_THREADS_STREAMED = 6
_CHUNKS = 4
_CHUNK_DELAY_SECONDS = 0.005
_MILLISECONDS = 1000


async def measure() -> list[Figure]:
    """Send the same message directly and through us, in turns, with authentication, history and storage."""
    with vendor() as far_end, data_folder() as folder, serving(folder, far_end.base_url) as server:
        rounds = [await _round(server, far_end) for _ in range(_ROUNDS)]
    return [
        Figure(
            name="added latency, not streamed, 1 at a time, p50",
            unit="ms",
            target=4.0,
            samples=of_rounds(rounds, lambda parts: parts["through_ms"] - parts["direct_ms"]),
            parts=medians(rounds, "direct_ms", "through_ms"),
        ),
        Figure(
            name="added time to first token, 1 at a time, p50",
            unit="ms",
            target=3.0,
            samples=of_rounds(rounds, lambda parts: parts["through_first_ms"] - parts["direct_first_ms"]),
            parts=medians(rounds, "direct_first_ms", "through_first_ms"),
        ),
        Figure(
            name=f"CPU per request, not streamed, {_MANY} at a time",
            unit="ms",
            target=1.0,
            samples=of_rounds(rounds, lambda parts: parts["cpu_ms"]),
            parts=medians(rounds, "cpu_alone_ms"),
        ),
        Figure(
            name=f"requests a second on one core, {_MANY} at a time",
            unit="/s",
            target=700.0,
            is_at_least=True,
            samples=of_rounds(rounds, lambda parts: parts["requests_per_second"]),
            parts=medians(rounds, "direct_requests_per_second", "many_ms"),
        ),
    ]


async def _round(server: Server, far_end: Vendor) -> dict[str, float]:
    far_end.script(text=ANSWER)
    return await _alone(server, far_end) | await _many(server, far_end) | await _streamed(server, far_end)


async def _alone(server: Server, far_end: Vendor) -> dict[str, float]:
    lanes = await seed_lanes(server, lanes=1, threads=_THREADS_ALONE)
    direct = await drive(far_end.base_url, [[direct_request(far_end)] * len(lanes[0])])
    before = cpu_seconds(server.web)
    through = await drive(server.base_url, lanes)
    used = cpu_seconds(server.web) - before
    return {
        "direct_ms": _MILLISECONDS * median(answer.seconds for answer in direct.answers),
        "through_ms": _MILLISECONDS * median(answer.seconds for answer in through.answers),
        "cpu_alone_ms": _MILLISECONDS * used / len(through.answers),
    }


async def _many(server: Server, far_end: Vendor) -> dict[str, float]:
    lanes = await seed_lanes(server, lanes=_MANY, threads=_THREADS_OF_MANY)
    direct = await drive(far_end.base_url, [[direct_request(far_end)] * len(lane) for lane in lanes])
    before = cpu_seconds(server.web)
    through = await drive(server.base_url, lanes)
    used = cpu_seconds(server.web) - before
    return {
        "direct_requests_per_second": len(direct.answers) / direct.seconds,
        "requests_per_second": len(through.answers) / through.seconds,
        "many_ms": _MILLISECONDS * median(answer.seconds for answer in through.answers),
        "cpu_ms": _MILLISECONDS * used / len(through.answers),
    }


async def _streamed(server: Server, far_end: Vendor) -> dict[str, float]:
    lanes = await seed_lanes(server, lanes=1, threads=_THREADS_STREAMED, streamed=True)
    far_end.script(text=ANSWER, chunks=_CHUNKS, chunk_delay_seconds=_CHUNK_DELAY_SECONDS)
    request = direct_request(far_end, streamed=True)
    direct = await drive(far_end.base_url, [[request] * len(lanes[0])], SIGN)
    through = await drive(server.base_url, lanes, SIGN)
    return {
        "direct_first_ms": _MILLISECONDS * median(answer.first_seconds for answer in direct.answers),
        "through_first_ms": _MILLISECONDS * median(answer.first_seconds for answer in through.answers),
    }
