"""How fast memory is: a search among 10,000 memories of a scope, and among 100; and adding a memory."""

from __future__ import annotations

import random
from statistics import median, quantiles
from typing import Any

from rig.figures import Figure, medians, of_rounds
from rig.memories import Keeper, at_once, keeping, seconds_of

_ROUNDS = 5
_SEARCHES = 60
_MANY, _FEW = 10_000, 100
_WORDS = 3_000
_WORDS_A_MEMORY = 12
_MILLISECONDS = 1000


async def measure() -> list[Figure]:
    """Search a large scope and a small one by turns, and add to the large one."""
    chance = random.Random(7)  # noqa: S311 - made-up words, not a secret
    async with keeping() as keeper:
        large, small = await keeper.assistant(), await keeper.assistant()
        await _fill(keeper, large, _MANY, chance)
        await _fill(keeper, small, _FEW, chance)
        rounds = [await _round(keeper, large, small, chance) for _ in range(_ROUNDS)]
    return [
        _figure("search among 10,000 memories, p50", 15, rounds, "large_p50_ms"),
        _figure("search among 10,000 memories, p95", 50, rounds, "large_p95_ms"),
        _figure("search among 100 memories, p95", 15, rounds, "small_p95_ms"),
        _figure("a memory added to 10,000, p95", 20, rounds, "add_p95_ms"),
    ]


async def _round(keeper: Keeper, large: str, small: str, chance: random.Random) -> dict[str, float]:
    seconds: dict[str, list[float]] = {"large": [], "small": [], "add": []}
    for _ in range(_SEARCHES):
        query = _text(chance, 6)
        seconds["large"].append(await seconds_of(keeper.search(large, query, 10)))
        seconds["small"].append(await seconds_of(keeper.search(small, query, 10)))
        seconds["add"].append(await seconds_of(_add(keeper, large, chance)))
    return {
        "large_p50_ms": _MILLISECONDS * median(seconds["large"]),
        **{f"{name}_p95_ms": _MILLISECONDS * quantiles(of_one, n=20)[-1] for name, of_one in seconds.items()},
    }


async def _fill(keeper: Keeper, assistant: str, count: int, chance: random.Random) -> None:
    await at_once([_add(keeper, assistant, chance) for _ in range(count)])


async def _add(keeper: Keeper, assistant: str, chance: random.Random) -> dict[str, Any]:
    return await keeper.post(f"/assistants/{assistant}/memories", {"content": _text(chance, _WORDS_A_MEMORY)})


def _text(chance: random.Random, words: int) -> str:
    """Return made-up words, of which, as in any language, a few are common and most are rare."""
    return " ".join(f"w{int(_WORDS ** chance.random())}ord" for _ in range(words))


def _figure(name: str, target: float, rounds: list[dict[str, float]], part: str) -> Figure:
    samples = of_rounds(rounds, lambda parts: parts[part])
    return Figure(name=name, unit="ms", target=target, samples=samples, parts=medians(rounds, part))
