"""Text from outside: what cannot be seen is gone, and what is too long is cut and says so."""

from __future__ import annotations

import pytest

from backboard_server.tools.texts import one_line, plain, shortened


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain é 🙂 中文\twith\nlines", "plain é 🙂 中文\twith\nlines"),
        ("nul\0 bell\a escape\x1b[2J delete\x7f", "nul bell escape[2J delete"),
        ("next\x85line\r\n", "nextline\n"),
        ("half a pair \ud83d", "half a pair "),
        ("turned \u202eback\u202c, \u2066kept\u2069", "turned back, kept"),
        ("hidden \U000e0041\U000e0042 words", "hidden  words"),
        ("👩\u200d💻", "👩\u200d💻"),
    ],
)
def test_what_cannot_be_seen_is_taken_out(text: str, seen: str) -> None:
    assert plain(text) == seen


def test_a_long_text_is_cut_to_the_limit_and_tells_its_length() -> None:
    assert shortened("x" * 100, 100) == "x" * 100

    cut = shortened("x" * 12_345, 100)

    assert len(cut) == 100
    assert cut.endswith("x\n[cut here, 12,345 characters in all]")


def test_a_quoted_text_is_one_line() -> None:
    assert one_line(" two\n\n lines\x1b ", 100) == "two lines"
    assert one_line("x" * 20, 10) == "x" * 9 + "…"
