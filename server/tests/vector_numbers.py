"""Vectors of embedders, read as numbers and held against each other."""

from __future__ import annotations

import struct


def numbers_of(vector: bytes) -> tuple[float, ...]:
    """Return the float32 numbers of a vector."""
    return struct.unpack(f"<{len(vector) // 4}f", vector)


def cosine(one: bytes, other: bytes) -> float:
    """Return the cosine of the angle between two vectors of length one."""
    return sum(a * b for a, b in zip(numbers_of(one), numbers_of(other), strict=True))
