"""The serving side by itself, with the real model in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backboard_server.providers.embeddings.minilm.folder import EmbedderFolder
from backboard_server.providers.embeddings.minilm.frames import (
    Ask,
    Refusal,
    Vectors,
    decode_said,
    framed,
    read_frame,
)
from backboard_server.providers.embeddings.minilm.model import MiniLM, load_model
from backboard_server.providers.embeddings.minilm.serving import Serving
from backboard_server.providers.embeddings.minilm.weights import find_folder

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _load() -> MiniLM:
    return load_model(find_folder())


def _fail() -> MiniLM:
    raise ImportError("no such library")


@asynccontextmanager
async def _serve(
    data_dir: Path, load: Callable[[], MiniLM] = _load, idle_seconds: float = 60
) -> AsyncGenerator[tuple[str, asyncio.Task[None]]]:
    folder = EmbedderFolder(data_dir)
    serving = asyncio.create_task(Serving(load, idle_seconds=idle_seconds).run(folder.socket))
    try:
        yield folder.socket, serving
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        folder.close()


async def _connect(socket: str) -> Streams:
    async with asyncio.timeout(5):
        while True:
            try:
                return await asyncio.open_unix_connection(socket)
            except (FileNotFoundError, ConnectionRefusedError):
                await asyncio.sleep(0.01)


async def _ask(streams: Streams, *texts: str) -> Vectors | Refusal:
    reader, writer = streams
    writer.write(framed(Ask(list(texts))))
    return decode_said(await read_frame(reader))


async def test_a_connection_has_one_request_after_the_other_answered(data_dir: Path) -> None:
    async with _serve(data_dir) as (socket, _):
        streams = await _connect(socket)
        first, second, none = (
            await _ask(streams, "one"),
            await _ask(streams, "one", "two"),
            await _ask(streams),
        )
        streams[1].close()

    assert isinstance(first, Vectors)
    assert isinstance(second, Vectors)
    assert isinstance(none, Vectors)
    assert [len(said.vectors) for said in (first, second, none)] == [1, 2, 0]
    assert (first.input_tokens, second.input_tokens) == (3, 6)


@pytest.mark.parametrize("content", [b"\x00\x00\x00\x01x", b"\xff\xff\xff\xff", b"\x00\x00"])
async def test_who_speaks_otherwise_is_hung_up_on_and_the_others_are_served(
    data_dir: Path, content: bytes
) -> None:
    async with _serve(data_dir) as (socket, _):
        reader, writer = await _connect(socket)
        writer.write(content)
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()

        streams = await _connect(socket)
        assert isinstance(await _ask(streams, "one"), Vectors)
        streams[1].close()


async def test_what_keeps_the_model_from_loading_is_the_answer(data_dir: Path) -> None:
    async with _serve(data_dir, _fail) as (socket, _):
        streams = await _connect(socket)
        said = await _ask(streams, "one")
        streams[1].close()

    assert said == Refusal("The local embedder cannot be loaded: no such library")


async def test_it_is_over_when_nobody_has_asked_for_a_while(data_dir: Path) -> None:
    async with _serve(data_dir, idle_seconds=0.3) as (socket, serving):
        reader, writer = await _connect(socket)
        await _ask((reader, writer), "one")

        async with asyncio.timeout(5):
            await serving
        assert await reader.read() == b""
        writer.close()


async def test_it_stands_in_the_place_of_one_that_died(data_dir: Path) -> None:
    async with _serve(data_dir) as (socket, _):
        (await _connect(socket))[1].close()
    async with _serve(data_dir) as (socket, _):
        streams = await _connect(socket)
        assert isinstance(await _ask(streams, "one"), Vectors)
        streams[1].close()
