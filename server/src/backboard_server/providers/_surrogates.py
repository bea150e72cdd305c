"""Half a character: hosts that cut a text into pieces sometimes cut a surrogate pair in two."""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from ._refusals import malformed

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)  # what decoders raise for no JSON

T = TypeVar("T")


def decode_or_mend(decoder: msgspec.json.Decoder[T], payload: bytes) -> T:
    """Return what is read, mended where it holds half a character; raises Failure (malformed)."""
    try:
        return decoder.decode(payload)
    except UNREADABLE:
        return decode_mended(decoder, payload)


def decode_mended(decoder: msgspec.json.Decoder[T], payload: bytes) -> T:
    """Return what holds half a character; raises Failure (malformed) for what cannot be read even so."""
    try:
        return decoder.decode(without_halves(payload))
    except (ValueError, RecursionError) as error:
        raise malformed(error, payload) from error


def without_halves(payload: bytes) -> bytes:
    """Return JSON with a question mark for each half; raises ValueError or RecursionError for no JSON."""
    return json.dumps(json.loads(payload), ensure_ascii=False).encode("utf-8", "replace")
