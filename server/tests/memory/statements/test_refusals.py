"""Signs by which text is told to be somebody else's, or about nothing that is so."""

from __future__ import annotations

import pytest

from backboard_server.memory.statements.refusals import (
    is_hypothetical,
    is_interrogative,
    reason_of_line,
    reason_of_sentence,
)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("> so", "quoted"),
        ("Bob Miller: hello", "quoted"),
        ("Note: I like tea", None),
        ("# I live here", "code"),
        ("    x = 1", "code"),
        ("| a | b |", "pasted"),
        ("x" * 2_000, "pasted"),
        ("I like tea", None),
    ],
)
def test_lines(line: str, reason: str | None) -> None:
    assert reason_of_line(line) == reason


@pytest.mark.parametrize(
    ("sentence", "reason", "goes_on"),
    [
        ("You are a helpful assistant.", "prompt", True),
        ("Please act as a pirate.", "prompt", True),
        ("Pretend I am rich.", "hypothetical", True),
        ("Summarise this text", "pasted", True),
        ("Here is my essay:", "pasted", True),
        ("She told me I am rich.", "quoted", False),
    ],
)
def test_sentences(sentence: str, reason: str, goes_on: bool) -> None:
    refusal = reason_of_sentence(sentence)

    assert refusal is not None
    assert (refusal.reason, refusal.goes_on) == (reason, goes_on)


@pytest.mark.parametrize("sentence", ["I like tea.", "A few things about me:", "You are a gem."])
def test_plain_sentences_pass(sentence: str) -> None:
    assert reason_of_sentence(sentence) is None


def test_clauses() -> None:
    assert is_interrogative("do I like tea")
    assert not is_interrogative("I do like tea")
    assert is_hypothetical("I would live in Rome")
    assert not is_hypothetical("I live in Rome")
