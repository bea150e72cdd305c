from __future__ import annotations

import json

import msgspec
import pytest

from backboard_server.providers._failures import Failure
from backboard_server.providers._surrogates import decode_or_mend, without_halves

TEXTS = msgspec.json.Decoder(dict[str, str])


def test_half_a_character_becomes_a_question_mark_and_a_whole_one_stays() -> None:
    assert json.loads(without_halves(b'{"a": "\\ud83d", "b": "\\ud83d\\ude00"}')) == {"a": "?", "b": "😀"}


@pytest.mark.parametrize("payload", [b"", b"{", b"nothing"])
def test_what_is_no_json_is_an_error(payload: bytes) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        _ = without_halves(payload)


@pytest.mark.parametrize(("payload", "text"), [(b'{"a": "x"}', "x"), (b'{"a": "\\ud83d"}', "?")])
def test_what_is_read_may_hold_half_a_character(payload: bytes, text: str) -> None:
    assert decode_or_mend(TEXTS, payload) == {"a": text}


@pytest.mark.parametrize("payload", [b"", b"<html>", b'{"a": 7}', b"\xff", b"[" * 100_000])
def test_what_cannot_be_read_is_a_failure(payload: bytes) -> None:
    with pytest.raises(Failure) as caught:
        _ = decode_or_mend(TEXTS, payload)

    assert caught.value.kind == "malformed"
