"""The frame around every request: its path, its id, the bounds of its body, its line in the log."""

from __future__ import annotations

import asyncio
import logging
import time

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backboard_server.domain import tracing
from backboard_server.domain.ids import new_id

PREFIX = "/api"
BODY_WAIT_SECONDS = 15.0  # between two pieces of a body

_AFTERWARDS = "backboard.afterwards"

_log = logging.getLogger("backboard_server.access")


class Afterwards(Response):
    """A response that the frame sends once the framework is done with the request.

    For streams: the layers in between would hold some 8 kB for as long as one is open, and see every event.
    """

    def __init__(self, response: Response) -> None:
        """`response` is what is sent."""
        super().__init__()
        self._response = response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the response to the frame."""
        await send({"type": _AFTERWARDS, "response": self._response})


class Frame:
    """ASGI middleware, outermost."""

    def __init__(self, app: ASGIApp, body_bytes_max: int) -> None:
        """`app` is what is framed; a body longer than `body_bytes_max` is refused wherever it is read."""
        self._app = app
        self._body_bytes_max = body_bytes_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket; anything else passes through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request_id = new_id().hex
        tracing.request_id.set(request_id)
        started = time.perf_counter()
        status = 0
        afterwards: ASGIApp | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status, afterwards
            if message["type"] == _AFTERWARDS:
                afterwards = message["response"]
                return
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {
                    **message,
                    "headers": [*message["headers"], (b"x-request-id", request_id.encode())],
                }
            await send(message)

        if scope["type"] == "http":
            receive = self._bounded(receive)
        try:
            await self._app(_without_prefix(scope), receive, send_with_id)
            if afterwards is not None:
                await afterwards(scope, receive, send_with_id)
        finally:
            milliseconds = (time.perf_counter() - started) * 1000
            # Escaped, as a path may hold what a terminal or another line of the log would take for its own.
            path = scope["path"].encode("unicode_escape").decode()
            _log.info("%s %s %d %.1f ms", scope.get("method", "WS"), path, status, milliseconds)

    def _bounded(self, receive: Receive) -> Receive:
        """Return a `receive` that takes a silent client for gone, and refuses one that sends on and on.

        The refusal is an HTTPException, which every reader of a body lets through.
        """
        is_whole = False
        size = 0

        async def receive_within_bounds() -> Message:
            nonlocal is_whole, size
            if is_whole:
                return await receive()  # what follows is the client's going, which may take any time
            try:
                async with asyncio.timeout(BODY_WAIT_SECONDS):
                    message = await receive()
            except TimeoutError:
                return {"type": "http.disconnect"}
            is_whole = not message.get("more_body", False)
            size += len(message.get("body", b""))
            if size > self._body_bytes_max:
                raise HTTPException(
                    413, f"The body is larger than {self._body_bytes_max:,} bytes. Send less."
                )
            return message

        return receive_within_bounds


def _without_prefix(scope: Scope) -> Scope:
    """Serve `/api/x` as `/x`: clients of the hosted service use the prefix, the SDK's own tests do not.

    Always a copy, as the framework leaves in it what is to be gone with the request.
    """
    path: str = scope["path"]
    if not path.startswith(PREFIX + "/"):
        return dict(scope)
    raw_path = bytes(scope.get("raw_path") or path.encode())
    return {**scope, "path": path[len(PREFIX) :], "raw_path": raw_path[len(PREFIX) :]}
