from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.domain.prompts import (
    Delta,
    Finish,
    FinishReason,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from backboard_server.providers._calls import CALLS_MAX
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.gemini.answer import StreamedAnswer, read_whole

COUNTS = {"promptTokenCount": 3, "candidatesTokenCount": 2}


def _chunk(*parts: dict[str, Any], reason: str | None = None, **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if reason:
        candidate["finishReason"] = reason
    return {"candidates": [candidate | more], "usageMetadata": COUNTS, "modelVersion": "gemini-3.5-flash"}


def _call(name: str = "weather", call_id: str | None = "c1", **args: Any) -> dict[str, Any]:
    return {"functionCall": {"id": call_id, "name": name, "args": args}}


def _streamed(*chunks: dict[str, Any]) -> list[Delta]:
    reader = StreamedAnswer()
    deltas = [delta for chunk in chunks for delta in reader.take(msgspec.json.encode(chunk))]
    return [*deltas, *reader.finish()]


def _plain(chunk: object) -> list[Delta]:
    return list(read_whole(msgspec.json.encode(chunk)))


def test_thoughts_text_and_calls_come_in_their_order() -> None:
    deltas = _streamed(
        _chunk({"text": "Hm.", "thought": True}),
        _chunk({"text": "Let me "}, {"text": "see."}),
        _chunk(_call(city="Paris") | {"thoughtSignature": "s1"}, _call("time", "c2")),
        _chunk({"text": ""}, reason="STOP"),
    )

    assert deltas[:-1] == [
        ReasoningDelta("Hm."),
        TextDelta("Let me "),
        TextDelta("see."),
        ToolCallDelta(0, '{"city":"Paris"}', "c1", "weather"),
        ToolCallDelta(1, "{}", "c2", "time"),
    ]
    kept = [{"kind": "text", "length": 11}, {"kind": "call", "signature": "s1"}, {"kind": "call"}]
    assert deltas[-1] == Finish(
        "tool_calls",
        Usage(input_tokens=3, output_tokens=2),
        "gemini-3.5-flash",
        {"gemini": {"model": "gemini-3.5-flash", "parts": kept}},
    )


def test_a_plain_answer_says_the_same_however_it_is_indented() -> None:
    parts = ({"text": "Hm.", "thought": True}, {"text": "Sun."}, _call(city="Paris", days=[1, 2.5]))
    whole = _chunk(*parts, reason="STOP")

    indented = list(read_whole(msgspec.json.format(msgspec.json.encode(whole), indent=2)))

    assert indented == _plain(whole) == _plain([whole]) == _streamed(whole)


def test_a_signature_on_an_empty_part_is_kept_in_its_place() -> None:
    deltas = _streamed(_chunk({"text": "4"}), _chunk({"text": "", "thoughtSignature": "s"}, reason="STOP"))

    assert isinstance(deltas[-1], Finish)
    assert deltas[-1].sidecar is not None
    assert deltas[-1].sidecar["gemini"]["parts"] == [
        {"kind": "text", "length": 1},
        {"kind": "text", "signature": "s"},
    ]


def test_calls_without_ids_and_with_the_same_get_their_own() -> None:
    deltas = _streamed(
        _chunk(_call(call_id=None), _call(call_id="same"), _call(call_id="same"), reason="STOP")
    )

    ids = [delta.id for delta in deltas if isinstance(delta, ToolCallDelta)]
    assert len(set(ids)) == 3
    assert all(ids)
    assert ids[1] == "same"


@pytest.mark.parametrize("args", [{}, {"args": None}, {"args": {}}])
def test_a_call_without_arguments_has_an_empty_object(args: dict[str, Any]) -> None:
    deltas = _streamed(_chunk({"functionCall": {"name": "wait", "id": "c"} | args}, reason="STOP"))

    assert deltas[0] == ToolCallDelta(0, "{}", "c", "wait")


def test_a_call_without_a_name_and_calls_without_end_are_malformed() -> None:
    for parts in ([_call("")], [_call()] * (CALLS_MAX + 1)):
        with pytest.raises(Failure) as caught:
            _streamed(_chunk(*parts, reason="STOP"))
        assert caught.value.kind == "malformed"


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("IMAGE_SAFETY", "content_filter"),
        ("OTHER", "stop"),
        ("SOMETHING_LATER", "stop"),
    ],
)
def test_reasons_are_translated(reported: str, reason: FinishReason) -> None:
    finish = _streamed(_chunk({"text": "Sun."}, reason=reported))[-1]

    assert isinstance(finish, Finish)
    assert finish.reason == reason


@pytest.mark.parametrize(
    ("reported", "kind"),
    [
        ("MALFORMED_FUNCTION_CALL", "failed"),
        ("UNEXPECTED_TOOL_CALL", "failed"),
        ("OTHER", "failed"),
        ("MISSING_THOUGHT_SIGNATURE", "rejected_request"),
    ],
)
def test_a_mistake_of_the_model_is_a_failure_that_says_which(reported: str, kind: UpstreamKind) -> None:
    with pytest.raises(Failure, match=f"{reported}. Because.") as caught:
        _plain({"candidates": [{"finishReason": reported, "finishMessage": "Because."}]})

    assert caught.value.kind == kind


def test_a_blocked_prompt_is_a_refusal() -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": COUNTS}

    finish = Finish("content_filter", Usage(input_tokens=3, output_tokens=2))
    assert _streamed(blocked) == _plain(blocked) == [finish]


def test_a_stream_ends_with_its_finish_reason_and_counts() -> None:
    reader = StreamedAnswer()
    reader.take(msgspec.json.encode(_chunk({"text": "Sun."})))
    assert not reader.has_ended

    reader.take(b'{"candidates":[{"finishReason":"STOP"}]}')

    assert reader.has_ended
    assert reader.is_complete
    assert list(reader.take(msgspec.json.encode(_chunk({"text": "more"}, reason="MAX_TOKENS")))) == []
    assert reader.finish()[0] == Finish("stop", Usage(input_tokens=3, output_tokens=2), "gemini-3.5-flash")


def test_counts_may_come_after_the_reason() -> None:
    reader = StreamedAnswer()
    reader.take(b'{"candidates":[{"content":{"parts":[{"text":"Sun."}]},"finishReason":"STOP"}]}')
    assert not reader.is_complete

    reader.take(msgspec.json.encode({"usageMetadata": COUNTS}))

    assert reader.is_complete


def test_a_stream_without_a_finish_reason_is_truncated() -> None:
    with pytest.raises(Failure) as caught:
        _streamed(_chunk({"text": "Sun."}))

    assert caught.value.kind == "truncated"


def test_a_plain_answer_needs_a_candidate_and_no_reason() -> None:
    assert _plain(_chunk({"text": "Sun."}))[0] == TextDelta("Sun.")
    for empty in (b'{"candidates": []}', b"{}"):
        with pytest.raises(Failure) as caught:
            list(read_whole(empty))
        assert caught.value.kind == "malformed"


@pytest.mark.parametrize("thought", [{}, {"thought": True}])
def test_pictures_are_passed_over_with_their_signatures(thought: dict[str, Any]) -> None:
    picture = {"inlineData": {"mimeType": "image/png", "data": "eA=="}, "thoughtSignature": "s"} | thought

    text, finish = _streamed(_chunk({"text": "Look:"}, picture, reason="STOP"))

    assert text == TextDelta("Look:")
    assert isinstance(finish, Finish)
    assert finish.sidecar is None
