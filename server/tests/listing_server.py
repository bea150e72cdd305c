"""A host that lists its models: a real HTTP server that answers GET with what it was given."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any, Self

from aiohttp import web

SILENCE = object()  # in the place of a list: nothing is sent, ever


class ListingServer:
    """Listens inside `async with`; `lists` is what it sends, bytes or JSON, by path and query."""

    def __init__(self, lists: dict[str, Any] | None = None) -> None:
        self.lists = lists or {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port, *_ = self._runner.addresses[0]
        self.root_url = f"http://{host}:{port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path_qs, {name.lower(): value for name, value in request.headers.items()}))
        body = self.lists.get(request.path_qs)
        if body is None:
            return web.json_response({"error": {"message": "no such path"}}, status=404)
        if body is SILENCE:
            await asyncio.Event().wait()
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return web.Response(body=content, content_type="application/json")
