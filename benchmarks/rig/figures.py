"""Figures: what was wanted, what was measured, and how both are told in a table and in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from msgspec import Struct

from .machine import Load, commit, describe


class Figure(Struct, frozen=True, kw_only=True):
    """One figure: a sample for each round, and the target that their median is held against.

    `parts` are the absolute figures that it was made of, each a median too.
    """

    name: str
    unit: str
    target: float
    samples: list[float]
    is_at_least: bool = False
    parts: dict[str, float] = {}

    @property
    def measured(self) -> float:
        """The median of all rounds."""
        return median(self.samples)

    @property
    def best(self) -> float:
        """The best round: what is left when others keep the machine busy."""
        return max(self.samples) if self.is_at_least else min(self.samples)

    @property
    def ratio(self) -> float:
        """The part of the target that was used: at most 1 is met, whichever way the target points."""
        return self.target / self.measured if self.is_at_least else self.measured / self.target

    @property
    def is_met(self) -> bool:
        """Whether the median meets the target."""
        return self.ratio <= 1


def of_rounds(rounds: list[dict[str, float]], figure: Callable[[dict[str, float]], float]) -> list[float]:
    """Return a figure's samples from the parts that each round measured."""
    return [figure(parts) for parts in rounds]


def medians(rounds: list[dict[str, float]], *names: str) -> dict[str, float]:
    """Return the median of each of these parts over all rounds."""
    return {name: round(median(parts[name] for parts in rounds), 4) for name in names}


def print_table(figures: Iterable[Figure]) -> None:
    """Print one line for each figure."""
    print(f"{'figure':60} {'target':>12} {'measured':>10} {'best':>9} {'ratio':>6}  verdict")
    for figure in figures:
        target = f"{'≥' if figure.is_at_least else '≤'} {figure.target:g} {figure.unit}"
        verdict = "met" if figure.is_met else "MISSED"
        print(
            f"{figure.name:60} {target:>12} {figure.measured:>10.3g} {figure.best:>9.3g} "
            f"{figure.ratio:>6.2f}  {verdict}"
        )


def write_results(
    path: Path, figures: Iterable[Figure], load: Load, libraries: Mapping[str, str] = {}
) -> None:
    """Write what was measured, where, on which commit, when, and beside which versions of other libraries."""
    results = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": describe() | msgspec.structs.asdict(load) | {"is_quiet": load.is_quiet},
        **({"libraries": libraries} if libraries else {}),
        "figures": [_told(figure) for figure in figures],
    }
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")


def _told(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "target": figure.target,
        "is_at_least": figure.is_at_least,
        "measured": round(figure.measured, 4),
        "best": round(figure.best, 4),
        "ratio": round(figure.ratio, 3),
        "is_met": figure.is_met,
        "samples": [round(sample, 4) for sample in figure.samples],
        "parts": figure.parts,
    }
