"""The serving side: one model, one thread that computes, and everybody's texts in small turns."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from backboard_server.providers.embeddings._batches import batches

from .frames import Refusal, Said, Vectors, decode_ask, framed, read_frame

if TYPE_CHECKING:
    from .model import MiniLM

IDLE_SECONDS = 600.0
TURN_TOKENS_MAX = 512  # about 0.15 s: as long as a question waits behind each client with a long list
TURN_TEXTS_MAX = 64
_ALONE_SECONDS = 5.0
_FAILED_SECONDS = 5.0  # then somebody may have installed what was missing
_LOOK_SECONDS = 0.2

A = TypeVar("A")
T = TypeVar("T")


class Serving:
    """Serves until nobody has asked for a while, or nobody is connected: who uses it keeps a connection."""

    def __init__(self, load: Callable[[], MiniLM], *, idle_seconds: float = IDLE_SECONDS) -> None:
        """`load` is called once, in the thread that computes, while the first clients connect already."""
        self._load = load
        self._idle_seconds = idle_seconds
        self._thread = ThreadPoolExecutor(1, "minilm")
        self._talks: set[asyncio.Task[None]] = set()
        self._answering = 0
        self._used_at = 0.0
        self._alone_since = 0.0

    async def run(self, socket: str) -> None:
        """Listen at a path, in the place of whoever listened there before, and return when it is over."""
        loop = asyncio.get_running_loop()
        self._used_at = self._alone_since = loop.time()
        self._loading = loop.run_in_executor(self._thread, self._load)
        self._loading.add_done_callback(self._take_note)
        server = await asyncio.start_unix_server(self._accept, socket)
        try:
            await self._until_over(Path(socket))
        finally:
            server.close()
            for talk in self._talks:
                talk.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _until_over(self, socket: Path) -> None:
        """Return when nobody asks any more, or nobody can, as the socket was removed."""
        loop = asyncio.get_running_loop()
        while not self._is_over(loop.time()) and await asyncio.to_thread(socket.exists):  # noqa: ASYNC110 - time passes without an event
            await asyncio.sleep(_LOOK_SECONDS)

    def _is_over(self, now: float) -> bool:
        if self._answering:
            return False
        is_alone = not self._talks and now - self._alone_since > _ALONE_SECONDS
        return is_alone or now - self._used_at > self._idle_seconds

    def _take_note(self, loading: asyncio.Future[MiniLM]) -> None:
        if not loading.cancelled() and loading.exception():
            self._idle_seconds = min(self._idle_seconds, _FAILED_SECONDS)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._talks.add(talk)
        talk.add_done_callback(self._part)

    def _part(self, talk: asyncio.Task[None]) -> None:
        self._talks.discard(talk)
        self._alone_since = asyncio.get_running_loop().time()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other until the client goes, or says what cannot be read."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                frame = await read_frame(reader)
                self._answering += 1
                try:
                    writer.write(framed(await self._answer(frame, reader)))
                finally:
                    self._answering -= 1
                    self._used_at = loop.time()
                await writer.drain()
        except (EOFError, OSError, ValueError, msgspec.MsgspecError):
            return
        finally:
            writer.close()

    async def _answer(self, frame: bytes, reader: asyncio.StreamReader) -> Said:
        """Return the vectors. Raises EOFError when the client went away meanwhile."""
        texts = decode_ask(frame).texts
        try:
            model = await asyncio.shield(self._loading)
        except Exception as error:  # noqa: BLE001 - whatever keeps the model from loading is the answer
            return Refusal(f"The local embedder cannot be loaded: {error}")
        vectors: list[bytes] = []
        tokens = await self._compute(model.tokenize, texts)
        turns = batches(tokens, count_max=TURN_TEXTS_MAX, weight_max=TURN_TOKENS_MAX, weigh=len)
        for turn in turns:
            if reader.at_eof():
                raise EOFError("the client is gone")
            vectors += (await self._compute(model.embed, turn)).vectors
        return Vectors(tuple(vectors), sum(map(len, tokens)))

    def _compute(self, compute: Callable[[list[A]], T], argument: list[A]) -> Awaitable[T]:
        return asyncio.get_running_loop().run_in_executor(self._thread, compute, argument)
