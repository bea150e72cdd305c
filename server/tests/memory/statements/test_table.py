"""The order in which rules are tried, and what is to be forgotten."""

from __future__ import annotations

import pytest

from memory.saying import facts_in


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Forget that I live in Berlin", ["!lives_in=berlin"]),
        ("Please forget I like coffee", ["!likes:coffee=yes"]),
        ("Forget that I met the mayor", ["!None=i met the mayor"]),
        ("Forget it", []),
        ("Forget everything I said", []),
        ("Don't forget that I live in Berlin", ["lives_in=berlin"]),
    ],
)
def test_what_is_to_be_forgotten_is_over(text: str, facts: list[str]) -> None:
    assert facts_in(text) == facts
