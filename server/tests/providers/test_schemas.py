from __future__ import annotations

from typing import Any

import pytest

from backboard_server.providers._schemas import answer_schema, tool_schema

CITY: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@pytest.mark.parametrize("parameters", [None, {}, [], "object", {"type": "string"}, {"properties": None}])
def test_a_tool_without_parameters_takes_an_empty_object(parameters: object) -> None:
    assert tool_schema(parameters) == {"type": "object", "properties": {}}


def test_a_schema_that_is_taken_stays_as_it_is() -> None:
    schema = CITY | {"$defs": {"a": {"type": "string", "minLength": 1}}, "additionalProperties": True}

    assert tool_schema(schema) == schema


def test_a_union_at_the_top_becomes_the_properties_of_all_its_branches() -> None:
    union = tool_schema({"anyOf": [CITY, {"type": "object", "properties": {"zip": {"type": "string"}}}]})
    whole = tool_schema({"allOf": [CITY, {"properties": {"zip": {"type": "string"}}, "required": ["zip"]}]})

    assert union["properties"].keys() == whole["properties"].keys() == {"city", "zip"}
    assert union.keys() & {"anyOf", "allOf"} == set()
    assert (union.get("required"), whole["required"]) == (None, ["city", "zip"])


def test_earlier_drafts_of_json_schema_are_brought_up_to_date() -> None:
    properties = {
        "pair": {"type": "array", "items": [{"type": "string"}], "additionalItems": False},
        "age": {"type": "integer", "minimum": 0, "exclusiveMinimum": True, "required": True},
        "items": {"type": "array", "items": {"type": "string"}, "default": [{"exclusiveMinimum": True}]},
    }

    mended = tool_schema({"$schema": "http://json-schema.org/draft-04/schema#", "properties": properties})

    assert mended["properties"] == {
        "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
        "age": {"type": "integer", "exclusiveMinimum": 0},
        "items": {"type": "array", "items": {"type": "string"}, "default": [{"exclusiveMinimum": True}]},
    }
    assert "$schema" not in mended


def test_a_schema_without_an_end_does_no_harm() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(900):
        deep = {"type": "object", "properties": {"a": deep}}

    assert tool_schema(deep)["type"] == "object"
    assert answer_schema(deep) is None


def test_an_answer_is_held_to_objects_that_are_closed() -> None:
    nested = {"type": "object", "properties": {"home": CITY, "all": {"type": "array", "items": CITY}}}

    strict = answer_schema(nested)

    assert strict is not None
    closed = CITY | {"additionalProperties": False}
    assert strict["properties"] == {"home": closed, "all": {"type": "array", "items": closed}}
    assert (strict["additionalProperties"], strict["required"]) == (False, [])


def test_what_the_vendor_cannot_enforce_is_said_in_the_description() -> None:
    strict = answer_schema(
        CITY
        | {
            "properties": {
                "city": {"type": "string", "description": "Where.", "maxLength": 9, "format": "date"},
                "tags": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
            }
        }
    )

    assert strict is not None
    assert strict["properties"] == {
        "city": {"type": "string", "description": 'Where. {"maxLength":9}', "format": "date"},
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
            "description": '{"maxItems":3}',
        },
    }


def test_references_are_resolved_and_unions_kept() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "home": {"allOf": [{"$ref": "#/$defs/City"}]},
            "x": {"oneOf": [{"type": "null"}, CITY]},
        },
        "$defs": {"City": CITY},
    }

    strict = answer_schema(schema)

    assert strict is not None
    closed = CITY | {"additionalProperties": False}
    assert strict["properties"] == {"home": closed, "x": {"anyOf": [{"type": "null"}, closed]}}
    assert "$defs" not in strict


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


INEXPRESSIBLE: list[dict[str, Any]] = [
    {},
    {"type": "object"},
    {"type": "object", "additionalProperties": {"type": "string"}, "properties": {"a": {"type": "string"}}},
    _object(a={}),
    _object(a=True),
    _object(a={"type": "array"}),
    _object(a={"$ref": "#"}),
    _object(a={"$ref": "https://example.com/schema"}),
    _object(a={"$ref": "#/$defs/gone"}),
    _object(a={"$ref": 7}),
    _object(a={"allOf": [CITY, CITY]}),
    _object(a={"not": {"type": "string"}}),
    _object(**{f"p{number}": {"type": "string"} for number in range(25)}),
    _object(a={"type": "array", "items": {"anyOf": [{"type": ["string", "null"]}] * 17}}),
]


@pytest.mark.parametrize("schema", INEXPRESSIBLE)
def test_what_the_vendor_has_no_form_for_is_left_to_words(schema: dict[str, Any]) -> None:
    assert answer_schema(schema) is None


def test_references_that_multiply_are_not_followed_for_long() -> None:
    chain = {
        f"L{level}": _object(a={"$ref": f"#/$defs/L{level + 1}"}, b={"$ref": f"#/$defs/L{level + 1}"})
        for level in range(40)
    }

    assert answer_schema(_object(a={"$ref": "#/$defs/L0"}) | {"$defs": chain | {"L40": CITY}}) is None


def test_a_schema_that_contains_itself_is_known_at_once() -> None:
    tree = {"type": "object", "properties": {"left": {"$ref": "#/$defs/T"}}, "required": ["left"]}

    assert answer_schema({"$ref": "#/$defs/T", "$defs": {"T": tree}}) is None


def test_a_schema_of_nonsense_does_no_harm() -> None:
    required: Any = [[], {}, "a", "a"]
    odd: Any = {"type": "string", "format": [], "description": 7}
    nonsense = _object(a=odd) | {"required": required}

    assert tool_schema(nonsense)["required"] == ["a"]
    strict = answer_schema(nonsense)
    assert strict is not None
    assert strict["properties"]["a"]["description"] == '7 {"format":[]}'
