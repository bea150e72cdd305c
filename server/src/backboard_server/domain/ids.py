"""Identifiers: the server makes every id itself, as UUIDv7, so that ids sort by the time they were made."""

from __future__ import annotations

import os
import time
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_LOW_BITS = (1 << 62) - 1
_MIDDLE_BITS = (1 << 12) - 1


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562 section 5.7): 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    chance = int.from_bytes(os.urandom(10), "big")
    middle = (chance >> 62) & _MIDDLE_BITS
    return UUID(int=(milliseconds << 80) | _VERSION | (middle << 64) | _VARIANT | (chance & _LOW_BITS))
