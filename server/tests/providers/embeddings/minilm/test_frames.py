from __future__ import annotations

import asyncio

import pytest

from backboard_server.providers.embeddings.minilm.frames import (
    FRAME_BYTES_MAX,
    TEXT_CHARACTERS_MAX,
    TEXTS_MAX,
    Ask,
    Refusal,
    Vectors,
    decode_ask,
    decode_said,
    framed,
    read_frame,
)


async def _read(content: bytes) -> bytes:
    reader = asyncio.StreamReader()
    reader.feed_data(content)
    reader.feed_eof()
    return await read_frame(reader)


async def test_what_is_framed_is_read_again() -> None:
    assert decode_ask(await _read(framed(Ask(["one", "zwei 😀"])))) == Ask(["one", "zwei 😀"])
    for said in (Vectors((b"1234",), 3), Refusal("No.")):
        assert decode_said(await _read(framed(said))) == said


async def test_the_largest_request_and_the_largest_answer_fit() -> None:
    assert len(framed(Ask(["😀" * TEXT_CHARACTERS_MAX] * TEXTS_MAX))) <= FRAME_BYTES_MAX
    assert len(framed(Vectors((bytes(1_536),) * TEXTS_MAX, 256 * TEXTS_MAX))) <= FRAME_BYTES_MAX


async def test_a_frame_that_breaks_off_is_an_end() -> None:
    with pytest.raises(EOFError):
        await _read(framed(Ask(["one"]))[:-1])


async def test_a_frame_that_is_too_long_is_not_read() -> None:
    with pytest.raises(ValueError, match="is the most"):
        await _read((FRAME_BYTES_MAX + 1).to_bytes(4, "big"))
