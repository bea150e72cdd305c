"""JSON Schemas of others, compiled once and held against values: of answers, and of arguments of tools."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from jsonschema_rs import Validator

SCHEMA_BYTES_MAX = 128 * 1024
PROBLEMS_MAX = 5
PROBLEM_CHARACTERS_MAX = 300
_VALIDATORS_KEPT = 128


@lru_cache(_VALIDATORS_KEPT)
def compiled(encoded: bytes) -> Validator:
    """Compile a schema, once for each: that costs more than checking. Imported late, as few need it.

    Raises ValueError for what is no JSON Schema, or points outside itself.
    """
    import jsonschema_rs

    # An engine without backtracking, as patterns come from outside; and no reference is fetched.
    return jsonschema_rs.validator_for(
        msgspec.json.decode(encoded), pattern_options=jsonschema_rs.RegexOptions(), offline=True
    )


@lru_cache(_VALIDATORS_KEPT)
def find_compiled(encoded: bytes) -> Validator | None:
    """Compile a schema, or return None for what cannot be checked; that is kept as well."""
    if len(encoded) > SCHEMA_BYTES_MAX:
        return None
    try:
        return compiled(encoded)
    except ValueError:
        return None


def problems_of(validator: Validator, value: object) -> Iterator[str]:
    """Yield what is wrong with a value and where, in a few short sentences."""
    for number, error in enumerate(validator.iter_errors(value), 1):
        where = "/".join(str(step) for step in error.instance_path)
        sentence = error.message[:PROBLEM_CHARACTERS_MAX]
        yield f"at {where}: {sentence}" if where else sentence
        if number >= PROBLEMS_MAX:
            return
