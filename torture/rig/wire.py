"""HTTP as the torture speaks it: one connection a request, and every way in which it breaks is one error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from msgspec import Struct

_CONNECT_SECONDS_MAX = 5.0
_SILENCE_SECONDS_MAX = 90.0
_HEAD_BYTES_MAX = 65_536
_READ_BYTES = 65_536


class Broken(Exception):
    """The connection could not be made (nothing was sent then), or ended before the answer did: who knows."""

    def __init__(self, reason: str, *, is_unsent: bool = False) -> None:
        """`reason` is for people."""
        super().__init__(reason)
        self.is_unsent = is_unsent


class Answer(Struct, frozen=True):
    """A whole answer."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the body decoded."""
        return msgspec.json.decode(self.body)


class Request(Struct, frozen=True, kw_only=True):
    """A request; a `body` goes as JSON. The path is below `root`."""

    method: str
    path: str
    root: str = "/api"
    body: Any = None
    headers: Mapping[str, str] = {}


class Caller(Struct, frozen=True):
    """Somebody with a key who calls a server, or the proxy before it, at a port of this machine."""

    port: int
    key: str

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request and return its answer; underscores in headers stand for hyphens. Raises Broken."""
        request = Request(method=method, path=path, body=body, headers=_named(headers))
        async with self.asked(request) as asked:
            pieces = [piece async for piece in asked.pieces()]
        return Answer(asked.status, b"".join(pieces))

    @asynccontextmanager
    async def asked(self, request: Request) -> AsyncGenerator[Asked]:
        """Send a request, and give the answer as it begins. Raises Broken."""
        line = await connected(self.port)
        try:
            yield await line.ask(request, self.key)
        finally:
            line.break_off()


class Line:
    """A connection, for one request; `local_port` is our end of it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """`connected` makes one."""
        self.local_port: int = writer.get_extra_info("sockname")[1]
        self._reader = reader
        self._writer = writer

    async def ask(self, request: Request, key: str) -> Asked:
        """Send the request and return its answer as it begins. Raises Broken."""
        try:
            self._writer.write(_bytes_of(request, key))
            async with asyncio.timeout(_SILENCE_SECONDS_MAX):
                head = await self._reader.readuntil(b"\r\n\r\n")
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
            raise Broken("no answer") from error
        return Asked(self._reader, head)

    def break_off(self) -> None:
        """Go away, whatever is still to come."""
        self._writer.transport.abort()


async def connected(port: int) -> Line:
    """Connect to a port of this machine. Raises Broken."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS_MAX):
            return Line(*await asyncio.open_connection("127.0.0.1", port, limit=_HEAD_BYTES_MAX))
    except (OSError, TimeoutError) as error:
        raise Broken("no connection", is_unsent=True) from error


class Asked:
    """An answer that has begun."""

    def __init__(self, reader: asyncio.StreamReader, head: bytes) -> None:
        """`head` is the status line with the headers."""
        self.status = int(head.split(b" ", 2)[1])
        lowered = head.lower()
        self._is_chunked = b"transfer-encoding: chunked" in lowered
        length = lowered.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
        self._length = int(length) if length else None
        self._reader = reader

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Yield the body as it comes. Raises Broken where it ends too early, or falls silent."""
        try:
            if not self._is_chunked:
                async for piece in self._exactly(self._length or 0):
                    yield piece
                return
            while size := int(await self._line(), 16):
                async for piece in self._exactly(size):
                    yield piece
                await self._line()
        except (OSError, ValueError, TimeoutError) as error:
            raise Broken("the answer broke off") from error

    async def _line(self) -> bytes:
        async with asyncio.timeout(_SILENCE_SECONDS_MAX):
            line = await self._reader.readline()
        if not line.endswith(b"\r\n"):
            raise Broken("the answer broke off")
        return line

    async def _exactly(self, size: int) -> AsyncGenerator[bytes]:
        while size:
            async with asyncio.timeout(_SILENCE_SECONDS_MAX):
                piece = await self._reader.read(min(size, _READ_BYTES))
            if not piece:
                raise Broken("the answer broke off")
            size -= len(piece)
            yield piece


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


def _bytes_of(request: Request, key: str) -> bytes:
    body = b"" if request.body is None else msgspec.json.encode(request.body)
    headers = {"host": "127.0.0.1", "x-api-key": key, "connection": "close", **request.headers}
    if request.method == "POST":
        headers |= {"content-type": "application/json", "content-length": str(len(body))}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{request.method} {request.root}{request.path} HTTP/1.1\r\n{lines}\r\n".encode() + body
