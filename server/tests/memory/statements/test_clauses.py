"""Messages in clauses."""

# ruff: noqa: RUF001 - the marks of Chinese, and of typesetters, are meant
from __future__ import annotations

import pytest

from backboard_server.memory.statements.clauses import Clause, clauses_of


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("I live in St. Louis. I like tea!", ["I live in St. Louis", "I like tea"]),
        ("Actually I like tea, and my name is Sam", ["I like tea", "my name is Sam"]),
        ("Hi! I'm Sam", ["Hi! I'm Sam"]),
        ("- I like tea\n- I like wine", ["I like tea", "I like wine"]),
        ("I live in Berlin, what should I eat?", ["I live in Berlin"]),
        ("I love tea ☕ :)", ["I love tea"]),
        ("我叫小明，我住在北京。", ["我叫小明", "我住在北京"]),
        ("", []),
    ],
)
def test_a_clause_says_one_thing(text: str, clauses: list[str]) -> None:
    found = [part for part in clauses_of(text) if isinstance(part, Clause)]

    assert [clause.text for clause in found] == clauses
    assert [text[clause.start : clause.end] for clause in found] == clauses
