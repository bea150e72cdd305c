"""Embeddings: texts as directions in space, which lie close where the texts mean alike."""

from __future__ import annotations

from msgspec import Struct

NUMBER_BYTES = 4  # a vector's numbers are float32


class Embeddings(Struct, frozen=True):
    """The vectors of some texts, in their order, and how many tokens the texts had.

    A vector is its float32 numbers one after the other, the least byte first; its length in space is one, so
    that the inner product of two is the cosine of their angle. Those of two embedders have nothing to say to
    each other.
    """

    vectors: tuple[bytes, ...]
    input_tokens: int = 0
