from __future__ import annotations

from typing import Any

import pytest

from fake_vendor.dialects.gemini_demands import refusal_of, signature
from fake_vendor.terms import Json

MODEL = "gemini-2.5-flash"
NEWER = "gemini-3.5-flash"
CALL: Json = {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Paris"}}}
RESPONSE: Json = {"functionResponse": {"id": "c1", "name": "weather", "response": {"output": "Sun."}}}
TOOLS = [{"functionDeclarations": [{"name": "weather", "description": "Tells it."}]}]


def _user(*parts: Json) -> Json:
    return {"role": "user", "parts": list(parts) or [{"text": "Sun?"}]}


def _model(*parts: Json) -> Json:
    return {"role": "model", "parts": list(parts) or [{"text": "Sun."}]}


def _refusal(*contents: Json, model: str = MODEL, **body: Any) -> str | None:
    return refusal_of({"contents": list(contents)} | body, model)


@pytest.mark.parametrize(
    "contents",
    [
        [_user()],
        [_user(), _model(), _user()],
        [_user(), _model({"text": "Well:"}, CALL), _user(RESPONSE)],
        [_user(), _model(CALL), _user(RESPONSE, {"text": "And?"})],
        [_user({"inlineData": {"mimeType": "image/png", "data": "eA=="}})],
    ],
)
def test_a_conversation_in_order_is_taken(contents: list[Json]) -> None:
    assert _refusal(*contents) is None


DISORDER: list[tuple[list[Json], str]] = [
    ([], "contents is not specified"),
    ([{"role": "assistant", "parts": [{"text": "Hi."}]}], "valid role"),
    ([{"role": "user", "parts": []}], "must not be empty"),
    ([_user({"text": ""})], "must not be empty"),
    ([_user({"inlineData": {"mimeType": "image/gif", "data": "eA=="}})], "MIME type"),
    ([_model(), _user()], "alternate"),
    ([_user(), _user()], "alternate"),
    ([_user(), _model()], "last turn"),
    ([_user(), _model(CALL), _user()], "number of function response parts"),
    ([_user(RESPONSE)], "number of function response parts"),
    ([_user(), _model(CALL, CALL), _user(RESPONSE)], "number of function response parts"),
    (
        [
            _user(),
            _model(CALL),
            _user({"functionResponse": {"id": "c2", "name": "weather", "response": {}}}),
        ],
        "immediately after",
    ),
    (
        [
            _user(),
            _model({"functionCall": {"id": "c1", "name": "weather", "args": "{}"}}),
            _user(RESPONSE),
        ],
        "Struct",
    ),
]


@pytest.mark.parametrize(("contents", "words"), DISORDER)
def test_a_conversation_out_of_order_is_refused(contents: list[Json], words: str) -> None:
    assert words in (_refusal(*contents) or "")


def test_calls_of_the_current_turn_must_be_signed_from_3_on() -> None:
    current = [_user(), _model(CALL), _user(RESPONSE)]
    earlier = [*current, _model(), _user()]

    assert "missing a thought_signature" in (_refusal(*current, model=NEWER) or "")
    assert _refusal(*earlier, model=NEWER) is None
    assert _refusal(*current) is None


def test_a_stand_in_and_our_own_signature_are_taken_on_the_first_call_alone() -> None:
    other: Json = {"functionCall": {"id": "c2", "name": "weather", "args": {}}}
    output: Json = {"functionResponse": {"id": "c2", "name": "weather", "response": {}}}
    for given in ("skip_thought_signature_validator", signature("seal", CALL)):
        signed = CALL | {"thoughtSignature": given}
        assert _refusal(_user(), _model(signed, other), _user(RESPONSE, output), model=NEWER) is None


@pytest.mark.parametrize("given", ["forged", "Zm9yZ2Vk", "é", signature("seal", {"text": "Other."})])
def test_a_signature_that_is_not_ours_or_of_another_part_is_corrupted(given: str) -> None:
    signed = CALL | {"thoughtSignature": given}

    for model in (MODEL, NEWER):
        refusal = _refusal(_user(), _model(signed), _user(RESPONSE), model=model)
        assert refusal == "Corrupted thought signature."


def test_an_empty_part_may_bear_a_signature() -> None:
    empty = {"text": "", "thoughtSignature": signature("seal", {"text": ""})}

    assert _refusal(_user(), _model({"text": "Sun."}, empty), _user(), model=NEWER) is None


def test_json_and_functions_do_not_go_together_before_3() -> None:
    config = {"responseMimeType": "application/json"}

    refusal = _refusal(_user(), tools=TOOLS, generationConfig=config)
    assert refusal == "Function calling with a response mime type: 'application/json' is unsupported"
    assert _refusal(_user(), model=NEWER, tools=TOOLS, generationConfig=config) is None
    assert _refusal(_user(), generationConfig=config) is None


CONTRADICTIONS: list[Json] = [
    {"generationConfig": {"responseJsonSchema": {}}},
    {"tools": [{"functionDeclarations": [{"description": "Nameless."}]}]},
    {"tools": [{"functionDeclarations": [{"name": "a", "parameters": {}, "parametersJsonSchema": {}}]}]},
]


@pytest.mark.parametrize("body", CONTRADICTIONS)
def test_a_form_that_contradicts_itself_is_refused(body: Json) -> None:
    assert _refusal(_user(), **body) is not None


@pytest.mark.parametrize(
    ("model", "config", "is_taken"),
    [
        ("gemini-2.5-flash", {"thinkingBudget": 0}, True),
        ("gemini-2.5-flash", {"thinkingBudget": 24_577}, False),
        ("gemini-2.5-flash", {"thinkingLevel": "low"}, False),
        ("gemini-2.5-pro", {"thinkingBudget": 0}, False),
        ("gemini-2.5-pro", {"thinkingBudget": -1}, True),
        ("gemini-2.5-flash-lite", {"thinkingBudget": 100}, False),
        ("gemini-3-pro-preview", {"thinkingLevel": "medium"}, False),
        ("gemini-3.1-pro-preview", {"thinkingLevel": "minimal"}, False),
        ("gemini-3.5-flash", {"thinkingLevel": "minimal"}, True),
        ("gemini-3.5-flash", {"thinkingLevel": "low", "thinkingBudget": 5}, False),
        ("gemini-2.0-flash", {"includeThoughts": True}, False),
    ],
)
def test_each_model_thinks_in_its_own_measure(model: str, config: Json, is_taken: bool) -> None:
    refusal = _refusal(_user(), model=model, generationConfig={"thinkingConfig": config})

    assert (refusal is None) == is_taken
