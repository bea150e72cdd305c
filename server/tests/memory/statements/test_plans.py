"""What is planned, until when it holds, and what came to nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from memory.saying import SAID_AT, facts_in, found_in


@pytest.mark.parametrize(
    ("text", "slot", "value", "ends"),
    [
        ("I'm going to Rome in May 2023", "plan:rome", "2023-05", datetime(2023, 6, 1, tzinfo=UTC)),
        ("I'm flying to Rome on 3 May", "plan:rome", "2023-05-03", datetime(2023, 5, 4, tzinfo=UTC)),
        ("I'll be in Paris next week", "plan:paris", "2023-01-16", datetime(2023, 1, 23, tzinfo=UTC)),
        ("We're getting married in June 2024", "plan:married", "2024-06", datetime(2024, 7, 1, tzinfo=UTC)),
        ("I'm moving to Oslo next year", "plan:move to oslo", "2024", datetime(2025, 1, 1, tzinfo=UTC)),
        ("I have an exam tomorrow", "plan:exam", "2023-01-11", datetime(2023, 1, 12, tzinfo=UTC)),
    ],
)
def test_a_plan_holds_until_its_day_is_over(text: str, slot: str, value: str, ends: datetime) -> None:
    (statement,) = found_in(text).statements

    assert (statement.kind, statement.slot, statement.value) == ("plan", slot, value)
    assert (statement.valid_from, statement.valid_to) == (SAID_AT, ends)


@pytest.mark.parametrize(
    "text", ["I'm not going to Rome any more", "My trip to Rome is cancelled", "I cancelled my trip to Rome"]
)
def test_a_plan_that_came_to_nothing_is_over(text: str) -> None:
    assert facts_in(text) == ["!plan:rome=None"]


@pytest.mark.parametrize(
    "text", ["I'm going to Rome", "I'm going to bed", "I'm going to Rome in May 2019", "I have an idea"]
)
def test_what_has_no_day_to_come_is_no_plan(text: str) -> None:
    assert facts_in(text) == []
