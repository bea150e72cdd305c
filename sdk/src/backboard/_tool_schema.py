"""A Python function → the tool that a model sees: name, description and parameters as JSON Schema."""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any, Callable, Dict, Tuple, cast

from pydantic import TypeAdapter

Arguments = Tuple[Tuple[Any, ...], Dict[str, Any]]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAMED_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
# `city: where`, `city (str): where` and `:param str city: where`, which are the habits of three schools.
_PARAMETER_LINE = re.compile(
    r"(?P<indent> *)(?::param (?:[^:]* )?)?(?P<name>\w+)(?: *\([^)]*\))?: +(?P<text>\S.*)"
)
_SECTION = re.compile(r"(Args|Arguments|Parameters|Returns|Raises|Yields|Examples?):")


def tool_schema(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the definition of a tool that calls the function, to be given as one of `tools`.

    Its name is the function's, its description the first paragraph of the docstring. Parameters get their
    types from the hints and their descriptions from the docstring's lines `name: text`, in an `Args:` section
    or not. Raises TypeError for a function that cannot be a tool.
    """
    name = tool_name(function)
    parameters = argument_types(function).json_schema()
    properties: dict[str, Any] = parameters.setdefault("properties", {})
    documentation = inspect.getdoc(function) or ""
    descriptions = _parameter_descriptions(documentation, properties)
    for parameter, schema in properties.items():
        schema.pop("title", None)  # the name once more
        if parameter in descriptions:
            schema.setdefault("description", descriptions[parameter])
    described = {"description": text} if (text := _first_paragraph(documentation)) else {}
    return {
        "type": "function",
        "function": {"name": name, **described, "parameters": parameters},
    }


def tool_name(function: Callable[..., Any]) -> str:
    """Return the function's name. Raises TypeError where providers would not take it."""
    name = getattr(function, "__name__", "")
    if not _NAME.fullmatch(name):
        raise TypeError(
            f"{function!r} cannot be a tool: give it a name of up to 64 letters and digits with def."
        )
    return name


def argument_types(function: Callable[..., Any]) -> TypeAdapter[Arguments]:
    """Return what turns a model's arguments, as JSON, into those that the function's hints ask for.

    Raises TypeError for parameters that have no name to be given by.
    """
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in _NAMED_KINDS:
            raise TypeError(
                f"{function!r} cannot be a tool: a model gives arguments by name, not as {parameter}."
            )

    @functools.wraps(function)
    def arguments(*positional: Any, **named: Any) -> Arguments:
        return positional, named

    return TypeAdapter(cast("Any", arguments))


def _first_paragraph(documentation: str) -> str:
    paragraph = documentation.strip().split("\n\n")[0]
    return "" if _SECTION.match(paragraph) else " ".join(paragraph.split())


def _parameter_descriptions(documentation: str, names: dict[str, Any]) -> dict[str, str]:
    """Find the lines that begin with a parameter's name, with those that are indented below them."""
    found: dict[str, str] = {}
    name, indent = "", 0
    for line in documentation.splitlines():
        opening = _PARAMETER_LINE.fullmatch(line)
        if opening and opening["name"] in names:
            name, indent = opening["name"], len(opening["indent"])
            found[name] = opening["text"].strip()
        elif name and line.startswith(" " * (indent + 1)) and line.strip():
            found[name] += " " + line.strip()
        else:
            name = ""
    return found
