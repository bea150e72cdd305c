from __future__ import annotations

import json

import pytest

from backboard_server.providers._surrogates import without_halves


def test_half_a_character_becomes_a_question_mark_and_a_whole_one_stays() -> None:
    assert json.loads(without_halves(b'{"a": "\\ud83d", "b": "\\ud83d\\ude00"}')) == {"a": "?", "b": "😀"}


@pytest.mark.parametrize("payload", [b"", b"{", b"nothing"])
def test_what_is_no_json_is_an_error(payload: bytes) -> None:
    with pytest.raises(ValueError, match="Expecting"):
        _ = without_halves(payload)
