"""The benchmarks of the main job: one message to a thread, and what the server costs beside the model.

`python benchmarks/message.py` runs all of them, prints a table and writes results/YYYY-MM-DD-message.json;
with names (`python benchmarks/message.py start memory`) it runs those and writes nothing.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from measures import long_thread, memory, message_overhead, relay_chunk, start
from rig.figures import Figure, print_table, write_results
from rig.machine import BUSY_PERCENT_MAX, Load, observe_load, pin, split_cores

_MEASURES = {
    "message_overhead": message_overhead.measure,
    "relay_chunk": relay_chunk.measure,
    "long_thread": long_thread.measure,
    "start": start.measure,
    "memory": memory.measure,
}
_RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the benchmarks that were named, or all."""
    names = sys.argv[1:] or list(_MEASURES)
    if unknown := set(names) - set(_MEASURES):
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(_MEASURES)}.")
    pin(os.getpid(), split_cores().others)
    loads = [observe_load()]
    figures: list[Figure] = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += uvloop.run(_MEASURES[name]())
        loads.append(observe_load())  # others may come while we measure
    load = max(loads, key=lambda load: load.busy_percent + load.stolen_percent)
    print_table(figures)
    _warn(load)
    if len(names) == len(_MEASURES):
        write_results(_RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-message.json", figures, load)


def _warn(load: Load) -> None:
    if not load.is_quiet:
        print(
            f"The machine was busy with other things: {load.busy_percent} % of its cores, and "
            f"{load.stolen_percent} % taken by its host ({BUSY_PERCENT_MAX:g} % are tolerable). "
            "Times are upper bounds."
        )


if __name__ == "__main__":
    main()
