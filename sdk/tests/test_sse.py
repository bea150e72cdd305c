from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard import BackboardResponseError
from backboard._sse import MESSAGE_BYTES_MAX, Decoder, ServerSentMessage

STREAM = (
    b"\xef\xbb\xbfdata: after a mark\r\n: comment\r\n\r\n"
    b"id: 1\ndata: {}\n\n"
    b'event: x\rdata: {"a":\rdata: "\xc3\xa9\xe2\x82\xac"}\r\r'
    b"id: 2\r\nretry: 9\r\ndata:no space\r\n\r\n"
    b"data\n\n"
    b"id: 3\n\n"
    b"data:  two spaces\n\n"
    b"id: ignored\0\ndata: last\n\n"
    b"data: cut off"
)
MESSAGES = [
    ServerSentMessage(b"after a mark", None),
    ServerSentMessage(b"{}", "1"),
    ServerSentMessage('{"a":\n"é€"}'.encode(), "1"),
    ServerSentMessage(b"no space", "2"),
    ServerSentMessage(b"", "2"),
    ServerSentMessage(b" two spaces", "3"),
    ServerSentMessage(b"last", "3"),
]


def decode(chunks: list[bytes]) -> list[ServerSentMessage]:
    decoder = Decoder()
    return [message for chunk in chunks for message in decoder.feed(chunk)]


def test_the_rules_of_the_standard_hold_for_a_stream_in_one_piece() -> None:
    assert decode([STREAM]) == MESSAGES


@given(st.lists(st.integers(0, len(STREAM))))
def test_any_split_of_the_bytes_gives_the_same_messages(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]

    assert decode([STREAM[start:end] for start, end in zip(places, places[1:])]) == MESSAGES


def test_bytes_that_come_one_by_one_give_the_same_messages() -> None:
    assert decode([bytes([byte]) for byte in STREAM]) == MESSAGES


@given(st.lists(st.binary(max_size=30)))
def test_no_bytes_break_the_decoder(chunks: list[bytes]) -> None:
    assert decode(chunks) == decode([b"".join(chunks)])


def test_a_message_is_given_as_soon_as_its_empty_line_has_come() -> None:
    assert decode([b"data: a\r\n\r"]) == [ServerSentMessage(b"a", None)]


def test_a_message_without_end_is_given_up_on() -> None:
    megabyte = b"x" * 1024 * 1024

    with pytest.raises(BackboardResponseError, match="exceeds"):
        decode([megabyte] * (MESSAGE_BYTES_MAX // len(megabyte) + 1))


def test_a_long_stream_of_short_messages_is_never_too_long() -> None:
    decoder = Decoder()
    chunk = (b"data: " + b"x" * 1024 + b"\n: comment\n\n") * 1024
    chunks = MESSAGE_BYTES_MAX // len(chunk) + 2

    count = sum(len(list(decoder.feed(chunk))) for _ in range(chunks))

    assert count == chunks * 1024
