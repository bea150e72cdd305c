"""JSON Schemas as Gemini takes them, in functions and for answers: everything else is mended or left out.

Reference: `responseJsonSchema` of ai.google.dev/api/generate-content#GenerationConfig, which lists what is
supported; for `parametersJsonSchema` there is no list (ai.google.dev/api/caching#FunctionDeclaration).
"""

from __future__ import annotations

from typing import Any, cast

_DEPTH_MAX = 32

_AS_IT_IS = frozenset(
    {
        "$anchor",
        "$id",
        "description",
        "format",
        "maximum",
        "maxItems",
        "minimum",
        "minItems",
        "propertyOrdering",
        "title",
        "type",
    }
)
_OF_SCHEMAS = {"anyOf": "anyOf", "oneOf": "oneOf", "prefixItems": "prefixItems"}
_OF_NAMED_SCHEMAS = {"properties": "properties", "$defs": "$defs", "definitions": "$defs"}
_SAYS_NOTHING = frozenset({"type", "title", "description", "$id", "properties", "additionalProperties"})

Json = dict[str, Any]


def mended(schema: Json) -> Json:
    """Return a schema of supported keywords alone; what is nested deeper than 32 levels may be anything."""
    return _mended(schema, _DEPTH_MAX)


def parameters_of(schema: object) -> Json | None:
    """Return the parameters of a function, or None for one that takes none: an empty object is refused."""
    whole = mended(cast("Json", schema)) if isinstance(schema, dict) else {}
    is_open = schema is not None and whole.get("additionalProperties", False) is not False
    if not whole.get("properties") and not is_open and not whole.keys() - _SAYS_NOTHING:
        return None
    return {"type": "object"} | whole


def _mended(schema: object, depth: int) -> Json:
    if not isinstance(schema, dict) or not depth:
        return {}
    given = cast("Json", schema)
    reference = given.get("$ref")
    if isinstance(reference, str):
        # Beside a reference nothing but further $-keywords may stand.
        result: Json = {"$ref": reference.replace("#/definitions/", "#/$defs/")}
        return result | _named(given, ("$defs", "definitions"), depth)
    result = {name: value for name, value in given.items() if name in _AS_IT_IS}
    for name, value in given.items():
        if name in _OF_SCHEMAS and isinstance(value, list):
            result[name] = [_mended(item, depth - 1) for item in cast("list[Any]", value)]
    result |= _named(given, tuple(_OF_NAMED_SCHEMAS), depth)
    result |= _items(given, depth) | _extras(given, depth) | _choice(given) | _required(given)
    return _with_only_part(given, result, depth)


def _named(given: Json, names: tuple[str, ...], depth: int) -> Json:
    result: Json = {}
    for name in names:
        value = given.get(name)
        if isinstance(value, dict):
            schemas = {key: _mended(item, depth - 1) for key, item in cast("Json", value).items()}
            result.setdefault(_OF_NAMED_SCHEMAS[name], {}).update(schemas)
    return result


def _items(given: Json, depth: int) -> Json:
    items = given.get("items")
    if isinstance(items, list):  # how drafts before 2020-12 write prefixItems
        return {"prefixItems": [_mended(item, depth - 1) for item in cast("list[Any]", items)]}
    return {"items": _mended(cast("Json", items), depth - 1)} if isinstance(items, dict) else {}


def _extras(given: Json, depth: int) -> Json:
    extras = given.get("additionalProperties")
    if isinstance(extras, dict):
        return {"additionalProperties": _mended(cast("Json", extras), depth - 1)}
    return {"additionalProperties": extras} if isinstance(extras, bool) else {}


def _choice(given: Json) -> Json:
    """Return `enum` with its texts and numbers; `const` is an `enum` of one."""
    values: object = [given["const"]] if "const" in given else given.get("enum")
    if not isinstance(values, list):
        return {}
    taken = [
        value
        for value in cast("list[Any]", values)
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    ]
    return {"enum": taken} if taken else {}


def _required(given: Json) -> Json:
    """Return `required` with the names of properties that there are: others are refused."""
    required, properties = given.get("required"), given.get("properties")
    if not isinstance(required, list) or not isinstance(properties, dict):
        return {}
    names = [name for name in cast("list[Any]", required) if name in properties]
    return {"required": names} if names else {}


def _with_only_part(given: Json, result: Json, depth: int) -> Json:
    """Return the schema with the one part of its `allOf`, which generators wrap around references."""
    parts = given.get("allOf")
    if not isinstance(parts, list) or len(cast("list[Any]", parts)) != 1:
        return result
    part = _mended(cast("list[Any]", parts)[0], depth - 1)
    if "$ref" in part:
        return part | {name: value for name, value in result.items() if name.startswith("$")}
    return result | part
