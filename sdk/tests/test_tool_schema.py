import functools
from dataclasses import dataclass
from enum import Enum
from typing import Any, Callable, Dict, List, Optional

import pytest
from pydantic import BaseModel, Field
from typing_extensions import Annotated, Literal, TypedDict

from backboard import ToolDefinition, tool_schema
from backboard._tool_schema import argument_types


class Unit(Enum):
    CELSIUS = "c"
    FAHRENHEIT = "f"


@dataclass
class Point:
    x: int
    y: int = 0


class Place(BaseModel):
    name: str


class Stop(TypedDict):
    line: str


def get_weather(city: str, unit: Literal["c", "f"] = "c", days: Optional[int] = None) -> str:
    """Say what the weather
    will be.

    It asks a service that knows.

    Args:
        city (str): Which city,
            with its country.
        unit: Which scale.

    Returns:
        days: not a parameter here
    """
    return f"{city} {unit} {days}"


def taking(**hints: Any) -> Callable[..., Any]:
    """A function with one parameter, `value`, hinted so or not at all."""

    def take(value: Any) -> Any:
        return value

    take.__annotations__ = hints
    return take


def parameters(function: Callable[..., Any]) -> Any:
    return tool_schema(function)["function"]["parameters"]


def test_a_function_says_itself_what_it_does_and_takes() -> None:
    schema = tool_schema(get_weather)

    assert schema["type"] == "function"
    assert schema["function"]["name"] == "get_weather"
    assert schema["function"]["description"] == "Say what the weather will be."
    assert schema["function"]["parameters"] == {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Which city, with its country."},
            "unit": {"enum": ["c", "f"], "type": "string", "default": "c", "description": "Which scale."},
            "days": {
                "anyOf": [{"type": "integer"}, {"type": "null"}],
                "default": None,
                "description": "not a parameter here",
            },
        },
        "required": ["city"],
        "additionalProperties": False,
    }


def test_a_schema_is_a_tool_of_a_message() -> None:
    schema = tool_schema(get_weather)

    assert ToolDefinition.model_validate(schema).model_dump(exclude_unset=True) == schema


@pytest.mark.parametrize(
    ("hint", "schema", "given", "taken"),
    [
        (str, {"type": "string"}, '"a"', "a"),
        (int, {"type": "integer"}, "1", 1),
        (float, {"type": "number"}, "1", 1.0),
        (bool, {"type": "boolean"}, "true", True),
        (List[int], {"type": "array", "items": {"type": "integer"}}, '[1, "2"]', [1, 2]),
        (Dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}, "{}", {}),
        (Unit, {"$ref": "#/$defs/Unit"}, '"f"', Unit.FAHRENHEIT),
        (Point, {"$ref": "#/$defs/Point"}, '{"x": 1}', Point(1)),
        (Place, {"$ref": "#/$defs/Place"}, '{"name": "Oslo"}', Place(name="Oslo")),
        (Stop, {"$ref": "#/$defs/Stop"}, '{"line": "7"}', {"line": "7"}),
        (Any, {}, "[null]", [None]),
    ],
)
def test_a_hint_is_the_schema_of_a_parameter_and_the_type_of_its_argument(
    hint: Any, schema: Any, given: str, taken: Any
) -> None:
    function = taking(value=hint)

    assert parameters(function)["properties"] == {"value": schema}
    assert argument_types(function).validate_json(f'{{"value": {given}}}')[1] == {"value": taken}


def test_a_parameter_without_a_hint_takes_anything() -> None:
    assert parameters(taking())["properties"] == {"value": {}}


def test_what_a_schema_refers_to_comes_with_it() -> None:
    assert parameters(taking(value=Unit))["$defs"]["Unit"]["enum"] == ["c", "f"]


def test_descriptions_are_found_in_every_habit() -> None:
    def move(x: int, y: int, z: Annotated[int, Field(description="Up.", ge=0)] = 0) -> None:
        """Move.

        x: To the right.
        :param int y: To the
            front.
        z: Nothing that counts.
        other: No parameter.
        """

    properties = parameters(move)["properties"]

    assert properties["x"]["description"] == "To the right."
    assert properties["y"]["description"] == "To the front."
    assert (properties["z"]["description"], properties["z"]["minimum"]) == ("Up.", 0)


def test_a_function_without_words_has_no_description() -> None:
    def silent() -> None: ...

    def listing(a: int) -> None:
        """Args:
        a: A number.
        """

    assert "description" not in tool_schema(silent)["function"]
    assert parameters(silent)["properties"] == {}
    assert "description" not in tool_schema(listing)["function"]
    assert parameters(listing)["properties"]["a"]["description"] == "A number."


def test_names_that_mean_something_elsewhere_are_parameters_like_others() -> None:
    def find(json: str, title: str, model_name: str, self_: int = 0) -> None: ...

    assert list(parameters(find)["properties"]) == ["json", "title", "model_name", "self_"]


def test_methods_and_decorated_functions_are_functions() -> None:
    class Shop:
        def price(self, item: str) -> float:
            """Say a price."""
            return len(item)

    @functools.wraps(get_weather)
    def logged(*values: Any, **named: Any) -> str:
        return get_weather(*values, **named)

    assert tool_schema(Shop().price)["function"]["description"] == "Say a price."
    assert list(parameters(Shop().price)["properties"]) == ["item"]
    assert tool_schema(logged) == tool_schema(get_weather)


@pytest.mark.parametrize(
    "function",
    [lambda: None, functools.partial(get_weather, "Oslo"), "get_weather"],
    ids=["lambda", "partial", "text"],
)
def test_what_has_no_name_that_a_model_could_call_is_refused(function: Any) -> None:
    with pytest.raises(TypeError, match="cannot be a tool"):
        tool_schema(function)


def test_parameters_that_have_no_name_are_refused_with_what_they_are() -> None:
    def many(*values: int) -> None: ...

    def open_ended(**named: int) -> None: ...

    for function, said in ((many, r"\*values"), (open_ended, r"\*\*named")):
        with pytest.raises(TypeError, match=said):
            tool_schema(function)
