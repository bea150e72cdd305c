"""Values of the wrong type that can only mean one value of the right one."""

from __future__ import annotations

from typing import Any

import pytest

from backboard_server.runs.coercion import coerced

INTEGER = {"type": "integer"}


@pytest.mark.parametrize(
    ("value", "schema", "expected"),
    [
        ("5", INTEGER, 5),
        (" -12 ", INTEGER, -12),
        ("5", {"type": ["integer", "null"]}, 5),
        ("5", {"anyOf": [INTEGER, {"type": "null"}]}, 5),
        ("2.50", {"type": "number"}, 2.5),
        ("1e3", {"type": "number"}, 1000.0),
        ("true", {"type": "boolean"}, True),
        ("False", {"type": "boolean"}, False),
        (75001, {"type": "string"}, "75001"),
        (1.5, {"type": "string"}, "1.5"),
        ("[1, 2]", {"type": "array"}, [1, 2]),
        ('{"a": "1"}', {"type": "object", "properties": {"a": INTEGER}}, {"a": 1}),
        ('["1"]', {"type": "array", "items": INTEGER}, [1]),
        (["1", 2], {"type": "array", "items": INTEGER}, [1, 2]),
    ],
)
def test_what_can_mean_one_thing_only_becomes_that(value: object, schema: Any, expected: object) -> None:
    found = coerced(value, schema)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "schema"),
    [
        ("five", INTEGER),
        ("05", INTEGER),
        ("5.5", INTEGER),
        ("", INTEGER),
        ("9" * 30, INTEGER),
        ("NaN", {"type": "number"}),
        ("yes", {"type": "boolean"}),
        (1, {"type": "boolean"}),
        (True, {"type": "string"}),
        (None, {"type": "string"}),
        ("5", {"type": ["integer", "string"]}),
        ("5", {"anyOf": [INTEGER, {"type": "string"}]}),
        ("5", {}),
        ("5", True),
        ("5", None),
        ("a, b", {"type": "array"}),
        ("{}", {"type": "array"}),
        ({"a": "5"}, {"type": "object"}),
        ({"a": "5"}, {"type": "object", "properties": {"b": INTEGER}}),
        (["5"], {"type": "array"}),
    ],
)
def test_what_is_in_doubt_stays_as_it_is(value: object, schema: object) -> None:
    assert coerced(value, schema) is value


def test_values_are_put_right_wherever_they_are() -> None:
    schema = {
        "type": "object",
        "properties": {
            "days": INTEGER,
            "place": {"type": "object", "properties": {"zip": {"type": "string"}}},
        },
    }
    value = {"days": "3", "place": {"zip": 75001, "more": 1}, "other": "5"}

    assert coerced(value, schema) == {"days": 3, "place": {"zip": "75001", "more": 1}, "other": "5"}
    assert value["days"] == "3"


def test_what_is_nested_without_end_ends() -> None:
    schema: dict[str, Any] = {"type": "array"}
    schema["items"] = schema
    value: list[Any] = []
    for _ in range(100):
        value = [value]

    assert coerced(value, schema) is value
