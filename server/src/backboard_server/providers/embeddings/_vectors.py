"""Vectors of a provider: read from either form, checked, and brought to length one.

By the standard library alone: C loops over a few thousand numbers, and no numpy in the web processes.
"""

from __future__ import annotations

import base64
import binascii
import math
import sys
from array import array

from backboard_server.domain.embeddings import NUMBER_BYTES
from backboard_server.providers._failures import Failure

_LENGTH_TOLERANCE = 1e-4  # how far float32 may be off the length of one; beyond, a vector is scaled


def read_vector(embedding: str | list[float]) -> array[float]:
    """Return the numbers of an `embedding`: base64 of float32, the least byte first, or a list.

    Raises Failure (malformed).
    """
    if isinstance(embedding, list):
        return array("f", embedding)
    try:
        content = base64.b64decode(embedding, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Failure("malformed", f"a vector that is no base64: {error}") from None
    if len(content) % NUMBER_BYTES:
        raise Failure("malformed", "a vector that ends inside a number")
    return _array_of(content)


def unit_bytes(vector: array[float]) -> bytes:
    """Return the vector at length one, as `Embeddings` holds it.

    Raises Failure (malformed) for one that points nowhere: infinite, not a number, or all zeros.
    """
    length = math.hypot(*vector)
    if not math.isfinite(length) or length == 0:
        raise Failure("malformed", f"a vector of the length {length:g}")
    if abs(length - 1) > _LENGTH_TOLERANCE:
        vector = array("f", (number / length for number in vector))
    return _bytes_of(vector)


def _array_of(content: bytes) -> array[float]:
    vector = array("f")
    vector.frombytes(content)
    return _turned(vector)


def _bytes_of(vector: array[float]) -> bytes:
    return _turned(vector).tobytes()


def _turned(vector: array[float]) -> array[float]:
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return vector
