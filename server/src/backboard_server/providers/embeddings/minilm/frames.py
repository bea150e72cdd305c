"""What goes over the socket: MessagePack behind its length, four bytes with the greatest first."""

from __future__ import annotations

import asyncio

import msgspec
from msgspec import Struct

FRAME_BYTES_MAX = 8 * 1024 * 1024
TEXTS_MAX = 64
TEXT_CHARACTERS_MAX = 8_192  # 32 for each token that is read; only walls of blanks or of one word have more
_LENGTH_BYTES = 4


class Ask(Struct, frozen=True):
    """A request: texts to embed. A connection has one at a time."""

    texts: list[str]


class Vectors(Struct, frozen=True, tag="vectors"):
    """The answer, as `Embeddings` holds it."""

    vectors: tuple[bytes, ...]
    input_tokens: int


class Refusal(Struct, frozen=True, tag="refusal"):
    """Why there is no answer, in a sentence."""

    message: str


Said = Vectors | Refusal

_encoder = msgspec.msgpack.Encoder()
decode_ask = msgspec.msgpack.Decoder(Ask).decode
decode_said = msgspec.msgpack.Decoder[Said](Said).decode


def framed(content: Ask | Said) -> bytes:
    """Return a frame."""
    payload = _encoder.encode(content)
    return len(payload).to_bytes(_LENGTH_BYTES, "big") + payload


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Return the content of the next frame.

    Raises EOFError where the other side is gone, and ValueError for a frame that is too long.
    """
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    if length > FRAME_BYTES_MAX:
        raise ValueError(f"a frame of {length:,} bytes, and {FRAME_BYTES_MAX:,} is the most")
    return await reader.readexactly(length)
