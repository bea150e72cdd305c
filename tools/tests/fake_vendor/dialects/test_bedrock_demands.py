from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
import pytest

from fake_vendor.dialects.bedrock_demands import hidden, refusal_of, sealed

MODEL = "some-model"
CLAUDE = "us.anthropic.claude-sonnet-4-6"
Json = dict[str, Any]

TEXT: Json = {"text": "Hello."}
CALL: Json = {"toolUse": {"toolUseId": "call_1", "name": "weather", "input": {}}}
OUTPUT: Json = {"toolResult": {"toolUseId": "call_1", "content": [{"text": "Sun."}]}}
SCHEMA: Json = {"type": "object", "properties": {}}
TOOLS: Json = {"tools": [{"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}]}
BYTES: Json = {"bytes": b64encode(b"bytes").decode()}
IMAGE: Json = {"image": {"format": "png", "source": BYTES}}


def _document(name: str = "report") -> Json:
    return {"document": {"format": "pdf", "name": name, "source": BYTES}}


def _user(*blocks: Json) -> Json:
    return {"role": "user", "content": list(blocks)}


def _model(*blocks: Json) -> Json:
    return {"role": "assistant", "content": list(blocks)}


def _thought(text: str, signature: str | None) -> Json:
    seal = {} if signature is None else {"signature": signature}
    return {"reasoningContent": {"reasoningText": {"text": text} | seal}}


def _refusal(*turns: Json, model: str = MODEL, **fields: Any) -> str | None:
    return refusal_of({"messages": list(turns)} | fields, model)


def _called(call: Json = CALL, *outputs: Json) -> str | None:
    return _refusal(_user(TEXT), _model(call), _user(*(outputs or (OUTPUT,))), toolConfig=TOOLS)


def _format(schema: Json) -> Json:
    definition = {"schema": msgspec.json.encode(schema).decode()}
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}


def test_a_conversation_in_order_is_taken() -> None:
    assert _refusal(_user(TEXT, IMAGE, _document())) is None
    assert _called() is None
    assert _refusal(_user(TEXT), system=[TEXT], inferenceConfig={"maxTokens": 1}) is None
    assert _refusal(_user(TEXT), outputConfig=_format(SCHEMA | {"additionalProperties": False})) is None


@pytest.mark.parametrize(
    ("turns", "said"),
    [
        ([], "start with a user message"),
        ([_model(TEXT), _user(TEXT)], "start with a user message"),
        ([_user(TEXT), _user(TEXT)], "must alternate"),
        ([_user(TEXT), _model(TEXT)], "prefill"),
        ([_user()], "is empty"),
        ([_user({"text": " "})], "is blank"),
        ([_user({"text": "a", "image": {}})], "one kind of content"),
        ([_user({"video": {}})], "one kind of content"),
        ([_user(TEXT), _model(IMAGE), _user(TEXT)], "one kind of content"),
        ([_user(_thought("Hm.", "s"))], "one kind of content"),
        ([_user(_document())], "text field beside it"),
    ],
)
def test_turns_out_of_order_and_blocks_out_of_place_are_refused(turns: list[Json], said: str) -> None:
    assert said in (_refusal(*turns) or "")


def test_fields_that_are_unknown_and_system_texts_that_are_blank_are_refused() -> None:
    assert "extraneous key [stream]" in (_refusal(_user(TEXT), stream=True) or "")
    assert "is blank" in (_refusal(_user(TEXT), system=[{"text": ""}]) or "")


def _output(call_id: str, *content: Json) -> Json:
    return {"toolResult": {"toolUseId": call_id, "content": list(content)}}


def _changed(**fields: Any) -> Json:
    return {"toolUse": CALL["toolUse"] | fields}


@pytest.mark.parametrize(
    ("call", "outputs", "said"),
    [
        (CALL, [TEXT], "Expected toolResult blocks"),
        (TEXT, [OUTPUT], "exceed the number"),
        (CALL, [OUTPUT, OUTPUT], "duplicate Ids"),
        (CALL, [_output("call_1", {"text": ""})], "is blank"),
        (CALL, [_output("call_1")], "is blank"),
        (_changed(name="a.b"), [OUTPUT], "'name'"),
        (_changed(input="{}"), [OUTPUT], "json object"),
        (_changed(toolUseId="a|b"), [_output("a|b", TEXT)], "'toolUseId'"),
    ],
)
def test_calls_and_outputs_that_do_not_match_are_refused(call: Json, outputs: list[Json], said: str) -> None:
    assert said in (_called(call, *outputs) or "")


def test_an_id_that_comes_again_is_refused() -> None:
    turns = [_user(TEXT), _model(CALL), _user(OUTPUT), _model(CALL), _user(OUTPUT)]

    assert "unique" in (_refusal(*turns, toolConfig=TOOLS) or "")


def test_calls_without_definitions_are_refused() -> None:
    assert "toolConfig field must be defined" in (_refusal(_user(TEXT), _model(CALL), _user(OUTPUT)) or "")


@pytest.mark.parametrize(
    ("specification", "said"),
    [
        ({"name": "a b", "inputSchema": {"json": SCHEMA}}, ".name"),
        ({"name": "a", "description": "", "inputSchema": {"json": SCHEMA}}, ".description"),
        ({"name": "a", "inputSchema": {"json": {}}}, "must be one of the following: object"),
    ],
)
def test_tools_out_of_shape_are_refused(specification: Json, said: str) -> None:
    assert said in (_refusal(_user(TEXT), toolConfig={"tools": [{"toolSpec": specification}]}) or "")
    assert "min length: 1" in (_refusal(_user(TEXT), toolConfig={"tools": []}) or "")


@pytest.mark.parametrize(
    ("thought", "said"),
    [
        (_thought("Hm.", None), "Field required"),
        (_thought("Hm.", ""), "Field required"),
        (_thought("Hm.", "forged"), "Invalid `signature`"),
        (_thought("Hm!", sealed("seal", "Hm.")), "Invalid `signature`"),
        ({"reasoningContent": {"redactedContent": "AAAA"}}, "Invalid `data`"),
        ({"reasoningContent": {"redactedContent": "no base64"}}, "Invalid `data`"),
    ],
)
def test_thoughts_that_were_not_sealed_here_are_refused(thought: Json, said: str) -> None:
    assert said in (_refusal(_user(TEXT), _model(thought, TEXT), _user(TEXT), model=CLAUDE) or "")


def test_thoughts_that_were_sealed_here_are_taken_by_models_that_take_some() -> None:
    turns = [_user(TEXT), _model(_thought("Hm.", sealed("seal", "Hm.")), TEXT), _user(TEXT)]
    encrypted = {"reasoningContent": {"redactedContent": hidden("seal")}}

    assert _refusal(*turns, model=CLAUDE) is None
    assert "doesn't support the reasoningContent" in (_refusal(*turns, model="us.openai.gpt-5.6") or "")
    assert _refusal(_user(TEXT), _model(encrypted, TEXT), _user(TEXT), model=CLAUDE) is None


@pytest.mark.parametrize(
    ("blocks", "said"),
    [
        ([{"image": {"format": "tiff", "source": BYTES}}], "image.format"),
        ([{"image": {"format": "png", "source": {"bytes": ""}}}], "no bytes"),
        ([_document("a_b")], "can only contain alphanumeric"),
        ([_document("a  b")], "can only contain alphanumeric"),
        ([_document("a"), _document("a")], "Duplicate document names"),
        ([_document(str(number)) for number in range(6)], "Too many documents"),
        ([IMAGE] * 21, "Too many images"),
    ],
)
def test_files_that_it_does_not_take_are_refused(blocks: list[Json], said: str) -> None:
    assert said in (_refusal(_user(TEXT, *blocks)) or "")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        (SCHEMA, "additionalProperties"),
        (
            {
                "type": "object",
                "properties": {"n": {"type": "integer", "minimum": 1}},
                "additionalProperties": False,
            },
            "'minimum' is not supported",
        ),
    ],
)
def test_schemas_that_it_does_not_compile_are_refused(schema: Json, said: str) -> None:
    assert said in (_refusal(_user(TEXT), outputConfig=_format(schema)) or "")
