"""The frame around every request: its path, its id, a time limit on its body, its line in the log."""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backboard_server.domain import tracing
from backboard_server.domain.ids import new_id

PREFIX = "/api"
BODY_WAIT_SECONDS = 15.0  # between two pieces of a body

_log = logging.getLogger("backboard_server.access")


class Frame:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` is what is framed."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket; anything else passes through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        _strip_prefix(scope)
        request_id = new_id().hex
        tracing.request_id.set(request_id)
        started = time.perf_counter()
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {
                    **message,
                    "headers": [*message["headers"], (b"x-request-id", request_id.encode())],
                }
            await send(message)

        try:
            await self._app(scope, _patient(receive) if scope["type"] == "http" else receive, send_with_id)
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            _log.info("%s %s %d %.1f ms", scope.get("method", "WS"), scope["path"], status, milliseconds)


def _strip_prefix(scope: Scope) -> None:
    """Serve `/api/x` as `/x`: clients of the hosted service use the prefix, the SDK's own tests do not."""
    path: str = scope["path"]
    if path.startswith(PREFIX + "/"):
        scope["path"] = path[len(PREFIX) :]
        scope["raw_path"] = bytes(scope.get("raw_path") or path.encode())[len(PREFIX) :]


def _patient(receive: Receive) -> Receive:
    """Return a `receive` that treats a client that stops sending its body as one that has gone."""
    is_whole = False

    async def receive_in_time() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()  # what follows the body is the client's going, for which there is no limit
        try:
            async with asyncio.timeout(BODY_WAIT_SECONDS):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        is_whole = not message.get("more_body", False)
        return message

    return receive_in_time
