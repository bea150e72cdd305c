"""A server of somebody else's: a real HTTP server that records what it is sent and answers as it is told."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from aiohttp import web
from msgspec import Struct

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Received(Struct, frozen=True):
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    server_name: str | None  # what TLS was asked for


class Receiver:
    """Listens inside `async with`; answers with `status` and `body`, or as `answering` does."""

    def __init__(self, answering: Answering | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.status = 200
        self.body = b"Taken."
        self.received: list[Received] = []
        self._answering = answering
        self._tls = tls
        self._server_names: list[str | None] = []

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        if self._tls:
            self._tls.sni_callback = lambda _socket, name, _context: self._server_names.append(name)
        self._runner = web.AppRunner(
            application,
            access_log=None,
            handler_cancellation=True,
            shutdown_timeout=0.1,
            auto_decompress=False,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port: int = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        name = self._server_names.pop() if self._server_names else None
        self.received.append(Received(request.method, request.path_qs, headers, await request.read(), name))
        if self._answering:
            return await self._answering(request)
        return web.Response(status=self.status, body=self.body)


async def silence(_request: web.Request) -> web.StreamResponse:
    """Never answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def redirect_to(where: str, status: int = 302) -> Answering:
    """Answer `/start` with a redirect, and everything else with a word."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/start":
            return web.Response(status=status, headers={"Location": where})
        return web.Response(text="Arrived.")

    return answer


async def drip(request: web.Request) -> web.StreamResponse:
    """Begin to answer, and never end."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"drip")
    await asyncio.Event().wait()
    return response


def answer_with(body: bytes, *, is_packed: bool) -> Answering:
    """Answer with these bytes, compressed unasked or not."""

    async def answer(_request: web.Request) -> web.StreamResponse:
        if is_packed:
            return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})
        return web.Response(body=body)

    return answer
