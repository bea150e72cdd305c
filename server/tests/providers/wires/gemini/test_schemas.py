from __future__ import annotations

from typing import Any

import pytest

from backboard_server.providers.wires.gemini.schemas import mended, parameters_of

CASES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"$schema": "x", "type": "string", "pattern": "a", "default": "b"}, {"type": "string"}),
    ({"const": "on"}, {"enum": ["on"]}),
    ({"enum": ["a", 1, None, True]}, {"enum": ["a", 1]}),
    ({"enum": [None]}, {}),
    ({"type": ["string", "null"]}, {"type": ["string", "null"]}),
    ({"type": "number", "exclusiveMinimum": 0, "minimum": 1}, {"type": "number", "minimum": 1}),
    ({"oneOf": [{"const": 1}, {"x-own": 2}]}, {"oneOf": [{"enum": [1]}, {}]}),
    ({"items": [{"type": "string"}, True]}, {"prefixItems": [{"type": "string"}, {}]}),
    ({"items": {"title": "A", "uniqueItems": True}}, {"items": {"title": "A"}}),
    ({"additionalProperties": {"const": "a"}}, {"additionalProperties": {"enum": ["a"]}}),
    ({"additionalProperties": False}, {"additionalProperties": False}),
    ({"$ref": "#/$defs/A", "description": "beside"}, {"$ref": "#/$defs/A"}),
    ({"allOf": [{"$ref": "#/definitions/A"}], "title": "A"}, {"$ref": "#/$defs/A"}),
    ({"allOf": [{"type": "string", "not": {}}], "title": "A"}, {"type": "string", "title": "A"}),
    ({"allOf": [{}, {}], "type": "object"}, {"type": "object"}),
]


@pytest.mark.parametrize(("schema", "expected"), CASES)
def test_what_gemini_has_no_word_for_is_mended_or_left_out(
    schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert mended(schema) == expected


def test_definitions_of_older_drafts_are_found_where_references_look_for_them() -> None:
    schema = {
        "type": "object",
        "properties": {"first": {"$ref": "#/definitions/Card"}},
        "definitions": {"Card": {"type": "object", "properties": {"const": {"const": 1}}}},
        "$defs": {"Other": {"type": "string"}},
    }

    assert mended(schema) == {
        "type": "object",
        "properties": {"first": {"$ref": "#/$defs/Card"}},
        "$defs": {
            "Other": {"type": "string"},
            "Card": {"type": "object", "properties": {"const": {"enum": [1]}}},
        },
    }


def test_only_properties_that_there_are_can_be_required() -> None:
    assert mended({"properties": {"a": {}}, "required": ["a", "b"]})["required"] == ["a"]
    assert "required" not in mended({"type": "object", "required": ["b"]})


def test_a_schema_of_any_depth_is_mended_without_running_out_of_stack() -> None:
    schema: dict[str, Any] = {}
    for _ in range(5_000):
        schema = {"items": schema}

    assert "items" in mended(schema)


@pytest.mark.parametrize("shape", [{"properties": [1]}, {"items": 3}, {"anyOf": {"a": 1}}, {"enum": "a"}])
def test_a_schema_of_a_wrong_shape_is_none_but_no_fault(shape: dict[str, Any]) -> None:
    assert mended(shape) == {}


@pytest.mark.parametrize(
    "parameters",
    [
        None,
        "no",
        {},
        {"type": "object"},
        {"type": "object", "properties": {}, "additionalProperties": False, "required": []},
    ],
)
def test_a_function_without_parameters_has_none(parameters: object) -> None:
    assert parameters_of(parameters) is None


@pytest.mark.parametrize(
    "parameters",
    [
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object", "additionalProperties": True},
        {"type": "object", "$ref": "#/$defs/A", "$defs": {"A": {}}},
    ],
)
def test_a_function_with_parameters_keeps_them(parameters: dict[str, Any]) -> None:
    assert parameters_of(parameters) is not None
