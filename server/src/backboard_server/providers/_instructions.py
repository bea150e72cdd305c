"""What a wire tells a model in words where the vendor has no field for it."""

from __future__ import annotations

import msgspec

from backboard_server.domain.prompts import ResponseFormat

_JSON_OBJECT = "Answer with one JSON object and nothing else: no introduction, no code fence."
_JSON_SCHEMA = (
    "Answer with JSON that follows this JSON Schema and nothing else: no introduction, no code fence.\n"
)


def json_instruction(response_format: ResponseFormat) -> str:
    """Return the sentence that asks for JSON; it has that word in it, which OpenAI wants to see."""
    if response_format.schema is None:
        return _JSON_OBJECT
    return _JSON_SCHEMA + msgspec.json.encode(response_format.schema).decode()
