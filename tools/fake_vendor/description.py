"""OpenAI's own description of its API, to hold both our requests and the fake vendor's answers against.

The excerpt lies beside the repository, not in it, as it is not ours to publish; see `is_available`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator

_FILE = Path(__file__).parents[2].parent / "shared" / "specs" / "openai.json"

ABSENT = "OpenAI's description (shared/specs/openai.json) does not lie beside this checkout"


def is_available() -> bool:
    """Whether the excerpt is here; a stranger's clone has none."""
    return _FILE.exists()


def problems(schema: str, document: object) -> list[str]:
    """Return what is wrong with a document, one sentence each, by the name of a schema."""
    wanted = {"$ref": f"#/components/schemas/{schema}", "components": _components()}
    validator = cast("Any", Draft202012Validator(wanted))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(document)]


@cache
def _components() -> Mapping[str, Any]:
    return _translated(json.loads(_FILE.read_text())["components"])


def _translated(node: Any) -> Any:
    """Say in the words of JSON Schema what OpenAPI calls `nullable`, and what a discriminator tells apart.

    The discriminator may be left out where it is plain what is meant, and then more than one schema fits.
    """
    if isinstance(node, list):
        return [_translated(item) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    fields = {name: _translated(value) for name, value in cast("dict[str, Any]", node).items()}
    if "discriminator" in fields and "oneOf" in fields:
        fields["anyOf"] = fields.pop("oneOf")
    if fields.pop("nullable", False) is True:
        return {"anyOf": [fields, {"type": "null"}]}
    return fields
