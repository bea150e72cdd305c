"""Results: a line for each programme, and a file with what was found, where, on which commit and seed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.rig.machine import commit, describe

from .rig.stage import Figure, Outcome, Terms

RESULTS = Path(__file__).parent / "results"
_VIOLATIONS_SHOWN_MAX = 20


def show(name: str, outcome: Outcome, seconds: float) -> None:
    """Print what a programme found."""
    print(
        f"{name}: {len(outcome.violations)} violations in {seconds:.0f} s; {_line(outcome.figures)}",
        flush=True,
    )
    for sentence in outcome.violations[:_VIOLATIONS_SHOWN_MAX]:
        print(f"  VIOLATION {sentence}", flush=True)
    if len(outcome.violations) > _VIOLATIONS_SHOWN_MAX:
        print(f"  and {len(outcome.violations) - _VIOLATIONS_SHOWN_MAX} more", flush=True)


def write(terms: Terms, name: str, outcome: Outcome, seconds: float) -> Path:
    """Write what a programme found, and return where."""
    now = datetime.now(UTC)
    results = {
        "date": now.isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": describe(),
        "seed": terms.seed,
        "scale": terms.scale,
        "programme": name,
        "seconds": round(seconds, 1),
        "violations": outcome.violations,
        "figures": outcome.figures,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y-%m-%d}-{name}-seed-{terms.seed}-scale-{terms.scale:g}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return path


def _line(figures: Mapping[str, Figure | Mapping[str, Figure]]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in figures.items())


def _short(value: Figure | Mapping[str, Figure]) -> str:
    if isinstance(value, Mapping):
        return f"({_line(value)})"
    return (
        f"{value:g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
    )
