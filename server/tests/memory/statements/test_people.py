"""Names, ages, birthdays, family and pets."""

from __future__ import annotations

import pytest

from memory.saying import facts_in


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("My name is Sam Miller.", ["name=sam miller"]),
        ("my name's sam", ["name=sam"]),
        ("Hi, I'm Sam!", ["name=sam"]),
        ("I'm 34 years old", ["age=34"]),
        ("I just turned 40", ["age=40"]),
        ("I'm 340", []),
        ("My birthday is March 3rd", ["birthday=03-03"]),
        ("I was born on 3 March 1990", ["birthday=1990-03-03"]),
        ("I was born in 1990", ["birth_year=1990"]),
        ("I'm married to Anna", ["partner=anna"]),
        ("I'm divorced", ["marital_status=divorced"]),
        ("My wife's name is Anna and my son's name is Ben", ["partner=anna", "son:ben=yes"]),
        ("I have a daughter named Mia", ["daughter:mia=yes"]),
        ("I have two kids", ["children_count=2"]),
        ("I have two kids in my class", []),
        ("My mom's name is Rosa", ["mother=rosa"]),
        ("My dog is called Rex", ["pet:rex=yes"]),
        ("I have a golden retriever dog named Max", ["pet:max=yes"]),
        ("My dog Rex died", ["!pet:rex=yes"]),
        ("My pronouns are they/them", ["pronouns=they/them"]),
    ],
)
def test_who_one_is_and_whom_one_has(text: str, facts: list[str]) -> None:
    assert facts_in(text) == facts
