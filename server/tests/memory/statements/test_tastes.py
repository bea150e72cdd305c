"""Likes, diets, allergies, belongings and habits."""

from __future__ import annotations

import pytest

from memory.saying import facts_in, found_in


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("I really love coffee", ["likes:coffee=yes"]),
        ("I can't stand olives", ["likes:olive=no"]),
        ("I don't like coffee any more", ["likes:coffee=no"]),
        ("I like coffee more than tea", ["likes:coffee=yes"]),
        ("I hate coffee with sugar", ["likes:coffee with sugar=no"]),
        ("I prefer tea to coffee", ["prefers:coffee or tea=tea"]),
        ("I prefer coffee to tea", ["prefers:coffee or tea=coffee"]),
        ("Green is my favorite color", ["favourite:colour=green"]),
        ("I'm allergic to peanuts and shellfish", ["allergy:peanut=yes", "allergy:shellfish=yes"]),
        ("I'm no longer vegetarian", ["!diet=vegetarian"]),
        ("I don't eat pork", ["eats:pork=no"]),
        ("My gym is near my office in Berlin", ["my:gym=near my office in berlin"]),
    ],
)
def test_tastes(text: str, facts: list[str]) -> None:
    assert facts_in(text) == facts


def test_a_habit_stands_for_itself() -> None:
    (statement,) = found_in("I play tennis in Berlin every Tuesday.").statements

    assert (statement.slot, statement.content) == (None, "I play tennis in Berlin every Tuesday")
