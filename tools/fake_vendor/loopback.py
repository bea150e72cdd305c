"""A server on a loopback port: what every double of this kind does, whatever it answers."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from .connection import Connections

_BACKLOG = 2_048  # connections that come at once; the usual hundred is fewer than a flood has


class Loopback(ABC):
    """Listens inside `async with`, and hangs up on everybody in the end; `port=0` takes a free one."""

    _server: asyncio.Server

    def __init__(self, *, port: int = 0) -> None:
        """Nothing is listened to yet."""
        self.connections = Connections()
        self._port = port

    async def __aenter__(self) -> Self:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connect, "127.0.0.1", self._port, backlog=_BACKLOG)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Hang up."""
        self._server.close()
        await self.connections.aclose()
        await self._server.wait_closed()

    @property
    def root_url(self) -> str:
        """Where a client finds the server, without any path."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self.connections)

    @property
    def connections_made(self) -> int:
        """How many clients have connected since the start."""
        return self.connections.made

    async def wait_for_connections(self, count: int) -> None:
        """Return once this many clients are connected; give it a deadline with `asyncio.timeout`."""
        await self.connections.wait_for(count)

    @abstractmethod
    def _connect(self) -> asyncio.Protocol:
        """Return what speaks with a new client, and enlists itself in `connections`."""
