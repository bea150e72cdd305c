"""Searching memory in Postgres: the best units of one scope, with the parts of their scores.

The SQL is in routines/recall.sql.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.domain.memories import MemoryKind

from .database import Database


class RecallUnits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is searched for, where, and what parts of a score weigh; `hidden` units are not returned.

    `terms` are hashes, `weights` go beside them. The shares are of the conversation, and of having been said
    in the window, beside 1 for the words. `spread_max` units count for those around them.
    """

    assistant_id: UUID
    user_id: str
    terms: list[int]
    weights: list[float]
    take: int
    spread_max: int
    characters_max: int
    only_memories: bool = False
    with_past: bool = False
    metadata: dict[str, Any] | None = None
    hidden: list[UUID] | None = None
    window_from: datetime | None = None
    window_to: datetime | None = None
    thread_share: float
    window_share: float


class FoundUnit(Struct, frozen=True, kw_only=True):
    """A unit that was found; `terms` are those of the search that it has, the heaviest first."""

    id: UUID
    thread_id: UUID | None
    score: float
    near: float
    thread: float
    terms: list[int]
    content: str
    role: str | None
    metadata: dict[str, Any] | None
    kind: MemoryKind | None
    said_at: datetime
    valid_to: datetime | None
    is_suspect: bool
    created_at: datetime
    updated_at: datetime
    sources: list[UUID] | None


class FoundUnits(Struct, frozen=True):
    """What was found, best first, of so many units that the scope has."""

    units: list[FoundUnit]
    searched: int


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(FoundUnits)


async def recall_units(database: Database, tenant_id: UUID, request: RecallUnits) -> FoundUnits:
    """Return the units that bear on a search. One round trip. Raises NotFound for the assistant."""
    rows = await database.call("SELECT recall_units($1, $2)", tenant_id, _encoder.encode(request).decode())
    return _decoder.decode(rows[0][0])
