"""The form of an answer: JSON, or JSON by a schema, checked here whatever the provider promises."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Struct

from backboard_server.domain.errors import Invalid
from backboard_server.domain.prompts import ResponseFormat

from .schemas import PROBLEM_CHARACTERS_MAX, SCHEMA_BYTES_MAX, compiled, problems_of

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
        compiled(encoded)
    except ValueError as error:
        reason = str(error).partition("\n")[0][:PROBLEM_CHARACTERS_MAX]
        raise Invalid(
            f"response_format.json_schema.schema is no JSON Schema that can be checked: {reason}",
            code="invalid_schema",
        ) from error


def check(response_format: ResponseFormat, content: str) -> Checked:
    """Hold an answer against its form. Pure, and bounded: patterns run in linear time, nothing is fetched."""
    text = unfenced(content)
    try:
        value: object = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        return Checked(content, f"it is not JSON: {error}")
    if response_format.schema is None:
        return Checked(text, None if isinstance(value, dict) else "it is not a JSON object")
    found = problems_of(compiled(msgspec.json.encode(response_format.schema)), value)
    return Checked(text, "; ".join(found) or None)


def unfenced(content: str) -> str:
    """Return what stands in the one code block that a text is, else the text; without blanks around it."""
    text = content.strip()
    fenced = _FENCED.match(text)
    return fenced[1].strip() if fenced else text
