"""Schemas of others: compiled once, checked within bounds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.runs.schemas import (
    PROBLEM_CHARACTERS_MAX,
    PROBLEMS_MAX,
    SCHEMA_BYTES_MAX,
    compiled,
    find_compiled,
    problems_of,
)

INTEGERS = msgspec.json.encode({"type": "array", "items": {"type": "integer"}})


def test_a_schema_is_compiled_once() -> None:
    assert compiled(INTEGERS) is compiled(bytes(bytearray(INTEGERS)))
    assert find_compiled(INTEGERS) is compiled(INTEGERS)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "https://example.com/schema"},
        {"$ref": "#/$defs/missing"},
        {"type": "string", "pattern": "(?=a)b"},
    ],
)
def test_what_cannot_be_checked_is_told_or_passed_over(schema: dict[str, Any]) -> None:
    encoded = msgspec.json.encode(schema)

    with pytest.raises(ValueError):  # noqa: PT011 - the library's own sentences
        compiled(encoded)
    assert find_compiled(encoded) is None


def test_a_schema_that_is_too_large_is_passed_over() -> None:
    encoded = msgspec.json.encode({"description": "x" * SCHEMA_BYTES_MAX})

    assert find_compiled(encoded) is None


def test_problems_say_where_and_are_few_and_short() -> None:
    problems = list(problems_of(compiled(INTEGERS), ["x" * 10_000] * 100))

    assert len(problems) == PROBLEMS_MAX
    assert problems[0].startswith("at 0: ")
    assert all(len(problem) < PROBLEM_CHARACTERS_MAX + 20 for problem in problems)


def test_a_value_that_follows_the_schema_has_no_problem() -> None:
    assert list(problems_of(compiled(INTEGERS), [1, 2])) == []
