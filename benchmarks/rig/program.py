"""A program of benchmarks: runs those that were named, or all, and writes what all of them found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop

from .figures import Figure, print_table, write_results
from .machine import BUSY_PERCENT_MAX, Load, observe_load, pin, split_cores

Measure = Callable[[], Coroutine[Any, Any, list[Figure]]]

_RESULTS = Path(__file__).parents[1] / "results"


def run(subject: str, measures: Mapping[str, Measure], libraries: Mapping[str, str] | None = None) -> None:
    """Run the benchmarks of a subject; `libraries` are the versions of those that we are compared with."""
    names = sys.argv[1:] or list(measures)
    if unknown := set(names) - set(measures):
        sys.exit(f"There is no benchmark {', '.join(unknown)}; there are {', '.join(measures)}.")
    pin(os.getpid(), split_cores().others)
    loads = [observe_load()]
    figures: list[Figure] = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        figures += uvloop.run(measures[name]())
        loads.append(observe_load())  # others may come while we measure
    load = max(loads, key=lambda load: load.busy_percent + load.stolen_percent)
    print_table(figures)
    _warn(load)
    if len(names) == len(measures):
        path = _RESULTS / f"{datetime.now(UTC):%Y-%m-%d}-{subject}.json"
        write_results(path, figures, load, libraries or {})


def _warn(load: Load) -> None:
    if not load.is_quiet:
        print(
            f"The machine was busy with other things: {load.busy_percent} % of its cores, and "
            f"{load.stolen_percent} % taken by its host ({BUSY_PERCENT_MAX:g} % are tolerable). "
            "Times are upper bounds."
        )
