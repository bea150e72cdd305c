from __future__ import annotations

import msgspec
import pytest

from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.bedrock.events import (
    arguments_of,
    decode_answer,
    decode_event,
    piece_of,
)


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"7", b"{", b"\xff", b"[" * 100_000, b'{"contentBlockDelta":{"delta":[]}}'],
)
def test_what_is_no_message_is_malformed(payload: bytes) -> None:
    with pytest.raises(Failure) as caught:
        decode_event(payload)

    assert caught.value.kind == "malformed"


@pytest.mark.parametrize(
    "body", [b"{}", b'{"output":{}}', b'{"output":{"message":{"content":null}}}', b"<html>"]
)
def test_what_is_no_answer_is_malformed(body: bytes) -> None:
    with pytest.raises(Failure) as caught:
        decode_answer(body)

    assert caught.value.kind == "malformed"


def test_unknown_events_and_fields_are_passed_over() -> None:
    event = decode_event(b'{"somethingNew":{"x":1}}')

    assert msgspec.structs.asdict(event) == dict.fromkeys(
        ["content_block_delta", "content_block_start", "message_stop", "metadata", "exception"]
    )


def test_arguments_stay_as_they_were_written() -> None:
    assert arguments_of(msgspec.Raw(b'{"a":1.50, "b":"\\u00e9"}')) == '{"a":1.50, "b":"\\u00e9"}'
    assert arguments_of(msgspec.Raw(b"null")) == "{}"
    assert piece_of(msgspec.Raw(b'"{\\"a\\": "')) == '{"a": '


@pytest.mark.parametrize("piece", [b"{}", b"7", b"null"])
def test_a_piece_of_arguments_is_text(piece: bytes) -> None:
    with pytest.raises(Failure, match="no text"):
        piece_of(msgspec.Raw(piece))
