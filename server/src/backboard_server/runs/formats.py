"""The form of an answer: JSON, or JSON by a schema, checked here whatever the provider promises."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from backboard_server.domain.errors import Invalid
from backboard_server.domain.prompts import ResponseFormat

if TYPE_CHECKING:
    from jsonschema_rs import Validator

SCHEMA_BYTES_MAX = 128 * 1024
PROBLEMS_MAX = 5
_PROBLEM_CHARACTERS_MAX = 300
_VALIDATORS_KEPT = 64

_FENCED = re.compile(r"\A```[a-zA-Z]*\s*\n(.*)\n?```\Z", re.DOTALL)


class Checked(Struct, frozen=True):
    """An answer without the fence that models like to put around it, and what is wrong with it."""

    content: str
    problem: str | None = None


def check_schema(schema: dict[str, Any]) -> None:
    """Raise Invalid for what is no JSON Schema, is too large, or points outside itself."""
    encoded = msgspec.json.encode(schema)
    if len(encoded) > SCHEMA_BYTES_MAX:
        raise Invalid(
            f"response_format.json_schema.schema is larger than {SCHEMA_BYTES_MAX // 1024} KiB: shorten it.",
            code="invalid_schema",
        )
    try:
        _validator(encoded)
    except ValueError as error:
        reason = str(error).partition("\n")[0][:_PROBLEM_CHARACTERS_MAX]
        raise Invalid(
            f"response_format.json_schema.schema is no JSON Schema that can be checked: {reason}",
            code="invalid_schema",
        ) from error


def check(response_format: ResponseFormat, content: str) -> Checked:
    """Hold an answer against its form. Pure, and bounded: patterns run in linear time, nothing is fetched."""
    text = content.strip()
    if fenced := _FENCED.match(text):
        text = fenced[1].strip()
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return Checked(content, f"it is not JSON: {error}")
    if response_format.schema is None:
        return Checked(text, None if isinstance(value, dict) else "it is not a JSON object")
    found = _problems(response_format.schema, value)
    return Checked(text, "; ".join(found) or None)


def _problems(schema: dict[str, Any], value: object) -> list[str]:
    problems: list[str] = []
    for error in _validator(msgspec.json.encode(schema)).iter_errors(value):
        where = "/".join(str(step) for step in error.instance_path)
        sentence = error.message[:_PROBLEM_CHARACTERS_MAX]
        problems.append(f"at {where}: {sentence}" if where else sentence)
        if len(problems) >= PROBLEMS_MAX:
            break
    return problems


@lru_cache(_VALIDATORS_KEPT)
def _validator(encoded: bytes) -> Validator:
    """Compile a schema, once for each: that costs more than checking. Imported late, as few need it."""
    import jsonschema_rs

    # An engine without backtracking, as patterns come from outside; and no reference is fetched.
    return jsonschema_rs.validator_for(
        msgspec.json.decode(encoded), pattern_options=jsonschema_rs.RegexOptions(), offline=True
    )
