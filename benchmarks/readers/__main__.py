"""Read answers when told to, and tell what it cost: `python -m readers LIBRARY ADDRESS`.

Each line of input is a task, `{"wire": "gemini", "streams": 4, "seconds": 0.5}`: read as many answers at
once, again and again until the time is over. The line of output to it says what was read, and the CPU time of
this process meanwhile.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable

import uvloop

Reader = Callable[[], Awaitable[int]]

_TASK_SECONDS_MAX = 60.0


async def main() -> None:
    """Take tasks until the input ends."""
    library, root_url = sys.argv[1:]
    readers: dict[str, Reader] = importlib.import_module(f"readers.{library}").readers(root_url)
    print(json.dumps(sorted(readers)), flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        async with asyncio.timeout(_TASK_SECONDS_MAX):
            done = await _read(readers[task["wire"]], task["streams"], task["seconds"])
        print(json.dumps(done), flush=True)


async def _read(reader: Reader, streams: int, seconds: float) -> dict[str, float]:
    answers = characters = 0
    before, end = _cpu_seconds(), time.perf_counter() + seconds
    while not answers or time.perf_counter() < end:
        characters += sum(await asyncio.gather(*(reader() for _ in range(streams))))
        answers += streams
    return {"answers": answers, "characters": characters, "cpu_seconds": _cpu_seconds() - before}


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    uvloop.run(main())
