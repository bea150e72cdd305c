"""A proxy that cuts: a request says in its header `X-Cut` after how many bytes of its answer the line breaks.

Zero loses the answer whole, and -1 the request too. Without the header everything passes. Every other line
ends with a reset, the rest as if the other end had closed it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from types import TracebackType
from typing import Self

LOSE_REQUEST = -1
LOSE_ANSWER = 0

_CUT = re.compile(rb"\r\nx-cut: (-?\d+)\r\n", re.IGNORECASE)
_READ_BYTES = 65_536


class Proxy:
    """Stands before the server at `target_port`, inside `async with`; `cuts` counts the lines it broke."""

    _server: asyncio.Server

    def __init__(self, target_port: int) -> None:
        """Nothing is listened to yet."""
        self.cuts = 0
        self.port = 0
        self._target_port = target_port
        self._relaying: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=2_048)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Break every line and listen no more."""
        self._server.close()
        for task in tuple(self._relaying):
            task.cancel()
        await asyncio.gather(*self._relaying, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio runs it as one
        self._relaying.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._relay(reader, writer)
        finally:
            self._relaying.discard(task)
            writer.transport.abort()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        line = _Line()
        upwards = asyncio.create_task(line.pass_requests(reader, up_writer))
        downwards = asyncio.create_task(line.pass_answers(up_reader, writer))
        try:
            await asyncio.wait({upwards, downwards}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            upwards.cancel()
            downwards.cancel()
            await asyncio.gather(upwards, downwards, return_exceptions=True)
            up_writer.transport.abort()
            if line.is_cut:
                self.cuts += 1
                _set_to_reset(writer, is_reset=self.cuts % 2 == 0)


class _Line:
    """One connection; `_left` is how many bytes of the answer may still pass, None for all."""

    def __init__(self) -> None:
        self.is_cut = False
        self._left: int | None = None

    async def pass_requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_READ_BYTES):
            if found := _CUT.search(piece):
                self._left = int(found[1])
            if self._left == LOSE_REQUEST:
                self.is_cut = True
                return
            writer.write(piece)
            await writer.drain()

    async def pass_answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_READ_BYTES):
            if self._left is not None:
                piece, self._left = piece[: self._left], self._left - len(piece)
            writer.write(piece)
            await writer.drain()
            if self._left is not None and self._left <= 0:
                self.is_cut = True
                await asyncio.sleep(0)  # what may pass is on its way
                return
        await _flushed(writer)


def _set_to_reset(writer: asyncio.StreamWriter, *, is_reset: bool) -> None:
    """Have the line end with a reset: lingering for no time at all makes the kernel send one."""
    if is_reset and (line := writer.get_extra_info("socket")) is not None:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _flushed(writer: asyncio.StreamWriter) -> None:
    """Let a whole answer arrive before the line is broken."""
    if writer.can_write_eof():
        writer.write_eof()
    await writer.wait_closed()
