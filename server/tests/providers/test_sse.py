from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backboard_server.providers._failures import Failure
from backboard_server.providers._sse import LINE_BYTES_MAX, EventDecoder

PIECES = st.sampled_from(
    [
        b"data: ",
        b"data:",
        b"data",
        b"a",
        "é".encode(),
        b"\n",
        b"\r",
        b"\r\n",
        b"\n\n",
        b": note",
        b"id: 7",
        b"\xef\xbb\xbf",
    ]
)


def _decode(blocks: list[bytes]) -> list[bytes]:
    decoder = EventDecoder()
    return [payload for block in blocks for payload in decoder.feed(block)]


@given(st.lists(PIECES, max_size=30).map(b"".join), st.lists(st.floats(0, 1), max_size=8))
@example(b"data: a\r\ndata: b\r\n\r\n", [8 / 20])
@example(b"data: a\rdata: b\n\n", [15 / 17])
def test_any_split_of_the_bytes_gives_the_same_payloads(stream: bytes, places: list[float]) -> None:
    cuts = sorted(round(place * len(stream)) for place in places)

    blocks = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]

    assert _decode(blocks) == _decode([stream])


@given(
    st.lists(st.text().map(lambda text: text.replace("\r", "").replace("\n", "")).map(str.encode), min_size=1)
)
@pytest.mark.parametrize("ending", [b"\n", b"\r", b"\r\n"])
def test_what_was_encoded_is_decoded_again_under_every_line_ending(
    ending: bytes, payloads: list[bytes]
) -> None:
    stream = b"".join(b"data: " + payload + ending + ending for payload in payloads)

    assert _decode([stream]) == payloads


@pytest.mark.parametrize(
    ("stream", "payloads"),
    [
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data:a\n\ndata:  b\n\n", [b"a", b" b"]),
        (b"data\n\n", [b""]),
        (b": keep-alive\n\nevent: x\nid: 1\nretry: 5\n\ndata: a\n\n", [b"a"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a\n\ndata: unfinished", [b"a"]),
        (b"data: a\n\ndata: without its blank line\n", [b"a"]),
        (b"database: a\n\n", []),
    ],
)
def test_fields_are_read_as_the_standard_says(stream: bytes, payloads: list[bytes]) -> None:
    assert _decode([stream]) == payloads


def test_a_line_without_end_is_refused_before_it_fills_the_memory() -> None:
    blocks = [b"x" * 65_536] * (LINE_BYTES_MAX // 65_536 + 1)

    with pytest.raises(Failure, match="longer than") as caught:
        _decode(blocks)

    assert caught.value.kind == "malformed"


def test_a_vendor_of_pictures_may_send_longer_lines() -> None:
    picture = b"x" * (LINE_BYTES_MAX + 1)
    decoder = EventDecoder(2 * LINE_BYTES_MAX)

    assert decoder.feed(b"data: " + picture) + decoder.feed(b"\n\n") == [picture]
