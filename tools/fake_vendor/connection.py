"""One connection of the vendor: requests are cut out of the bytes, and their steps are played in order."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from itertools import chain
from typing import Literal, cast

from msgspec import Struct

from .steps import Cut, Hang, Pause, Steps

_REQUEST_BYTES_MAX = 64 * 1024 * 1024
_AT_ONCE_BYTES_MAX = 64 * 1024


class Request(Struct, frozen=True):
    """A request as it came; header names are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    content: bytes

    @property
    def route(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]


class Connections:
    """Those that are open now."""

    def __init__(self) -> None:
        self.made = 0
        self._open: set[Connection] = set()
        self._ending: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> None:
        """Enlist a connection that was made."""
        self.made += 1
        self._open.add(connection)
        self._changed.set()

    def discard(self, connection: Connection, playing: asyncio.Task[None] | None) -> None:
        """Strike off a connection that was lost, and end what it was doing."""
        self._open.discard(connection)
        self._changed.set()
        if playing:
            self._ending.add(playing)
            playing.add_done_callback(self._ending.discard)
            playing.cancel()

    async def wait_for(self, count: int) -> None:
        """Return once this many are open."""
        while len(self._open) != count:
            self._changed.clear()
            await self._changed.wait()

    async def aclose(self) -> None:
        """End them all, whatever they are doing."""
        await asyncio.gather(*(connection.aclose() for connection in tuple(self._open)))
        if self._ending:
            await asyncio.wait(tuple(self._ending))


class Connection(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as much of it as clients of this vendor use."""

    _transport: asyncio.Transport

    def __init__(self, respond: Callable[[Request], Steps], connections: Connections) -> None:
        """`respond` gives the steps for a request; `connections` is where this one enlists itself."""
        self._respond = respond
        self._connections = connections
        self._received = bytearray()
        self._playing: asyncio.Task[None] | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Enlist; asyncio calls this."""
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop playing; asyncio calls this."""
        self._connections.discard(self, self._playing)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete; asyncio calls this."""
        self._received += data
        while self._playing is None and (request := self._next_request()):
            self._play(self._respond(request))

    def pause_writing(self) -> None:
        """Wait until the client reads; asyncio calls this."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """Go on; asyncio calls this."""
        self._writable.set()

    async def aclose(self) -> None:
        """End the connection, whatever it is doing."""
        self._transport.abort()
        if self._playing:
            self._playing.cancel()
            await asyncio.wait([self._playing])

    def _next_request(self) -> Request | None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        request_line, *lines = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        start, length = end + 4, int(headers.get("content-length", "0"))
        if length > _REQUEST_BYTES_MAX:
            self._transport.abort()
            return None
        if len(self._received) < start + length:
            return None
        content = bytes(self._received[start : start + length])
        del self._received[: start + length]
        method, path, _ = request_line.split(" ", 2)
        return Request(method, path, headers, content)

    def _play(self, steps: Steps) -> None:
        """Write at once what needs no waiting; only the rest, if any, becomes a task."""
        ready: list[bytes] = []
        for step in steps:
            if not isinstance(step, bytes) or len(step) > _AT_ONCE_BYTES_MAX:
                self._transport.write(b"".join(ready))
                rest = chain((step,), steps)
                self._playing = asyncio.get_running_loop().create_task(self._play_on(rest))
                return
            ready.append(step)
        self._transport.write(b"".join(ready))

    async def _play_on(self, steps: Steps) -> None:
        for step in steps:
            if self._transport.is_closing():
                return
            match step:
                case bytes():
                    await self._writable.wait()
                    self._transport.write(step)
                case Pause(seconds=seconds):
                    await asyncio.sleep(seconds)
                case Hang():
                    await asyncio.Event().wait()
                case Cut(how=how):
                    _cut(self._transport, how)
        self._playing = None
        self.data_received(b"")


def _cut(transport: asyncio.Transport, how: Literal["close", "reset"]) -> None:
    if how == "close":
        transport.close()
        return
    # Lingering for no time at all makes the kernel send a reset instead of a goodbye.
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()
