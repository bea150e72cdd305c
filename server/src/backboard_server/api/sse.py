"""Server-sent events: a run's events as `id:` and `data:` lines, and comments while nothing happens."""

from __future__ import annotations

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from backboard_server.domain.events import Event
from backboard_server.runs.live import LiveRun

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


class EventStream(Response):
    """The response that a run streams into. Events that arrive together leave together."""

    media_type = "text/event-stream"

    def __init__(self, run: LiveRun) -> None:
        """`run` goes on if the client goes away."""
        super().__init__()
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until the run is over or the client is gone."""
        sequence = 0
        try:
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            while (events := await self._run.next_events(KEEP_ALIVE_SECONDS)) is not None:
                body = encode(events, sequence) if events else _KEEP_ALIVE
                sequence += len(events)
                await send({"type": "http.response.body", "body": body, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._run.abandon()


def encode(events: list[Event], sent: int) -> bytes:
    """Return events as they go over the wire; `sent` of the run went before them, which gives their ids."""
    lines: list[bytes] = []
    for sequence, event in enumerate(events, start=sent + 1):
        lines.append(b"id: %d\ndata: " % sequence)
        lines.append(_on_one_line(_encoder.encode(event)))
        lines.append(b"\n\n")
    return b"".join(lines)


def _on_one_line(json: bytes) -> bytes:
    if not json.isascii():
        for end, escape in _LINE_ENDS.items():
            json = json.replace(end, escape)
    return json
