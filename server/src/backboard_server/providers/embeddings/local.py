"""The embedder that needs no key and no network: all-MiniLM-L6-v2, asked over the socket of its process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from backboard_server.domain.embeddings import Embeddings
from backboard_server.domain.errors import Unavailable
from backboard_server.domain.keys import Secret

from ._batches import batches, sendable
from .minilm.folder import LOG, EmbedderFolder
from .minilm.frames import (
    TEXT_CHARACTERS_MAX,
    TEXTS_MAX,
    Ask,
    Refusal,
    Vectors,
    decode_said,
    framed,
    read_frame,
)
from .minilm.serving import IDLE_SECONDS
from .minilm.starting import Child, Starter

CONNECTIONS_MAX = 4  # of one process; each has one request under way
ATTEMPTS_MAX = 3  # as the process may end or be killed under a request
_WAIT_SECONDS = 30.0
_PAUSE_SECONDS = 0.03


class _Connection(NamedTuple):
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes) -> bytes:
        """Send a frame and return the next. Raises EOFError or OSError where the process is gone."""
        self.writer.write(request)
        await self.writer.drain()
        return await read_frame(self.reader)


class LocalEmbedder:
    """Implements `domain.ports.Embedder`.

    One process serves every web process and the worker of this machine. Whoever finds none starts it; it
    ends by itself when nobody is left, and comes back with the next request when it was killed.
    """

    identity = "local/all-MiniLM-L6-v2/384"
    dimensions = 384

    def __init__(
        self, data_dir: Path, *, wait_seconds: float = _WAIT_SECONDS, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        """Nothing is opened or started before the first request; `wait_seconds` is for up to 64 texts."""
        self._data_dir = data_dir
        self._wait_seconds = wait_seconds
        self._idle_seconds = idle_seconds
        self._turns = asyncio.Semaphore(CONNECTIONS_MAX)
        self._idle: list[_Connection] = []
        self._folder: EmbedderFolder | None = None
        self._starter: Starter | None = None

    async def embed(self, texts: Sequence[str], *, keys: Mapping[str, Secret] = {}) -> Embeddings:
        """Return a vector for each text, of its first 256 tokens; no key is needed. Raises Unavailable."""
        vectors: list[bytes] = []
        tokens = 0
        cut = (sendable(text, TEXT_CHARACTERS_MAX) for text in texts)
        weight_max = TEXTS_MAX * TEXT_CHARACTERS_MAX
        for batch in batches(cut, count_max=TEXTS_MAX, weight_max=weight_max, weigh=len):
            said = await self._in_time(framed(Ask(batch)))
            vectors += said.vectors
            tokens += said.input_tokens
        return Embeddings(tuple(vectors), tokens)

    async def aclose(self) -> None:
        """Close every connection; the process ends once it has none."""
        self._drop_idle()
        if self._folder:
            self._folder.close()
            self._folder = self._starter = None

    async def _in_time(self, request: bytes) -> Vectors:
        try:
            async with asyncio.timeout(self._wait_seconds), self._turns:
                said = decode_said(await self._asked(request))
        except TimeoutError:
            raise Unavailable(
                f"The local embedder did not answer within {self._wait_seconds:g} s. Try again later."
            ) from None
        if isinstance(said, Refusal):
            raise Unavailable(said.message)
        return said

    async def _asked(self, request: bytes) -> bytes:
        for _ in range(ATTEMPTS_MAX):
            connection = self._idle.pop() if self._idle else await self._connected()
            try:
                answer = await connection.ask(request)
            except (EOFError, OSError):
                # The others lead to the same process, which is gone.
                connection.writer.transport.abort()
                self._drop_idle()
                await asyncio.sleep(_PAUSE_SECONDS)  # one that is dying may still accept who comes at once
            except BaseException:
                connection.writer.transport.abort()
                raise
            else:
                self._idle.append(connection)
                return answer
        raise Unavailable(
            f"The process of the local embedder ended under a request, {ATTEMPTS_MAX} times. "
            f"{self._see_log()}"
        )

    async def _connected(self) -> _Connection:
        """Return a new connection to the process, which is started where there is none."""
        folder, starter = self._opened()
        child: Child | None = None
        while True:
            try:
                streams = await asyncio.open_unix_connection(folder.socket)
            except (FileNotFoundError, ConnectionRefusedError):
                if child and child.status and not child.has_served:
                    raise Unavailable(
                        f"The process of the local embedder does not start. {self._see_log()}"
                    ) from None
                child = starter.ensure()
            else:
                starter.note_served()
                return _Connection(*streams)
            await asyncio.sleep(_PAUSE_SECONDS)

    def _opened(self) -> tuple[EmbedderFolder, Starter]:
        if self._folder is None or self._starter is None:
            self._folder = EmbedderFolder(self._data_dir)
            self._starter = Starter(self._folder, self._idle_seconds)
        return self._folder, self._starter

    def _see_log(self) -> str:
        return f"See {self._folder.path / LOG}." if self._folder else ""

    def _drop_idle(self) -> None:
        for connection in self._idle:
            connection.writer.transport.abort()
        self._idle.clear()
