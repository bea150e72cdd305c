"""The machine: which core is whose, how busy it is with other things, and what a result says about it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from functools import cache
from pathlib import Path

from msgspec import Struct

BUSY_PERCENT_MAX = 5.0  # of the whole machine, by others; past it a result is marked
_LOOK_SECONDS = 2.0

_KB_PER_GIB = 1024 * 1024


class Placement(Struct, frozen=True):
    """The web process has one core to itself; Postgres, the vendor and the load share the others."""

    web: int
    others: frozenset[int]


@cache
def split_cores() -> Placement:
    """Return who runs where, of the cores that this process was given: it is asked before it pins itself."""
    first, *others = sorted(os.sched_getaffinity(0))
    return Placement(first, frozenset(others or [first]))


def pin(pid: int, cores: frozenset[int]) -> None:
    """Keep a process, with every thread that it has or will have, on these cores."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)


class Load(Struct, frozen=True):
    """How busy the machine was while we did nothing: percent of all cores, by others and by its host."""

    busy_percent: float
    stolen_percent: float
    average: float

    @property
    def is_quiet(self) -> bool:
        """Whether figures taken now can be believed."""
        return self.busy_percent + self.stolen_percent <= BUSY_PERCENT_MAX


def observe_load() -> Load:
    """Do nothing for a while and return what others did meanwhile."""
    before = _ticks()
    time.sleep(_LOOK_SECONDS)
    passed = [after - earlier for earlier, after in zip(before, _ticks(), strict=True)]
    _user, _nice, _system, idle, waiting, _interrupts, _soft, stolen = passed
    total = sum(passed)
    busy = total - idle - waiting - stolen
    return Load(round(100 * busy / total, 1), round(100 * stolen / total, 1), os.getloadavg()[0])


def describe() -> dict[str, str | int | float]:
    """Return what a reader needs to know to compare a result with another."""
    return {
        "processor": _field("/proc/cpuinfo", "model name"),
        "cores": 1 + len(split_cores().others - {split_cores().web}),
        "memory_gib": round(int(_field("/proc/meminfo", "MemTotal").split()[0]) / _KB_PER_GIB, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def commit() -> str:
    """Return the commit that is measured, marked where the working tree differs from it."""
    git = ["git", "-c", "safe.directory=*", "describe", "--always", "--abbrev=12", "--dirty=-changed"]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - fixed words


def _ticks() -> list[int]:
    return [int(word) for word in Path("/proc/stat").read_text().split()[1:9]]


def _field(path: str, name: str) -> str:
    found = re.search(rf"^{name}\s*:\s*(.+)$", Path(path).read_text(), re.MULTILINE)
    return found[1] if found else "unknown"
