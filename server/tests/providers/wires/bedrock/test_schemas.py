from __future__ import annotations

from typing import Any

import pytest

from backboard_server.providers.wires.bedrock.schemas import compiled, parameters_of

CLAUDE, NOVA = "us.anthropic.claude-sonnet-4-6", "amazon.nova-pro-v1:0"
PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "pets": {"type": "array", "items": {"type": "string"}}},
    "required": ["name"],
}


EMPTY: dict[str, Any] = {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, EMPTY),
        ({}, EMPTY),
        (7, EMPTY),
        (PERSON, PERSON),
        ({"properties": PERSON["properties"]}, EMPTY | {"properties": PERSON["properties"]}),
        ({"type": ["object", "null"], "anyOf": [PERSON]}, EMPTY | {"properties": PERSON["properties"]}),
    ],
)
def test_parameters_are_an_object_without_a_union_at_its_top(given: object, sent: dict[str, Any]) -> None:
    assert parameters_of(given, CLAUDE) == sent


def test_nova_gets_definitions_in_the_place_of_references_and_nothing_else_at_the_top() -> None:
    given = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "title": "Trip",
        "additionalProperties": False,
        "properties": {"to": {"$ref": "#/$defs/City"}, "via": {"items": {"$ref": "#/definitions/Gone"}}},
        "required": ["to"],
        "$defs": {"City": {"type": "string"}},
    }

    assert parameters_of(given, NOVA) == {
        "type": "object",
        "properties": {"to": {"type": "string"}, "via": {"items": {}}},
        "required": ["to"],
    }


def test_a_schema_that_holds_itself_ends_somewhere() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}

    assert parameters_of(node | {"$defs": {"Node": node}}, NOVA)["type"] == "object"


def test_an_answer_is_held_to_a_closed_object() -> None:
    held = compiled(PERSON)

    assert held == PERSON | {"additionalProperties": False}


@pytest.mark.parametrize(
    "schema",
    [{}, {"type": "object"}, {"type": "array", "items": {"type": "string"}}, {"anyOf": [PERSON, PERSON]}],
)
def test_what_is_no_such_object_is_not_compiled(schema: dict[str, Any]) -> None:
    assert compiled(schema) is None


def test_a_schema_without_end_is_none() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(2_000):
        schema = {"type": "object", "properties": {"a": schema}}

    assert compiled(schema) is None
    assert parameters_of(schema, NOVA)["type"] == "object"
