"""Token estimates."""

from __future__ import annotations

import pytest

from backboard_server.domain.tokens import estimate_message_tokens, estimate_tokens


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("a", 1),
        ("four", 1),
        ("fives", 2),
        ("éé", 1),  # four bytes
        ("日本語", 3),  # nine bytes
        ("🙂", 1),
        ("\ud800", 1),  # half of a pair, which UTF-8 cannot carry
    ],
    ids=ascii,
)
def test_four_bytes_make_a_token_rounded_up(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


def test_a_message_costs_more_than_its_text() -> None:
    assert estimate_message_tokens("four") == estimate_tokens("four") + 4
