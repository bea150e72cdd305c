"""Batches: texts as they can be sent, in groups that are not too many and not too long."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def sendable(text: str, characters_max: int) -> str:
    """Return the beginning of a text, with a question mark for each half of a character."""
    beginning = text[:characters_max]
    return beginning if beginning.isascii() else beginning.encode("utf-8", "replace").decode()


def batches(
    texts: Iterable[T], *, count_max: int, weight_max: int, weigh: Callable[[T], int]
) -> Iterator[list[T]]:
    """Yield texts, as such or as tokens, in order and in groups within both bounds.

    One that is too heavy by itself goes alone.
    """
    batch: list[T] = []
    weight = 0
    for text in texts:
        own_weight = weigh(text)
        if batch and (len(batch) >= count_max or weight + own_weight > weight_max):
            yield batch
            batch, weight = [], 0
        batch.append(text)
        weight += own_weight
    if batch:
        yield batch
