"""The load: keep-alive connections that send prepared requests one after another, and time the answers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct

_CONNECT_SECONDS_MAX = 10.0


class Answer(Struct, frozen=True):
    """A body, and how long it and the first piece with the sign that was looked for took to come."""

    body: bytes
    seconds: float
    first_seconds: float


class Load(Struct, frozen=True):
    """What came of a load: every answer, and the time from the first request to the last answer."""

    answers: list[Answer]
    seconds: float


class Connection:
    """One connection; HTTP/1.1, as much of it as granian and the fake vendor speak."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """`connect` makes one."""
        self._reader = reader
        self._writer = writer

    async def ask(self, request: bytes, sign: bytes = b"") -> Answer:
        """Send a request and read its answer to the end. Raises RuntimeError unless its status is 200."""
        started = time.perf_counter()
        head = await self._send(request)
        if b"chunked" not in head:
            body = await self._reader.readexactly(_length(head))
            seconds = time.perf_counter() - started
            return Answer(body, seconds, seconds)
        pieces: list[bytes] = []
        first_seconds = 0.0
        while piece := await self._piece():
            pieces.append(piece)
            if not first_seconds and sign in piece:
                first_seconds = time.perf_counter() - started
        return Answer(b"".join(pieces), time.perf_counter() - started, first_seconds)

    async def begin(self, request: bytes, sign: bytes) -> None:
        """Send a request and return as soon as the sign has come; the rest of the answer is left unread."""
        await self._send(request)
        while sign not in await self._piece():
            pass

    def close(self) -> None:
        """Go away."""
        self._writer.close()

    async def _send(self, request: bytes) -> bytes:
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        if not head.startswith(b"http/1.1 200 "):
            raise RuntimeError((head + await self._reader.readexactly(_length(head))).decode())
        return head

    async def _piece(self) -> bytes:
        size = int(await self._reader.readline(), 16)
        return (await self._reader.readexactly(size + 2))[:-2]


async def connect(base_url: str) -> Connection:
    """Open a connection."""
    address = urlsplit(base_url)
    async with asyncio.timeout(_CONNECT_SECONDS_MAX):
        return Connection(*await asyncio.open_connection(address.hostname, address.port))


async def drive(base_url: str, lanes: Sequence[Sequence[bytes]], sign: bytes = b"") -> Load:
    """Send the requests of each lane one after another, all lanes at once, each on its own connection."""
    connections = [await connect(base_url) for _ in lanes]
    started = time.perf_counter()
    answered = await asyncio.gather(
        *(_drive_lane(*pair, sign) for pair in zip(connections, lanes, strict=True))
    )
    seconds = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return Load([answer for lane in answered for answer in lane], seconds)


async def _drive_lane(connection: Connection, requests: Sequence[bytes], sign: bytes) -> list[Answer]:
    return [await connection.ask(request, sign) for request in requests]


def _length(head: bytes) -> int:
    return int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
