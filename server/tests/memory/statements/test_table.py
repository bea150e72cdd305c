"""Tastes, other languages, habits and forgetting, as the rules read them in their order."""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
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
        ("Green is my favorite color", ["favourite:colour=green"]),
        ("I'm allergic to peanuts and shellfish", ["allergy:peanut=yes", "allergy:shellfish=yes"]),
        ("I'm no longer vegetarian", ["!diet=vegetarian"]),
        ("I don't eat pork", ["eats:pork=no"]),
        ("My gym is near my office in Berlin", ["my:gym=near my office in berlin"]),
    ],
)
def test_tastes(text: str, facts: list[str]) -> None:
    assert facts_in(text) == facts


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("Ich heiße Sam und ich wohne in Berlin.", ["name=sam", "lives_in=berlin"]),
        ("Ich mag Kaffee. Ich mag Oliven nicht.", ["likes:kaffee=yes", "likes:oliven=no"]),
        ("Ich arbeite als Lehrer", ["works_as=lehrer"]),
        (
            "Je m'appelle Ana, j'habite à Paris et j'aime le café",
            ["name=ana", "lives_in=paris", "likes:café=yes"],
        ),
        ("Je travaille comme infirmière", ["works_as=infirmière"]),
        (
            "Me llamo Ana. Vivo en Madrid y me gusta el café.",
            ["name=ana", "lives_in=madrid", "likes:café=yes"],
        ),
        ("Trabajo como profesora", ["works_as=profesora"]),
        (
            "我叫小明，我住在北京。我喜欢咖啡。我是一名老师",
            ["name=小明", "lives_in=北京", "likes:咖啡=yes", "works_as=老师"],
        ),
        ("我不是医生", []),
        ("Wenn ich in Rom wohne", []),
    ],
)
def test_other_languages(text: str, facts: list[str]) -> None:
    assert facts_in(text) == facts


def test_a_habit_stands_for_itself() -> None:
    (statement,) = found_in("I play tennis in Berlin every Tuesday.").statements

    assert (statement.slot, statement.content) == (None, "I play tennis in Berlin every Tuesday")


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
