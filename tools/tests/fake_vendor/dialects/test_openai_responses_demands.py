from __future__ import annotations

from typing import Any

import pytest

from fake_vendor.dialects.openai_responses_demands import refusal_of, sealed

Json = dict[str, Any]
SAID: Json = {"role": "user", "content": "Hello."}
CALL: Json = {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
OUTPUT: Json = {"type": "function_call_output", "call_id": "call_1", "output": "Sun."}
THOUGHT: Json = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [],
    "encrypted_content": sealed("rs_1", "seal"),
}
CALL_AFTER_IT: Json = CALL | {"id": "fc_0_rs_1"}
FUNCTION: Json = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}}
HISTORIES: list[tuple[list[Json], str]] = [
    ([], "must be provided"),
    ([SAID, OUTPUT], "No tool call found"),
    ([SAID, CALL], "No tool output found"),
    ([SAID, THOUGHT], "without its required following item"),
    ([SAID, THOUGHT, SAID], "without its required following item"),
    ([SAID, CALL_AFTER_IT, OUTPUT], "without its required 'reasoning' item: 'rs_1'"),
    ([SAID, THOUGHT | {"encrypted_content": "forged.0"}, CALL, OUTPUT], "could not be verified"),
    ([SAID, THOUGHT | {"id": "rs_2"}, CALL, OUTPUT], "could not be verified"),
    ([SAID, THOUGHT | {"encrypted_content": None}, CALL, OUTPUT], "not persisted"),
    ([CALL | {"call_id": "x" * 65}, OUTPUT | {"call_id": "x" * 65}], "string too long"),
    ([CALL | {"name": "look.up"}, OUTPUT], "does not match pattern"),
    ([{"role": "user", "content": [{"type": "text", "text": "Hi."}]}], "Invalid value: 'text'"),
    ([{"role": "assistant", "content": [{"type": "input_text", "text": "Hi."}]}], "Invalid value"),
    ([{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}], "a valid URL"),
]
WISHES: list[tuple[Json, str]] = [
    ({"messages": []}, "Unknown parameter: 'messages'"),
    ({"tools": [{"type": "function", "function": FUNCTION}]}, "tools[0].name"),
    ({"tools": [FUNCTION | {"parameters": {}}]}, "Invalid schema"),
    ({"tools": [FUNCTION | {"parameters": {"type": "object", "anyOf": []}}]}, "Invalid schema"),
    ({"text": {"format": {"type": "json_object"}}}, "the word 'json'"),
    ({"model": "gpt-5.1", "reasoning": {"effort": "minimal"}}, "'none', 'low', 'medium', 'high'"),
    ({"model": "gpt-5-chat-latest", "reasoning": {"effort": "low"}}, "is not supported"),
    ({"model": "gpt-4o", "include": ["reasoning.encrypted_content"]}, "Encrypted content"),
]


def _refusal(*items: Json, model: str = "some-model", **fields: Any) -> str:
    return refusal_of({"model": model, "input": list(items), "store": False, **fields}) or ""


@pytest.mark.parametrize(
    "items",
    [
        [SAID],
        [SAID, CALL, OUTPUT],
        [SAID, {"role": "assistant", "content": "Hello."}, SAID],
        [SAID, THOUGHT, CALL_AFTER_IT, OUTPUT],
        [SAID, THOUGHT, {"role": "assistant", "content": "Hello."}, SAID],
    ],
)
def test_a_history_that_is_whole_is_taken(items: list[Json]) -> None:
    assert _refusal(*items) == ""


@pytest.mark.parametrize(("items", "sentence"), HISTORIES)
def test_a_history_that_is_not_is_refused(items: list[Json], sentence: str) -> None:
    assert sentence in _refusal(*items)


@pytest.mark.parametrize(("fields", "sentence"), WISHES)
def test_what_the_model_or_the_protocol_does_not_take_is_refused(fields: Json, sentence: str) -> None:
    assert sentence in _refusal(SAID, **fields)
    assert _refusal(SAID, tools=[FUNCTION], reasoning={"effort": "high"}) == ""
