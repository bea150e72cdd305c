"""What a model is told in words."""

from __future__ import annotations

from backboard_server.domain.prompts import ResponseFormat
from backboard_server.providers._instructions import json_instruction


def test_an_object_is_asked_for_with_the_word_that_openai_wants_to_see() -> None:
    assert "JSON" in json_instruction(ResponseFormat())


def test_a_schema_is_part_of_the_instruction() -> None:
    wish = json_instruction(ResponseFormat(schema={"type": "object", "required": ["naïve"]}))

    assert '{"type":"object","required":["naïve"]}' in wish
