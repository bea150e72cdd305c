"""How long a server that has run before takes to be ready again."""

from __future__ import annotations

from rig.figures import Figure
from rig.processes import data_folder, serving, vendor

_ROUNDS = 5


async def measure() -> list[Figure]:
    """Start on an empty folder, then again and again on what is there, Postgres and all."""
    starts: list[float] = []
    with vendor() as far_end, data_folder() as folder:
        for _ in range(1 + _ROUNDS):
            with serving(folder, far_end.base_url) as server:
                starts.append(server.start_seconds)
    first, *warm = starts
    return [
        Figure(
            name="warm start of `backboard serve` to ready",
            unit="s",
            target=2.5,
            samples=warm,
            parts={"first_start_seconds": round(first, 3)},
        )
    ]
