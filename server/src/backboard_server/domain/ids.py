"""Identifiers: the server makes every id itself, as UUIDv7, so that ids sort by the time they were made."""

from __future__ import annotations

import os
import time
from datetime import datetime
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = (1 << 62) - 1
_NANOSECONDS_PER_MILLISECOND = 1_000_000


def new_id() -> UUID:
    """Return a new UUIDv7 (RFC 9562 section 5.7): Unix milliseconds, a fraction of one, and 62 random bits.

    The fraction takes the 12 bits that section 6.2, method 3, offers for it: two ids that one process makes
    after one another are in order even within a millisecond.
    """
    milliseconds, nanoseconds = divmod(time.time_ns(), _NANOSECONDS_PER_MILLISECOND)
    fraction = (nanoseconds << 12) // _NANOSECONDS_PER_MILLISECOND
    chance = int.from_bytes(os.urandom(8), "big") & _RANDOM_BITS
    return UUID(int=(milliseconds << 80) | _VERSION | (fraction << 64) | _VARIANT | chance)


def earliest_id(moment: datetime) -> UUID:
    """Return what no id that was made at `moment` or later is below: the beginning of its millisecond."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=max(milliseconds, 0) << 80)
