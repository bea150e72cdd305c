"""JSON Schemas as Anthropic and Bedrock take them: for arguments of tools, and for answers that follow one.

Reference: platform.claude.com/docs, "Structured outputs" (section "JSON Schema limitations"), "Define tools";
docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html has the same subset of draft 2020-12.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

DEPTH_MAX = 64
PARTS_MAX = 1_000  # with all references resolved, which may multiply what is small
OPTIONAL_MAX = 24  # the vendor's limits on the complexity of one request
UNIONS_MAX = 16

Json = dict[str, Any]

_KEPT = frozenset({"type", "description", "title", "enum", "const", "default"})
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
# Constraints that the vendor refuses and that can be said in words; the server validates the answer anyway.
_SAID = frozenset({
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "pattern", "format", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "examples",
})  # fmt: skip
_UNIONS = ("anyOf", "oneOf", "allOf")


class _Inexpressible(Exception):
    """A schema that cannot be said within the vendor's limits."""


def tool_schema(parameters: object) -> Json:
    """Return the schema of a tool's arguments: an object, without a union at its top, in draft 2020-12."""
    schema = _modern(_as_object(parameters), DEPTH_MAX)
    for keyword in _UNIONS:
        for branch in _as_list(schema.pop(keyword, None)):
            found = _as_object(branch)
            schema["properties"] = _as_object(found.get("properties")) | _as_object(schema.get("properties"))
            if keyword == "allOf":
                schema["required"] = [*_as_list(schema.get("required")), *_as_list(found.get("required"))]
    schema["type"] = "object"
    schema["properties"] = _as_object(schema.get("properties"))
    if "required" in schema:
        schema["required"] = list(dict.fromkeys(_names(schema["required"])))
    return schema


def answer_schema(schema: Json) -> Json | None:
    """Return a schema that the vendor compiles, or None where it cannot hold an answer to it."""
    try:
        return _Strict(schema).whole()
    except _Inexpressible:
        return None


class _Strict:
    """Rewrites one schema; what the vendor has no keyword for becomes a part of the description."""

    def __init__(self, schema: Json) -> None:
        self._root = schema
        self._optional = 0
        self._unions = 0
        self._parts = 0
        self._open_references: list[str] = []

    def whole(self) -> Json:
        rewritten = self._rewritten(self._root, DEPTH_MAX)
        if self._optional > OPTIONAL_MAX or self._unions > UNIONS_MAX:
            raise _Inexpressible
        return rewritten

    def _rewritten(self, schema: object, depth: int) -> Json:
        self._parts += 1
        if not isinstance(schema, dict) or not depth or self._parts > PARTS_MAX:
            raise _Inexpressible
        given = cast("Json", schema)
        if "$ref" in given:
            return self._resolved(given["$ref"], depth)
        if len(parts := _as_list(given.get("allOf"))) == 1:
            rest = {name: value for name, value in given.items() if name != "allOf"}
            return self._rewritten(rest | _as_object(parts[0]), depth - 1)
        rewritten = {name: value for name, value in given.items() if name in _KEPT}
        if branches := _as_list(given.get("anyOf")) or _as_list(given.get("oneOf")):
            self._unions += 1
            rewritten["anyOf"] = [self._rewritten(branch, depth - 1) for branch in branches]
        self._unions += isinstance(given.get("type"), list)
        self._say(given, rewritten)
        self._fill(given, rewritten, depth)
        return rewritten

    def _resolved(self, reference: object, depth: int) -> Json:
        """Put what is meant in place of a reference: the vendor takes no schema that contains itself."""
        if not isinstance(reference, str) or reference in self._open_references:
            raise _Inexpressible
        found: object = self._root
        for step in reference.removeprefix("#/").split("/"):
            found = _as_object(found).get(step)
        self._open_references.append(reference)
        rewritten = self._rewritten(found, depth - 1)
        self._open_references.pop()
        return rewritten

    def _say(self, given: Json, rewritten: Json) -> None:
        said: Json = {}
        for name in given.keys() & _SAID:
            value = given[name]
            if (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1)):
                rewritten[name] = value
            else:
                said[name] = value
        if said:
            words = msgspec.json.encode(said, order="sorted").decode()
            rewritten["description"] = f"{given.get('description', '')} {words}".strip()

    def _fill(self, given: Json, rewritten: Json, depth: int) -> None:
        unknown = given.keys() - _KEPT - _SAID - _STRUCTURE
        kinds = {kind for kind in (given.get("type"), *_as_list(given.get("type"))) if isinstance(kind, str)}
        if (
            unknown
            or _as_list(given.get("allOf"))
            or not (kinds or rewritten.keys() & {"anyOf", "enum", "const"})
        ):
            raise _Inexpressible
        if "array" in kinds:
            rewritten["items"] = self._rewritten(given.get("items"), depth - 1)
        if "object" in kinds:
            properties = _as_object(given.get("properties"))
            if not properties or isinstance(given.get("additionalProperties"), dict):
                raise _Inexpressible
            required = [name for name in _names(given.get("required")) if name in properties]
            self._optional += len(properties) - len(required)
            rewritten["properties"] = {
                name: self._rewritten(value, depth - 1) for name, value in properties.items()
            }
            rewritten["required"] = required
            rewritten["additionalProperties"] = False


_STRUCTURE = frozenset({
    "$schema", "$id", "$comment", "$defs", "definitions", "$ref", "anyOf", "oneOf", "allOf", "items",
    "properties", "required", "additionalProperties", "readOnly", "writeOnly", "deprecated", "nullable",
})  # fmt: skip


def _modern(schema: Json, depth: int) -> Json:
    """Return a schema of an earlier draft in the form of draft 2020-12."""
    modern: Json = {
        name: _modern_value(name, value, depth) for name, value in schema.items() if name != "$schema"
    }
    if isinstance(modern.get("items"), list):
        modern["prefixItems"] = modern.pop("items")
        if "additionalItems" in modern:
            modern["items"] = modern.pop("additionalItems")
    for exclusive, inclusive in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(modern.get(exclusive), bool) and modern.pop(exclusive) and inclusive in modern:
            modern[exclusive] = modern.pop(inclusive)
    if isinstance(modern.get("required"), bool):
        del modern["required"]
    return modern


def _modern_value(name: str, value: object, depth: int) -> Any:
    if not depth or name in {"enum", "const", "default", "examples"}:
        return value
    if isinstance(value, list):
        return [_modern_value(name, each, depth - 1) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    inner = cast("Json", value)
    if name in {"properties", "$defs", "definitions", "patternProperties"}:
        return {key: _modern_value("", each, depth - 1) for key, each in inner.items()}
    return _modern(inner, depth - 1)


def _as_object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}


def _names(value: object) -> list[str]:
    return [name for name in _as_list(value) if isinstance(name, str)]


def _as_list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []
