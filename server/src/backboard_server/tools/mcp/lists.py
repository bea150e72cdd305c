"""Lists of tools, kept for a while so that not every message asks for them again."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.domain.tools import McpServer

KEPT_SECONDS = 60.0
SILENCE_KEPT_SECONDS = 10.0  # a server that hangs does not hold up every message
LISTS_MAX = 128


class ListedTool(Struct, frozen=True, kw_only=True):
    """A tool as a server lists it, within our bounds."""

    name: str
    description: str
    parameters: dict[str, Any]
    is_repeatable: bool


class Listed(Struct, frozen=True):
    """The tools of a server, and a sentence for each thing that is wrong with them."""

    tools: tuple[ListedTool, ...] = ()
    problems: tuple[str, ...] = ()


class Lists:
    """The latest lists of this process, the least used of which makes room."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """`clock` counts seconds."""
        self._clock = clock
        self._kept: OrderedDict[bytes, tuple[float, Listed]] = OrderedDict()

    def find(self, key: bytes) -> Listed | None:
        """Return a list that is still good, or None."""
        good_until, listed = self._kept.get(key, (0.0, None))
        if listed is None or good_until <= self._clock():
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return listed

    def keep(self, key: bytes, listed: Listed, seconds: float) -> None:
        """Keep a list for as long."""
        self._kept[key] = (self._clock() + seconds, listed)
        self._kept.move_to_end(key)
        if len(self._kept) > LISTS_MAX:
            self._kept.popitem(last=False)


def key_of(tenant_id: UUID, server: McpServer, headers: Mapping[str, str]) -> bytes:
    """Return what a list is kept under: whoever asks otherwise may be told otherwise."""
    asked = [str(tenant_id), server.name, server.url, server.allowed_tools, headers]
    return hashlib.sha256(msgspec.json.encode(asked)).digest()
