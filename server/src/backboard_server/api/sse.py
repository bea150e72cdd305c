"""Server-sent events: a run's events as `id:` and `data:` lines, and comments while nothing happens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backboard_server.runs.log import Numbered

KEEP_ALIVE_SECONDS = 10.0  # published clients give up after 30 s without a byte

_KEEP_ALIVE = b": keep-alive\n\n"
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
]
# Published clients read lines as `str.splitlines` does, which ends them at these too, and drop the event.
_LINE_ENDS = {
    "\x85".encode(): b"\\u0085",
    "\u2028".encode(): b"\\u2028",
    "\u2029".encode(): b"\\u2029",
}
_encoder = msgspec.json.Encoder()


class EventReader(Protocol):
    """Where events come from: a run of this process, or the log of any."""

    async def next_events(self, wait_seconds: float) -> list[Numbered] | None:
        """Return what is new, nothing after `wait_seconds` of silence, None at the end."""
        ...

    async def aclose(self) -> None:
        """Read no more."""
        ...


class EventStream(Response):
    """The response that events stream into. Those that arrive together leave together."""

    media_type = "text/event-stream"

    def __init__(self, reader: EventReader, *, watches_client: bool = False) -> None:
        """`reader` is closed when the client goes away.

        With `watches_client` at once, not at the next event.
        """
        super().__init__()
        self._reader = reader
        self._watches_client = watches_client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the run is over or the client is gone."""
        watching = asyncio.create_task(self._watch(receive)) if self._watches_client else None
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while (numbered := await self._reader.next_events(KEEP_ALIVE_SECONDS)) is not None:
                body = encode(numbered) if numbered else _KEEP_ALIVE
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            if watching is not None:
                watching.cancel()
            await self._reader.aclose()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            continue
        await self._reader.aclose()


def encode(numbered: Iterable[Numbered]) -> bytes:
    """Return events as they go over the wire, their numbers as ids."""
    lines: list[bytes] = []
    for sequence, event in numbered:
        lines.append(b"id: %d\ndata: " % sequence)
        lines.append(_on_one_line(_encoder.encode(event)))
        lines.append(b"\n\n")
    return b"".join(lines)


def _on_one_line(json: bytes) -> bytes:
    if not json.isascii():
        for end, escape in _LINE_ENDS.items():
            json = json.replace(end, escape)
    return json
