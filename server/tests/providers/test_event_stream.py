from __future__ import annotations

import struct
from contextlib import suppress
from itertools import pairwise
from zlib import crc32

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backboard_server.providers._event_stream import MESSAGE_BYTES_MAX, MessageDecoder
from backboard_server.providers._failures import Failure
from fake_vendor.dialects.bedrock import message

JSON = {":content-type": "application/json"}
DELTA = {":message-type": "event", ":event-type": "contentBlockDelta"} | JSON

EVENTS = st.tuples(
    st.sampled_from(["contentBlockDelta", "messageStop", "metadata"]),
    st.text(st.characters(exclude_categories=("Cs",)), max_size=40).map(msgspec.json.encode),
)


def _event(name: str, payload: bytes) -> bytes:
    return message({":message-type": "event", ":event-type": name} | JSON, payload)


def _decode(blocks: list[bytes]) -> list[bytes]:
    decoder = MessageDecoder()
    return [payload for block in blocks for payload in decoder.feed(block)]


def _typed(headers: bytes) -> bytes:
    """Return a message whose headers are these bytes, and whose checksums are right."""
    prelude = struct.pack(">II", 18 + len(headers), len(headers))
    whole = prelude + struct.pack(">I", crc32(prelude)) + headers + b"{}"
    return whole + struct.pack(">I", crc32(whole))


@given(st.lists(EVENTS, max_size=6), st.lists(st.floats(0, 1), max_size=12))
@example([("metadata", b"{}"), ("metadata", b"{}")], [0.5])
def test_any_split_of_the_bytes_gives_the_same_payloads(
    events: list[tuple[str, bytes]], places: list[float]
) -> None:
    stream = b"".join(_event(name, payload) for name, payload in events)
    cuts = sorted(round(place * len(stream)) for place in places)

    blocks = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]

    assert _decode(blocks) == [b'{"%b":%b}' % (name.encode(), payload) for name, payload in events]


@given(st.lists(EVENTS, min_size=1, max_size=4), st.data())
def test_a_flipped_bit_is_a_failure_and_what_came_before_it_is_not_lost(
    events: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    messages = [_event(name, payload) for name, payload in events]
    stream = bytearray(b"".join(messages))
    position = data.draw(st.integers(0, len(stream) - 1))
    stream[position] ^= 1 << data.draw(st.integers(0, 7))
    whole = next(n for n in range(len(messages)) if position < len(b"".join(messages[: n + 1])))
    decoder = MessageDecoder()

    if whole:
        assert len(decoder.feed(bytes(stream))) == whole
    with pytest.raises(Failure) as caught:
        decoder.feed(bytes(stream))

    assert caught.value.kind == "malformed"


@given(st.binary(max_size=200))
def test_bytes_that_are_no_stream_are_a_failure_or_nothing(content: bytes) -> None:
    payloads: list[bytes] = []
    with suppress(Failure):
        payloads = _decode([content])

    assert payloads == []


@pytest.mark.parametrize(
    ("length", "said"),
    [(MESSAGE_BYTES_MAX + 1, "longer than"), (0xFFFFFFFF, "longer than"), (15, "shorter"), (0, "shorter")],
)
def test_a_message_of_no_possible_length_is_refused_at_its_beginning(length: int, said: str) -> None:
    lengths = struct.pack(">II", length, 0)

    with pytest.raises(Failure, match=said):
        _decode([lengths + struct.pack(">I", crc32(lengths))])


def test_headers_that_are_longer_than_their_message_are_refused() -> None:
    lengths = struct.pack(">II", 32, 17)

    with pytest.raises(Failure, match="shorter than its headers"):
        _decode([lengths + struct.pack(">I", crc32(lengths)) + bytes(20)])


def test_headers_of_every_type_are_passed_over() -> None:
    others = b"".join(
        struct.pack(">B", 1) + b"x" + struct.pack(">B", kind) + value
        for kind, value in (
            (0, b""),
            (1, b""),
            (2, b"a"),
            (3, b"ab"),
            (4, b"abcd"),
            (5, b"abcdefgh"),
            (6, b"\x00\x03abc"),
            (8, b"abcdefgh"),
            (9, b"abcdefghijklmnop"),
        )
    )
    named = b"".join(
        struct.pack(">B", len(name)) + name + b"\x07" + struct.pack(">H", len(value)) + value
        for name, value in ((b":message-type", b"event"), (b":event-type", b"messageStop"))
    )

    assert _decode([_typed(others + named)]) == [b'{"messageStop":{}}']


@pytest.mark.parametrize(
    "headers",
    [
        b"\xff",
        b"\x01x",
        b"\x01x\x0b",
        b"\x01x\x07\x00",
        b"\x01x\x07\xff\xffabc",
        b"\x01\xff\x00",
        b"\x01x\x02",
    ],
)
def test_headers_that_cannot_be_read_are_a_failure(headers: bytes) -> None:
    with pytest.raises(Failure, match="headers"):
        _decode([_typed(headers)])


def test_an_exception_and_an_error_come_with_their_name_and_what_they_say() -> None:
    exception = {":message-type": "exception", ":exception-type": "throttlingException"}
    error = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "Try again."}

    payloads = _decode([message(exception, b'{"message":"Slow."}') + message(error, b"")])

    assert [msgspec.json.decode(payload) for payload in payloads] == [
        {"exception": {"type": "throttlingException", "body": '{"message":"Slow."}'}},
        {"exception": {"type": "InternalFailure", "body": "Try again."}},
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {":message-type": "heartbeat"},
        {":message-type": "event"},
        {":message-type": "event", ":event-type": 'x":1,"y'},
        {":message-type": "event", ":event-type": "é"},
    ],
)
def test_messages_of_other_kinds_and_names_are_passed_over(headers: dict[str, str]) -> None:
    assert _decode([message(headers, b"{}") + message(DELTA, b"{}")]) == [b'{"contentBlockDelta":{}}']


def test_an_event_without_a_payload_says_nothing() -> None:
    assert _decode([message(DELTA, b"")]) == []
    assert _decode([message(DELTA, b"{}") + message(DELTA, b"")]) == [b'{"contentBlockDelta":{}}']


def test_many_kinds_of_headers_are_read_though_few_are_remembered() -> None:
    stream = b"".join(_event(f"event{number}", b"1") for number in range(200)) * 2

    assert len(_decode([stream])) == 400
