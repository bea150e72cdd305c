"""The words of a date, as patterns without case find them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from backboard_server.memory.calendar import MONTH, as_spelled, midnight, month_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("January", 1), ("may", 5), ("Sept", 9), ("SEP", 9), ("\u017feptember", 9), ("dec.", 12)],
)
def test_a_month_has_its_number(text: str, number: int) -> None:
    found = re.match(MONTH, text, re.IGNORECASE)

    assert found is not None
    assert month_number(found[0]) == number


@pytest.mark.parametrize("text", ["mayor", "marching", "octo"])
def test_a_word_that_begins_like_a_month_is_none(text: str) -> None:
    assert re.match(MONTH, text, re.IGNORECASE) is None


@pytest.mark.parametrize("text", ["Six", "\u017fix", "S\u0130X", "s\u0131x"])
def test_a_word_is_spelled_as_in_the_pattern_that_found_it(text: str) -> None:
    assert re.match("six", text, re.IGNORECASE)
    assert as_spelled(text) == "six"


def test_a_day_begins_at_midnight() -> None:
    assert midnight(datetime(2026, 11, 28, 9, 30, 1, 5, tzinfo=UTC)) == datetime(2026, 11, 28, tzinfo=UTC)
