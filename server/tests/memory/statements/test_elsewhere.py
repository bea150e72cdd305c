"""The plainest statements in other languages than English."""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
from __future__ import annotations

import pytest

from memory.saying import facts_in


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
