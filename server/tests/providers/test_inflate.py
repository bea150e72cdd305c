"""Compressed answers are unpacked piece by piece, and no further than they may be."""

from __future__ import annotations

import gzip
import zlib

import pytest

from backboard_server.providers._failures import Failure
from backboard_server.providers._inflate import Inflater

TEXT = b"Once upon a time there was a gateway. " * 5_000
PLENTY = 10**9


def _unpacked(inflater: Inflater, packed: bytes, step: int) -> bytes:
    pieces = (packed[start : start + step] for start in range(0, len(packed), step))
    return b"".join(block for piece in pieces for block in inflater.unpacked(piece, PLENTY))


@pytest.mark.parametrize("step", [1, 7, 1_000_000])
@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(TEXT)), (" X-GZIP ", gzip.compress(TEXT)), ("deflate", zlib.compress(TEXT))],
)
def test_a_packed_body_comes_out_whole(encoding: str, packed: bytes, step: int) -> None:
    inflater = Inflater(encoding)

    assert _unpacked(inflater, packed, step) == TEXT
    assert inflater.is_whole


@pytest.mark.parametrize("encoding", ["", "identity"])
def test_a_plain_body_is_left_as_it_is(encoding: str) -> None:
    inflater = Inflater(encoding)

    assert inflater.unpacked(b"plain", 2) == [b"plain"]
    assert inflater.is_whole


def test_a_bomb_is_unpacked_one_byte_past_the_bound_and_no_further() -> None:
    bomb = gzip.compress(bytes(50_000_000))

    blocks = Inflater("gzip").unpacked(bomb, 100_000)

    assert sum(map(len, blocks)) == 100_001
    assert max(map(len, blocks)) <= 64 * 1024


def test_a_body_that_stops_early_is_not_whole() -> None:
    inflater = Inflater("gzip")
    _unpacked(inflater, gzip.compress(TEXT)[:-9], 100)

    assert not inflater.is_whole


def test_what_follows_the_first_member_is_left_out() -> None:
    assert _unpacked(Inflater("gzip"), gzip.compress(b"a") + gzip.compress(b"b") * 1_000, 10_000) == b"a"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_a_compression_that_nobody_asked_for_is_malformed(encoding: str) -> None:
    with pytest.raises(Failure, match="not asked for") as caught:
        Inflater(encoding)

    assert caught.value.kind == "malformed"


def test_broken_compression_is_malformed() -> None:
    with pytest.raises(Failure, match="broken"):
        Inflater("gzip").unpacked(b"not gzip at all", PLENTY)
