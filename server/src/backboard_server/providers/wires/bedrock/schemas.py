"""JSON Schemas as Bedrock takes them, where that is not what Anthropic takes as well."""

from __future__ import annotations

from typing import Any, cast

from backboard_server.providers._schemas import answer_schema, tool_schema

from .families import is_nova

Json = dict[str, Any]

_DEPTH_MAX = 32
# docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html: at the top everything but these is an
# "extraneous key".
_NOVA_TOP_LEVEL = ("type", "properties", "required")


def parameters_of(schema: object, model: str) -> Json:
    """Return the schema of a tool's parameters, with what the model would refuse mended."""
    mended = tool_schema(schema)
    if not is_nova(model):
        return mended
    definitions = _object(mended.get("$defs")) | _object(mended.get("definitions"))
    kept = {name: mended[name] for name in _NOVA_TOP_LEVEL if name in mended}
    return cast("Json", _inlined(kept, definitions, _DEPTH_MAX))


def compiled(schema: Json) -> Json | None:
    """Return the schema of an answer as Bedrock compiles it, or None for one that it would refuse."""
    return answer_schema(schema) if schema.get("type") == "object" else None


def _inlined(node: object, definitions: Json, depth: int) -> object:
    """Return a schema with its definitions in the place of references to them; past a depth they are open."""
    if not depth:
        return {}
    if isinstance(node, list):
        return [_inlined(item, definitions, depth - 1) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    fields = cast("Json", node)
    reference = fields.get("$ref")
    if isinstance(reference, str):
        return _inlined(definitions.get(reference.rpartition("/")[2], {}), definitions, depth - 1)
    return {name: _inlined(value, definitions, depth - 1) for name, value in fields.items()}


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}
