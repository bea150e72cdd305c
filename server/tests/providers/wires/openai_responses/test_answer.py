from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.domain.prompts import Delta, Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from backboard_server.providers._failures import Failure, OtherProtocol
from backboard_server.providers.wires.openai_responses.answer import StreamedAnswer, read_whole
from fake_vendor import Answer, CalledTool, Tokens
from fake_vendor.dialects.openai_responses import OpenAIResponses
from fake_vendor.terms import Asked, Frame

VENDOR = OpenAIResponses()
ASKED = Asked("gpt-5", last_user_text="Hi.", body={"include": ["reasoning.encrypted_content"]})
CALLS = (CalledTool("look_up", '{"city": "Paris"}'), CalledTool("wait"))
THOUGHTFUL = Answer(
    text="Let me see.",
    reasoning="It is June.",
    signature="seal",
    tool_calls=CALLS,
    usage=Tokens(9, 8, 7, 6, 5),
)


def _frames(answer: Answer) -> list[Frame]:
    return VENDOR.frames(answer, ASKED)


def _read(*payloads: Any) -> list[Delta]:
    answer = StreamedAnswer()
    deltas = [delta for payload in payloads for delta in answer.take(msgspec.json.encode(payload))]
    return [*deltas, *answer.finish()]


def _streamed(answer: Answer) -> list[Delta]:
    return _read(*(frame.payload for frame in _frames(answer)))


def _whole(answer: Answer, **fields: Any) -> list[Delta]:
    return list(read_whole(msgspec.json.encode(VENDOR.body(answer, ASKED) | fields)))


def _ended(status: str = "completed", **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{status}", "response": {"status": status, **fields}}


def _joined(deltas: list[Delta]) -> tuple[str, str, dict[int, str], Delta]:
    text = "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))
    thought = "".join(delta.text for delta in deltas if isinstance(delta, ReasoningDelta))
    calls: dict[int, str] = {}
    for delta in deltas:
        if isinstance(delta, ToolCallDelta):
            calls[delta.index] = calls.get(delta.index, "") + (delta.name or "") + delta.arguments
    return text, thought, calls, deltas[-1]


@pytest.mark.parametrize(
    "answer", [THOUGHTFUL, Answer(text="Hi.", refusal="No."), Answer(finish_reason="length")]
)
def test_both_ways_of_reading_give_the_same(answer: Answer) -> None:
    assert _joined(_streamed(answer)) == _joined(_whole(answer))


def test_an_answer_has_its_parts_apart_and_its_counts() -> None:
    text, thought, calls, finish = _joined(_streamed(THOUGHTFUL))

    assert (text, thought) == ("Let me see.", "It is June.")
    assert calls == {0: 'look_up{"city": "Paris"}', 1: "wait{}"}
    assert isinstance(finish, Finish)
    assert (finish.reason, finish.usage, finish.model) == ("tool_calls", Usage(9, 8, 7, 6, 5), "gpt-5")
    assert [item["type"] for item in (finish.sidecar or {})["openai_responses"]] == [
        "reasoning",
        "message",
        "function_call",
        "function_call",
    ]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(text="Hi."), "stop"),
        (Answer(tool_calls=CALLS), "tool_calls"),
        (Answer(text="Hi.", finish_reason="length"), "length"),
        (Answer(text="Hi.", finish_reason="content_filter"), "content_filter"),
        (Answer(text="Hi.", finish_reason="never_heard_of"), "length"),
        (Answer(tool_calls=CALLS, finish_reason="length"), "length"),
        (Answer(text="", refusal="No."), "content_filter"),
    ],
)
def test_an_answer_ends_for_a_reason(answer: Answer, reason: str) -> None:
    for deltas in (_streamed(answer), _whole(answer)):
        finish = deltas[-1]
        assert isinstance(finish, Finish)
        assert finish.reason == reason


def test_events_of_other_types_and_marks_of_gateways_are_skipped() -> None:
    answer = StreamedAnswer()

    for payload in (b'{"type": "keepalive"}', b'{"type": "response.new", "delta": {}}', b"[DONE]"):
        assert answer.take(payload) == ()
    item = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    added = msgspec.json.encode({"type": "response.output_item.added", "output_index": 0, "item": item})
    assert answer.take(added) == ()
    assert not answer.has_ended


def test_nothing_is_read_after_the_end() -> None:
    said = {"type": "response.output_text.delta", "delta": "Hi."}

    assert _read(said, _ended(), said, _ended("failed")) == [TextDelta("Hi."), Finish("stop")]


def test_an_answer_that_comes_in_its_last_event_alone_is_an_answer() -> None:
    output = [{"type": "message", "content": [{"type": "output_text", "text": "Hi."}]}]

    assert _read(_ended(output=output)) == [TextDelta("Hi."), Finish("stop")]


def test_a_stream_without_its_last_event_broke_off() -> None:
    answer = StreamedAnswer()
    for frame in _frames(THOUGHTFUL)[:-1]:
        _ = answer.take(msgspec.json.encode(frame.payload))

    assert not answer.is_complete
    with pytest.raises(Failure) as caught:
        _ = answer.finish()
    assert caught.value.kind == "truncated"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"type": "error", "code": "rate_limit_exceeded", "message": "Slow."}, "rate_limited"),
        ({"type": "error", "error": {"code": "insufficient_quota", "message": "No."}}, "spend_limit"),
        ({"error": {"code": 503, "message": "Busy."}}, "failed"),
        (_ended("failed", error={"code": "server_error", "message": "Oh."}), "failed"),
        (_ended("failed", error={"code": "invalid_prompt", "message": "No."}), "content_policy"),
        (_ended("failed"), "failed"),
        (_ended(output={}), "malformed"),
        (_ended(), "malformed"),
        ({"type": "response.completed"}, "malformed"),
        ({"type": "response.output_item.added", "item": {"type": "message", "content": 7}}, "malformed"),
        ([], "malformed"),
    ],
)
def test_a_stream_can_fail(event: Any, kind: UpstreamKind) -> None:
    with pytest.raises(Failure) as caught:
        _ = _read(event)

    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"error": {"code": "server_error", "message": "Oh."}}, "failed"),
        ({"status": "failed"}, "failed"),
        ({"status": "in_progress"}, "malformed"),
        ({"status": None}, "malformed"),
        ({"output": []}, "malformed"),
        ({"output": [{"type": "function_call", "arguments": "{}"}]}, "malformed"),
    ],
)
def test_a_plain_answer_can_fail(fields: dict[str, Any], kind: UpstreamKind) -> None:
    with pytest.raises(Failure) as caught:
        _ = _whole(Answer(), **fields)

    assert caught.value.kind == kind


def test_tokens_that_ran_out_while_thinking_are_an_answer_without_text() -> None:
    thought: dict[str, Any] = {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "sealed",
    }
    details = {"reason": "max_output_tokens"}

    deltas = _whole(Answer(), status="incomplete", incomplete_details=details, output=[thought], usage=None)

    assert deltas == [Finish("length", None, "gpt-5")]


def test_chat_completions_are_another_protocol() -> None:
    chat = b'{"id":"1","object":"chat.completion","choices":[{"message":{"content":"Hi."}}]}'

    with pytest.raises(OtherProtocol):
        list(read_whole(chat))
    with pytest.raises(OtherProtocol):
        StreamedAnswer().take(chat.replace(b"message", b"delta"))
