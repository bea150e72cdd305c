"""What a turn costs in a thread of 2,000 messages, beside one in a thread of 20."""

from __future__ import annotations

from statistics import median

from rig.conversations import ANSWER, HISTORY_MESSAGES, message_request, seed_threads
from rig.figures import Figure, medians, of_rounds
from rig.load import drive
from rig.processes import Server, data_folder, serving, vendor

_ROUNDS = 5
_LONG_MESSAGES = 2_000
_LONG_THREADS = 4
_TURNS = 80
_MILLISECONDS = 1000


async def measure() -> list[Figure]:
    """Send a message to a short thread and to a long one by turns; each short thread is used once."""
    with vendor() as far_end, data_folder() as folder, serving(folder, far_end.base_url) as server:
        far_end.script(text=ANSWER)
        long_threads = await seed_threads(server, _LONG_THREADS, _LONG_MESSAGES)
        rounds = [await _round(server, long_threads) for _ in range(_ROUNDS)]
    return [
        Figure(
            name="turn in a thread of 2,000 messages : of 20, p50",
            unit="",
            target=1.2,
            samples=of_rounds(rounds, lambda parts: parts["long_ms"] / parts["short_ms"]),
            parts=medians(rounds, "short_ms", "long_ms"),
        )
    ]


async def _round(server: Server, long_threads: list[str]) -> dict[str, float]:
    short_threads = await seed_threads(server, _TURNS, HISTORY_MESSAGES)
    by_turns = [
        message_request(server, thread_id)
        for number, short in enumerate(short_threads)
        for thread_id in (short, long_threads[number % len(long_threads)])
    ]
    load = await drive(server.base_url, [by_turns])
    return {
        "short_ms": _MILLISECONDS * median(answer.seconds for answer in load.answers[0::2]),
        "long_ms": _MILLISECONDS * median(answer.seconds for answer in load.answers[1::2]),
    }
