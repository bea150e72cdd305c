"""The form of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.domain.prompts import ResponseFormat
from backboard_server.runs.formats import Checked, check, check_schema, unfenced
from backboard_server.runs.schemas import PROBLEMS_MAX, SCHEMA_BYTES_MAX

PERSON = ResponseFormat(
    schema={
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name"],
        "additionalProperties": False,
    }
)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"name": "Ada"}', '{"name": "Ada"}'),
        (' \n{"name": "Ada"}\n', '{"name": "Ada"}'),
        ('```json\n{"name": "Ada"}\n```', '{"name": "Ada"}'),
        ('```\n{"name": "Ada"}```', '{"name": "Ada"}'),
    ],
)
def test_what_follows_the_schema_passes_without_its_fence(content: str, expected: str) -> None:
    assert check(PERSON, content) == Checked(expected)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("Ada", "not JSON"),
        ("", "not JSON"),
        ('{"name": "Ada"', "not JSON"),
        ('{"age": 36}', '"name" is a required property'),
        ('{"name": "Ada", "age": "old"}', "at age"),
        ('{"name": "Ada", "born": 1815}', "born"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_does_not_follow_the_schema_is_told_where_and_why(content: str, part: str) -> None:
    assert part in (check(PERSON, content).problem or "")


def test_without_a_schema_any_object_passes_and_nothing_else() -> None:
    assert check(ResponseFormat(), "{}").problem is None
    assert check(ResponseFormat(), "[]").problem == "it is not a JSON object"


def test_the_problems_that_are_told_are_few_and_short() -> None:
    schema = ResponseFormat(schema={"type": "array", "items": {"type": "integer"}})

    problem = check(schema, str(["x" * 10_000] * 1_000).replace("'", '"')).problem or ""

    assert problem.count(";") == PROBLEMS_MAX - 1
    assert len(problem) < 2_000


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"$ref": "http://127.0.0.1:9/schema"},
        {"$ref": "file:///etc/passwd"},
        {"properties": {"a": {"$ref": "#/$defs/missing"}}},
        {"type": "string", "pattern": "(?=a)b"},
        {"type": "object", "required": "name"},
        {"description": "x" * SCHEMA_BYTES_MAX},
    ],
)
def test_a_schema_that_cannot_be_checked_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        check_schema(schema)

    assert caught.value.error_code == "invalid_schema"
    assert "response_format" in caught.value.message


def test_a_pattern_made_to_run_for_ever_does_not() -> None:
    hostile = ResponseFormat(schema={"type": "string", "pattern": "^(a+)+$"})

    assert check(hostile, '"' + "a" * 50_000 + '!"').problem is not None


@pytest.mark.parametrize("content", ["```json\n{}\n```", " ```\n{}``` ", "{}", "\n{} "])
def test_a_code_block_is_taken_away(content: str) -> None:
    assert unfenced(content) == "{}"
