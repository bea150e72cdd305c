"""What every endpoint may ask for: the adapters, the runs under way, and who is calling."""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import Depends, Request
from fastapi.openapi.models import APIKey
from fastapi.security.base import SecurityBase
from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Unauthorized
from backboard_server.domain.keys import Caller, digest
from backboard_server.runs.live import LiveRuns
from backboard_server.store.database import Database
from backboard_server.store.keys import find_caller

KEY_CACHE_SECONDS = 0.8  # a revoked key is refused within a second, the look-up included
KEYS_CACHED_MAX = 10_000
KEY_CHARACTERS_MAX = 512

_UNAUTHORIZED = "Invalid or missing API key"
_KEY = "A key made by `backboard keys create`; `Authorization: Bearer …` is taken as well."


class KeyCache:
    """Who calls, by the full hash of the key; remembered for less than a second."""

    def __init__(self) -> None:
        """Begin empty."""
        self._callers: dict[bytes, tuple[Caller, float]] = {}

    async def caller(self, database: Database, secret: str) -> Caller:
        """Return whose key this is. Raises Unauthorized. At most one round trip."""
        asked_at = time.monotonic()
        key = digest(secret)
        known = self._callers.get(key)
        if known is not None and asked_at < known[1]:
            return known[0]
        caller = await find_caller(database, secret)
        if caller is None:
            self._callers.pop(key, None)
            raise Unauthorized(_UNAUTHORIZED)
        if len(self._callers) >= KEYS_CACHED_MAX:
            self._callers.clear()
        self._callers[key] = (caller, asked_at + KEY_CACHE_SECONDS)
        return caller


class Edge(Struct, frozen=True):
    """One web process's state."""

    adapters: Adapters
    runs: LiveRuns
    keys: KeyCache


async def edge_of(request: Request) -> Edge:
    """Return the state of the process that serves this request."""
    edge = request.app.state.edge
    assert isinstance(edge, Edge)  # noqa: S101 - set before the first request is served
    return edge


async def adapters_of(request: Request) -> Adapters:
    """Return the adapters of the process that serves this request."""
    return (await edge_of(request)).adapters


class _Authenticate(SecurityBase):
    """The one way in: the key in `X-API-Key`, or as a bearer for clients that can only send that."""

    def __init__(self) -> None:
        self.model = APIKey.model_validate({"in": "header", "name": "X-API-Key", "description": _KEY})
        self.scheme_name = "ApiKey"

    async def __call__(self, request: Request) -> Caller:
        """Return who is calling. Raises Unauthorized; there is no other outcome and no default caller."""
        secret = request.headers.get("x-api-key") or _bearer(request.headers.get("authorization", ""))
        if not secret or len(secret) > KEY_CHARACTERS_MAX:
            raise Unauthorized(_UNAUTHORIZED)
        edge = await edge_of(request)
        return await edge.keys.caller(edge.adapters.database, secret)


def _bearer(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


CallerOf = Annotated[Caller, Depends(_Authenticate())]
AdaptersOf = Annotated[Adapters, Depends(adapters_of)]
EdgeOf = Annotated[Edge, Depends(edge_of)]
