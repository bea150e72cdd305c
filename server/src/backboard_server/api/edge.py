"""What every endpoint may ask for: the adapters, the runs under way, and who is calling."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, ClassVar

from fastapi import Depends, Request, Response
from fastapi.openapi.models import APIKey
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase
from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Unauthorized
from backboard_server.domain.keys import Caller, digest
from backboard_server.runs.journal import Journal
from backboard_server.runs.live import LiveRuns
from backboard_server.store.database import Database
from backboard_server.store.keys import find_caller

from .request_keys import answer_once

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
    journal: Journal
    keys: KeyCache


def edge_of(request: Request) -> Edge:
    """Return the state of the process that serves this request."""
    edge = request.app.state.edge
    assert isinstance(edge, Edge)  # noqa: S101 - set before the first request is served
    return edge


async def adapters_of(request: Request) -> Adapters:
    """Return the adapters of the process that serves this request."""
    return edge_of(request).adapters


class GuardedRoute(APIRoute):
    """A route that asks who is calling before a byte of the body is read; FastAPI by itself asks after.

    A POST is answered once for each Idempotency-Key.
    """

    claims_keys: ClassVar[bool] = True

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request. It raises Unauthorized."""
        answer = super().get_route_handler()

        async def answer_caller(request: Request) -> Response:
            caller = request.state.caller = await _authenticate(request)
            if self.claims_keys and request.method == "POST":
                return await answer_once(edge_of(request).adapters.database, caller, request, answer)
            return await answer(request)

        return answer_caller


class SelfKeyedRoute(GuardedRoute):
    """A route whose verb claims Idempotency-Keys itself, in the transaction of what it makes."""

    claims_keys = False


class _Guard(SecurityBase):
    """Who is calling, as the guarded route found out; on a route without a guard there is nobody."""

    def __init__(self) -> None:
        self.model = APIKey.model_validate({"in": "header", "name": "X-API-Key", "description": _KEY})
        self.scheme_name = "ApiKey"

    async def __call__(self, request: Request) -> Caller:
        """Return who is calling."""
        caller = request.state.caller
        assert isinstance(caller, Caller)  # noqa: S101 - set by the guarded route
        return caller


async def _authenticate(request: Request) -> Caller:
    """Return who is calling: the key is in `X-API-Key`, or a bearer where a client can only send that.

    Raises Unauthorized; there is no other outcome and no default caller.
    """
    secret = request.headers.get("x-api-key") or _bearer(request.headers.get("authorization", ""))
    if not secret or len(secret) > KEY_CHARACTERS_MAX:
        raise Unauthorized(_UNAUTHORIZED)
    edge = edge_of(request)
    return await edge.keys.caller(edge.adapters.database, secret)


def _bearer(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    return credentials.strip() if scheme.lower() == "bearer" else ""


CallerOf = Annotated[Caller, Depends(_Guard())]
AdaptersOf = Annotated[Adapters, Depends(adapters_of)]
