from __future__ import annotations

import pytest

from backboard import BackboardResponseError, ToolCallFunction, ToolDefinition


@pytest.mark.parametrize(("text", "arguments"), [('{"a": 1}', {"a": 1}), ("{}", {}), ("", {})])
def test_arguments_are_parsed_on_demand(text: str, arguments: dict[str, object]) -> None:
    assert ToolCallFunction(name="f", arguments=text).parsed_arguments == arguments


@pytest.mark.parametrize("text", ['{"a": ', "[1]", "null", '"text"'])
def test_arguments_that_are_no_object_are_an_error_that_shows_them(text: str) -> None:
    with pytest.raises(BackboardResponseError, match="arguments of f") as raised:
        _ = ToolCallFunction(name="f", arguments=text).parsed_arguments

    assert raised.value.body == text


def test_a_schema_keeps_words_and_types_that_are_not_declared() -> None:
    schema = {
        "type": "object",
        "properties": {"place": {"type": ["string", "null"], "const": "Oslo", "items": True}},
        "required": ["place"],
        "additionalProperties": False,
    }
    tool = {"type": "function", "function": {"name": "f", "parameters": schema, "strict": True}}

    assert ToolDefinition.model_validate(tool).model_dump(exclude_none=True) == tool


def test_a_function_without_parameters_takes_an_empty_object() -> None:
    tool = ToolDefinition.model_validate({"function": {"name": "f"}})

    assert tool.function is not None
    assert tool.function.parameters.model_dump(exclude_none=True) == {"type": "object", "properties": {}}
