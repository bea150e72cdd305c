from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fake_vendor import Answer, CalledTool, Fault, Tokens
from fake_vendor.connection import Request
from fake_vendor.dialects.anthropic import Anthropic
from fake_vendor.terms import Asked, Frame, Problem, ProblemKind, Refused

ANTHROPIC = Anthropic()
BODY: dict[str, Any] = {
    "model": "claude-opus-4-6",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Where is Paris?"}],
}
HEADERS = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
FULL = Answer(
    text="In France.",
    reasoning="A city.",
    signature="seal",
    tool_calls=(CalledTool("look_up", '{"city": "Paris"}'), CalledTool("wait")),
    usage=Tokens(prompt=100, completion=20, cached=60, cache_write=30, reasoning=5),
)


def _request(headers: dict[str, str] = HEADERS, /, **fields: Any) -> Request:
    return Request("POST", "/v1/messages", headers, msgspec.json.encode(BODY | fields))


def _asked(**fields: Any) -> Asked:
    return ANTHROPIC.parse(_request(**fields))


def _kinds(frames: list[Frame]) -> list[str]:
    return [f"{frame.kind}:{frame.name}" for frame in frames]


def test_a_request_belongs_to_it_by_its_path_and_a_list_of_models_by_its_header() -> None:
    assert ANTHROPIC.purpose(_request()) == "answer"
    assert ANTHROPIC.purpose(Request("GET", "/v1/models?limit=9", HEADERS, b"")) == "models"
    assert ANTHROPIC.purpose(Request("GET", "/v1/models", {}, b"")) is None
    assert ANTHROPIC.purpose(Request("POST", "/v1/chat/completions", HEADERS, b"")) is None


def test_models_are_listed_on_one_page() -> None:
    page = ANTHROPIC.models(("a", "b"), _request())

    assert [row["id"] for row in page["data"]] == ["a", "b"]
    assert page["has_more"] is False


def test_the_last_user_message_is_read_from_a_text_or_from_blocks() -> None:
    blocks: list[Any] = [{"type": "image", "source": {}}, {"type": "text", "text": "What is it?"}]

    asked = _asked(messages=[BODY["messages"][0], {"role": "user", "content": blocks}], stream=True)

    assert (asked.model, asked.stream, asked.last_user_text, asked.words) == (
        "claude-opus-4-6",
        True,
        "What is it?",
        6,
    )


def test_nothing_is_looked_at_without_a_key() -> None:
    with pytest.raises(Refused) as caught:
        ANTHROPIC.parse(_request({"anthropic-version": "2023-06-01"}))

    assert caught.value.problem.status == 401


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({"x-api-key": "k"}, {}),
        (HEADERS, {"max_tokens": None}),
        (HEADERS, {"response_format": {}}),
        (HEADERS, {"thinking": {"type": "adaptive", "block_binding": {}}}),
    ],
)
def test_a_request_without_a_version_or_with_fields_of_others_is_none(
    headers: dict[str, str], fields: dict[str, Any]
) -> None:
    with pytest.raises((ValueError, msgspec.MsgspecError)):
        ANTHROPIC.parse(_request(headers, **fields))


def test_a_beta_is_taken_with_its_header() -> None:
    headers = HEADERS | {"anthropic-beta": "thinking-binding-controls-2026-08-01"}

    assert ANTHROPIC.parse(_request(headers, thinking={"type": "adaptive", "block_binding": {}}))


def test_a_plain_answer_is_a_message() -> None:
    body = ANTHROPIC.body(FULL, _asked())

    kinds = [block["type"] for block in body["content"]]
    assert (body["type"], body["stop_reason"], kinds) == (
        "message",
        "tool_use",
        ["thinking", "text", "tool_use", "tool_use"],
    )
    assert body["content"][2] == {
        "type": "tool_use",
        "id": "call_0",
        "name": "look_up",
        "input": {"city": "Paris"},
    }
    assert body["usage"] == {
        "input_tokens": 10,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 60,
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 5},
    }


def test_a_streamed_answer_says_the_same_piece_by_piece() -> None:
    plain = ANTHROPIC.body(FULL, _asked())["content"]
    frames = ANTHROPIC.frames(FULL, _asked(stream=True))
    deltas = [frame.payload for frame in frames if frame.name == "content_block_delta"]

    def joined(index: int, name: str) -> str:
        return "".join(event["delta"].get(name, "") for event in deltas if event["index"] == index)

    assert (joined(0, "thinking"), joined(0, "signature")) == (plain[0]["thinking"], plain[0]["signature"])
    assert joined(1, "text") == "In France."
    assert msgspec.json.decode(joined(2, "partial_json")) == plain[2]["input"]
    assert _kinds(frames)[:3] == ["opening:message_start", "opening:ping", "opening:content_block_start"]
    assert _kinds(frames)[-2:] == ["final:message_delta", "mark:message_stop"]
    assert {frame.call for frame in frames if frame.kind == "tool"} == {0, 1}


def test_an_event_bears_the_name_of_its_type() -> None:
    mark = ANTHROPIC.frames(Answer(), _asked())[-1]

    assert ANTHROPIC.encode(mark) == b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


def test_a_signature_without_reasoning_stands_on_a_thought_that_is_withheld() -> None:
    thought = ANTHROPIC.body(Answer(text="Hi.", signature="seal"), _asked())["content"][0]

    assert (thought["type"], thought["thinking"], thought["signature"][:5]) == ("thinking", "", "seal~")


def test_a_refusal_explains_itself_beside_the_text() -> None:
    answer = Answer(text="", refusal="I would rather not.")

    body = ANTHROPIC.body(answer, _asked())
    final = ANTHROPIC.frames(answer, _asked())[-2].payload["delta"]

    assert (body["content"], body["stop_reason"]) == ([], "refusal")
    assert body["stop_details"] == final["stop_details"]
    assert body["stop_details"]["explanation"] == "I would rather not."


@pytest.mark.parametrize(
    ("scripted", "told"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "refusal"),
        ("pause_turn", "pause_turn"),
    ],
)
def test_reasons_are_translated_and_others_sent_as_they_are(scripted: str, told: str) -> None:
    assert ANTHROPIC.body(Answer(finish_reason=scripted), _asked())["stop_reason"] == told
    assert ANTHROPIC.ended(scripted, _asked()).payload["delta"]["stop_reason"] == told


def test_arguments_that_are_no_json_cannot_be_said_in_a_plain_answer() -> None:
    with pytest.raises(msgspec.DecodeError):
        ANTHROPIC.body(Answer(tool_calls=(CalledTool("f", "{city"),)), _asked())


def test_odd_answers_are_odd_in_both_modes() -> None:
    body, frames = ANTHROPIC.body(FULL, _asked()), ANTHROPIC.frames(FULL, _asked())

    empty = ANTHROPIC.odd_frames(Fault.EMPTY_CHOICES, frames, _asked())
    silent = ANTHROPIC.odd_frames(Fault.NULL_CONTENT, frames, _asked()) or []
    uncounted = ANTHROPIC.odd_frames(Fault.USAGE_MISSING, frames, _asked()) or []
    assert _kinds(empty or []) == ["opening:message_start", "mark:message_stop"]
    assert {frame.payload["delta"]["text"] for frame in silent if frame.kind == "text"} == {None}
    assert "usage" not in str([frame.payload for frame in uncounted])
    assert "usage" in str(frames[0].payload)
    assert ANTHROPIC.odd_frames(Fault.HTML, frames, _asked()) is None

    assert (ANTHROPIC.odd_body(Fault.EMPTY_CHOICES, body) or {})["content"] == []
    assert (ANTHROPIC.odd_body(Fault.NULL_CONTENT, body) or {})["content"][1]["text"] is None
    assert "usage" not in (ANTHROPIC.odd_body(Fault.USAGE_MISSING, body) or {})
    assert ANTHROPIC.odd_body(Fault.HTML, body) is None


@pytest.mark.parametrize(
    ("kind", "told"),
    [("overloaded", "overloaded_error"), ("quota", "billing_error"), ("conflict", "invalid_request_error")],
)
def test_an_error_is_an_object_of_its_own_and_an_event_of_its_own(kind: ProblemKind, told: str) -> None:
    problem = Problem(500, kind, "No.")

    frames = ANTHROPIC.error_frames(problem, _asked(), is_first=True)

    assert ANTHROPIC.error_body(problem)["error"] == {"type": told, "message": "No."}
    assert [(frame.kind, frame.name, frame.payload["error"]["type"]) for frame in frames] == [
        ("error", "error", told)
    ]
    assert ANTHROPIC.error_lines(problem) == ("request-id: req_fake",)


def test_a_prompt_that_is_too_long_is_told_in_a_sentence() -> None:
    error = ANTHROPIC.error_body(Problem(400, "context_length", "9 > 8"))["error"]

    assert error == {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"}
