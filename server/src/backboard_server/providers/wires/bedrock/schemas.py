"""JSON Schemas as Bedrock takes them: of tools, and of answers."""

from __future__ import annotations

from typing import Any, cast

from .families import is_nova

Json = dict[str, Any]

_DEPTH_MAX = 32

# docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html: of Draft 2020-12 a part is compiled to
# a grammar, and anything else is a 400. No limits of numbers, lengths or counts, and no recursion.
_COMPILED = frozenset(
    {"$schema", "title", "description", "type", "enum", "const", "default", "properties", "required", "items"}
    | {"anyOf", "additionalProperties"}
)
# docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html: at the top everything but these is an
# "extraneous key".
_NOVA_TOP_LEVEL = ("type", "properties", "required")
_SAID_ANEW = frozenset({"type", "oneOf", "anyOf", "allOf"})  # unions at the top are refused by Claude


def parameters_of(schema: object, model: str) -> Json:
    """Return the schema of a tool's parameters, with what the model would refuse mended."""
    given = _object(schema) or {}
    if is_nova(model):
        definitions = (_object(given.get("$defs")) or {}) | (_object(given.get("definitions")) or {})
        kept = {name: given[name] for name in _NOVA_TOP_LEVEL if name in given}
        given = cast("Json", _inlined(kept, definitions, _DEPTH_MAX))
    mended: Json = {"type": "object", "properties": {}}
    return mended | {name: value for name, value in given.items() if name not in _SAID_ANEW}


def compiled(schema: Json) -> Json | None:
    """Return the schema of an answer as Bedrock compiles it, or None for one that it would refuse.

    Objects are closed, as it demands. That makes no answer valid that was not.
    """
    try:
        return _compiled(schema, _DEPTH_MAX) if schema.get("type") == "object" else None
    except _Refused:
        return None


class _Refused(Exception):
    """A schema that Bedrock does not compile."""


def _compiled(schema: object, depth: int) -> Json:
    fields = _object(schema)
    if fields is None or not depth or not fields.keys() <= _COMPILED:
        raise _Refused
    made = dict(fields)
    if "properties" in fields:
        properties = _object(fields["properties"]) or {}
        made["properties"] = {name: _compiled(value, depth - 1) for name, value in properties.items()}
    if "items" in fields:
        made["items"] = _compiled(fields["items"], depth - 1)
    if "anyOf" in fields:
        if not isinstance(fields["anyOf"], list):
            raise _Refused
        made["anyOf"] = [_compiled(value, depth - 1) for value in cast("list[object]", fields["anyOf"])]
    if fields.get("type") == "object":
        # An open object without properties would take anything, a closed one nothing: not the same wish.
        if fields.get("additionalProperties", False) is not False or not made.get("properties"):
            raise _Refused
        made["additionalProperties"] = False
    return made


def _inlined(node: object, definitions: Json, depth: int) -> object:
    """Return a schema with its definitions in the place of references to them; past a depth they are open."""
    if not depth:
        return {}
    if isinstance(node, list):
        return [_inlined(item, definitions, depth - 1) for item in cast("list[object]", node)]
    fields = _object(node)
    if fields is None:
        return node
    reference = fields.get("$ref")
    if isinstance(reference, str):
        return _inlined(definitions.get(reference.rpartition("/")[2], {}), definitions, depth - 1)
    return {name: _inlined(value, definitions, depth - 1) for name, value in fields.items()}


def _object(value: object) -> Json | None:
    return cast("Json", value) if isinstance(value, dict) else None
