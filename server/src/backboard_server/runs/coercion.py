"""Values of the wrong type that can only mean one of the right type: "5" where an integer belongs. Pure."""

from __future__ import annotations

import re
from operator import is_
from typing import Any, cast

import msgspec

_DEPTH_MAX = 16
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,18})?([eE][+-]?\d{1,2})?")
_TRUTHS = {"true": True, "false": False}

Json = dict[str, Any]


def coerced(value: object, schema: object, depth: int = _DEPTH_MAX) -> object:
    """Return a value with what its schema leaves no doubt about put right; itself where nothing is.

    Nothing is lost: text becomes what it spells, a number becomes its text. Where a schema names several
    types besides null, nothing is done.
    """
    wanted = _one_schema(schema, depth)
    if wanted is None:
        return value
    match _one_type(wanted), value:
        case "object", dict():
            return _object(cast("Json", value), wanted, depth - 1)
        case "array", list():
            return _array(cast("list[object]", value), wanted, depth - 1)
        case "string", int() | float() if not isinstance(value, bool):
            return msgspec.json.encode(value).decode()
        case kind, str():
            read = _read(value.strip(), kind)
            return value if read is None else coerced(read, wanted, depth - 1)
        case _:
            return value


def _one_schema(schema: object, depth: int) -> Json | None:
    """Return a schema, or that of its one alternative besides null, as generators write optional ones."""
    if depth <= 0 or not isinstance(schema, dict):
        return None
    fields = cast("Json", schema)
    alternatives: object = fields.get("anyOf") or fields.get("oneOf")
    if "type" in fields or not isinstance(alternatives, list):
        return fields
    real = [each for each in cast("list[object]", alternatives) if each != {"type": "null"}]
    return _one_schema(real[0], depth - 1) if len(real) == 1 else None


def _one_type(schema: Json) -> str | None:
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [each for each in cast("list[object]", kind) if each != "null"]
        kind = kinds[0] if len(kinds) == 1 else None
    return kind if isinstance(kind, str) else None


def _object(value: Json, schema: Json, depth: int) -> Json:
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return value
    known = cast("Json", properties)
    better = {name: coerced(each, known.get(name), depth) for name, each in value.items()}
    return value if all(better[name] is value[name] for name in value) else better


def _array(value: list[object], schema: Json, depth: int) -> list[object]:
    better = [coerced(item, schema.get("items"), depth) for item in value]
    return value if all(map(is_, better, value)) else better


def _read(text: str, kind: str | None) -> object:
    """Return what a text spells, or None where it spells nothing of the kind."""
    match kind:
        case "integer" if _INTEGER.fullmatch(text):
            return int(text)
        case "number" if _NUMBER.fullmatch(text):
            return msgspec.json.decode(text)
        case "boolean":
            return _TRUTHS.get(text.lower())
        case "object":
            return _decoded(text, dict[str, Any])
        case "array":
            return _decoded(text, list[Any])
        case _:
            return None


def _decoded(text: str, kind: type[object]) -> object:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
