"""A proxy in front of a Postgres that counts its exchanges, so that tests see what a caller waits for.

Each exchange ends with one ReadyForQuery from the server (PostgreSQL manual, "Message Flow"); BEGIN and
COMMIT are exchanges like any other. Passwords pass through unread.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from backboard_server.store.address import Address

_HEADER = struct.Struct("!cI")  # the kind of a message, and its length without the kind
_READY_FOR_QUERY = b"Z"
_STOPPING = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
_READ_BYTES = 1 << 16


class PostgresProxy:
    """The way in through the proxy, and what has gone through it."""

    def __init__(self, address: Address) -> None:
        """`address` is where callers connect instead."""
        self.address = address
        self.exchanges = 0
        self._callers: set[asyncio.StreamWriter] = set()

    def announce_the_end(self) -> None:
        """Say to every caller what a stopping Postgres says, a moment before it ends the connection."""
        for caller in self._callers:
            caller.write(_HEADER.pack(b"E", 4 + len(_STOPPING)) + _STOPPING)

    async def relay(
        self, target: Address, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass on what a caller and the server at `target` say to each other, until either ends it."""
        server_reader, server_writer = await asyncio.open_unix_connection(_socket(target))
        asking = asyncio.create_task(_copy(reader, server_writer))
        self._callers.add(writer)
        try:
            await self._answer(server_reader, writer)
        finally:
            self._callers.discard(writer)
            asking.cancel()
            for end in (writer, server_writer):
                end.close()
                with contextlib.suppress(ConnectionError):
                    await end.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readexactly(_HEADER.size)
                kind, length = _HEADER.unpack(header)
                writer.write(header + await reader.readexactly(length - 4))
                if kind == _READY_FOR_QUERY:
                    self.exchanges += 1
                await writer.drain()


@asynccontextmanager
async def proxied(target: Address) -> AsyncGenerator[PostgresProxy]:
    """Run a proxy in front of `target`, which is reached by a Unix socket."""
    tasks: set[asyncio.Task[None]] = set()
    with tempfile.TemporaryDirectory(prefix="proxy") as folder:
        proxy = PostgresProxy(msgspec.structs.replace(target, host=folder))

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(proxy.relay(target, reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_unix_server(accept, _socket(proxy.address))
        try:
            yield proxy
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _socket(address: Address) -> Path:
    assert address.host is not None
    return Path(address.host, f".s.PGSQL.{address.port}")


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while sent := await reader.read(_READ_BYTES):
        writer.write(sent)
        await writer.drain()
    writer.close()
