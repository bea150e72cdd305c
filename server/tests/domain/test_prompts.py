"""What a model gives back: the sum of what two calls used."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.domain.prompts import Usage

COUNTS = st.integers(0, 10**9)
USAGES = st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.none() | st.integers(0, 1000).map(float))


def test_each_count_is_added_to_its_own() -> None:
    first = Usage(1, 2, 3, 4, 5, 0.25)
    second = Usage(10, 20, 30, 40, 50, 0.5)

    assert first.plus(second) == Usage(11, 22, 33, 44, 55, 0.75)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [(None, None, None), (0.5, None, None), (None, 0.5, None), (0.0, 0.0, 0.0), (0.0, 0.5, 0.5)],
)
def test_a_cost_is_known_where_both_say_theirs(
    one: float | None, other: float | None, together: float | None
) -> None:
    assert Usage(cost_usd=one).plus(Usage(cost_usd=other)).cost_usd == together


@given(USAGES, USAGES)
def test_it_does_not_matter_which_call_came_first(one: Usage, other: Usage) -> None:
    assert one.plus(other) == other.plus(one)


@given(USAGES, USAGES, USAGES)
def test_three_calls_can_be_added_in_any_grouping(one: Usage, two: Usage, three: Usage) -> None:
    assert one.plus(two).plus(three) == one.plus(two.plus(three))
