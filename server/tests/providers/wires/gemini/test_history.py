from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.prompts import Media, PromptMessage, Sidecar, ToolCall
from backboard_server.providers.wires.gemini.history import contents_of

QUESTION = PromptMessage("user", "Sun?")
CALLS = (ToolCall("c1", "weather", '{"city": "Paris"}'), ToolCall("c2", "time", "{}"))
CALLING = PromptMessage("assistant", "Let me see.", tool_calls=CALLS)
OUTPUTS = (
    PromptMessage("tool", "Sun.", tool_call_id="c1"),
    PromptMessage("tool", "Noon.", tool_call_id="c2"),
)


def _contents(*messages: PromptMessage, model: str = "gemini-2.5-flash") -> Any:
    return msgspec.json.decode(msgspec.json.encode(contents_of(messages, model)))


def _sidecar(*parts: dict[str, Any], model: str = "gemini-3.5-flash") -> Sidecar:
    return {"gemini": {"model": model, "parts": list(parts)}}


def _parts(message: PromptMessage, model: str = "gemini-3-pro-preview") -> Any:
    return _contents(QUESTION, message, QUESTION, model=model)[1]["parts"]


def test_turns_alternate_and_calls_are_answered_in_one_turn_by_name() -> None:
    assert _contents(QUESTION, CALLING, *OUTPUTS) == [
        {"role": "user", "parts": [{"text": "Sun?"}]},
        {
            "role": "model",
            "parts": [
                {"text": "Let me see."},
                {"functionCall": {"id": "c1", "name": "weather", "args": {"city": "Paris"}}},
                {"functionCall": {"id": "c2", "name": "time", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"id": "c1", "name": "weather", "response": {"output": "Sun."}}},
                {"functionResponse": {"id": "c2", "name": "time", "response": {"output": "Noon."}}},
            ],
        },
    ]


def test_neighbours_of_one_role_are_one_turn_and_empty_messages_none() -> None:
    contents = _contents(
        QUESTION, PromptMessage("assistant", ""), PromptMessage("user", "Hello?"), PromptMessage("user", "")
    )

    assert contents == [{"role": "user", "parts": [{"text": "Sun?"}, {"text": "Hello?"}]}]


@pytest.mark.parametrize(
    "messages", [(), (PromptMessage("assistant", "Hi."),), (PromptMessage("system", "Be brief."),)]
)
def test_the_first_and_the_last_turn_are_the_users(messages: tuple[PromptMessage, ...]) -> None:
    contents = _contents(*messages)

    assert contents[0]["role"] == contents[-1]["role"] == "user"
    assert all(content["parts"][0]["text"] for content in contents)


@pytest.mark.parametrize(
    ("arguments", "sent"), [("", {}), ("{city: Paris", {"INVALID_JSON": "{city: Paris"})]
)
def test_arguments_that_are_no_object_do_not_brick_the_thread(arguments: str, sent: dict[str, Any]) -> None:
    message = PromptMessage("assistant", "", tool_calls=(ToolCall("c1", "look_up", arguments),))

    (part,) = _parts(message, "gemini-2.5-flash")

    assert part["functionCall"]["args"] == sent


def test_arguments_go_back_to_the_letter() -> None:
    calls = (ToolCall("c1", "add", '{"n":1.50,"m":12345678901234567890123}'),)

    body = msgspec.json.encode(
        contents_of((QUESTION, PromptMessage("assistant", "", calls)), "gemini-2.5-pro")
    )

    assert b'"args":{"n":1.50,"m":12345678901234567890123}' in body


def test_a_name_that_another_model_made_up_is_one_that_is_taken() -> None:
    call = ToolCall("c1", "what is this?" + "x" * 90, "{}")
    contents = _contents(
        QUESTION,
        PromptMessage("assistant", "", tool_calls=(call,)),
        PromptMessage("tool", "No such tool.", tool_call_id="c1"),
    )

    name = contents[1]["parts"][0]["functionCall"]["name"]
    assert name == ("what_is_this_" + "x" * 90)[:64]
    assert contents[2]["parts"][0]["functionResponse"]["name"] == name


def test_files_go_inline_and_a_picture_of_another_type_by_name() -> None:
    files = (
        Media(kind="image", media_type="image/png", filename="a.png", content=b"png"),
        Media(kind="pdf", media_type="application/pdf", filename="b.pdf", content=b"pdf"),
        Media(kind="audio", media_type="audio/wav", filename="c.wav", content=b"wav"),
        Media(kind="audio", media_type="audio/mpeg", filename="c.mp3", content=b"mp3"),
        Media(kind="image", media_type="image/gif", filename="d.gif", content=b"gif"),
    )

    (content,) = _contents(PromptMessage("user", "Look.", media=files))

    assert content["parts"] == [
        {"text": "Look."},
        {"inlineData": {"mimeType": "image/png", "data": "cG5n"}},
        {"inlineData": {"mimeType": "application/pdf", "data": "cGRm"}},
        {"inlineData": {"mimeType": "audio/wav", "data": "d2F2"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "bXAz"}},
        {"text": "[File attached, which this model cannot see: d.gif]"},
    ]


def test_a_signed_answer_goes_back_part_by_part() -> None:
    kept = _sidecar(
        {"kind": "thought", "text": "Hm.", "signature": "s0"},
        {"kind": "text", "length": 4},
        {"kind": "text", "length": 7, "signature": "s1"},
        {"kind": "call", "signature": "s2"},
        {"kind": "call"},
        {"kind": "text", "signature": "s3"},
    )

    parts = _parts(PromptMessage("assistant", "Let me see.", tool_calls=CALLS, sidecar=kept))

    assert parts == [
        {"text": "Hm.", "thought": True, "thoughtSignature": "s0"},
        {"text": "Let "},
        {"text": "me see.", "thoughtSignature": "s1"},
        {
            "functionCall": {"id": "c1", "name": "weather", "args": {"city": "Paris"}},
            "thoughtSignature": "s2",
        },
        {"functionCall": {"id": "c2", "name": "time", "args": {}}},
        {"text": "", "thoughtSignature": "s3"},
    ]


@pytest.mark.parametrize(
    "sidecar",
    [
        None,
        {},
        {"gemini": "no"},
        {"gemini": {"model": "gemini-3-pro", "parts": [{"kind": "other"}]}},
        _sidecar({"kind": "text", "length": 99}, {"kind": "call", "signature": "s"}, {"kind": "call"}),
        _sidecar({"kind": "text", "length": 11}, {"kind": "call", "signature": "s"}),
        _sidecar(
            {"kind": "text", "length": 12}, {"kind": "text", "length": -1}, {"kind": "call"}, {"kind": "call"}
        ),
        _sidecar(
            {"kind": "text", "length": 11},
            {"kind": "call", "signature": "s"},
            {"kind": "call"},
            model="gemini-2.5-flash",
        ),
    ],
)
def test_without_a_sidecar_that_fits_the_first_call_has_the_stand_in(sidecar: Sidecar | None) -> None:
    parts = _parts(PromptMessage("assistant", "Let me see.", tool_calls=CALLS, sidecar=sidecar))

    assert [part.get("thoughtSignature") for part in parts] == [
        None,
        "skip_thought_signature_validator",
        None,
    ]


def test_models_before_3_are_sent_no_stand_in() -> None:
    assert "thoughtSignature" not in str(_parts(CALLING, "gemini-2.5-pro"))
