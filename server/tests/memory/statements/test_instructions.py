"""What is asked for once and for all."""

from __future__ import annotations

import pytest

from memory.saying import facts_in


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Always answer in French.", ["answer_language=french"]),
        ("From now on, please answer in German", ["answer_language=german"]),
        ("I'd like you to always answer in French", ["answer_language=french"]),
        ("You don't need to answer in French any more", ["!answer_language=french"]),
        ("Answer in French", []),
        ("Never answer in French", ["instruction:answer in french=no"]),
        ("Please never use emojis.", ["instruction:use emoji=no"]),
        ("stop using emojis", ["instruction:use emoji=no"]),
        ("You can use emojis again", ["instruction:use emoji=yes"]),
        ("Remember to always use metric units", ["instruction:use metric unit=yes"]),
        ("Always use tabs in this file", []),
        ("If I ask about code, always use Python", []),
        ("Call me Sam", ["called=sam"]),
        ("Don't call me Sam", ["!called=sam"]),
        ("Call me when you're done", []),
        ("Always " + "use very " * 20 + "long words", []),
    ],
)
def test_standing_instructions(text: str, facts: list[str]) -> None:
    assert facts_in(text) == facts
