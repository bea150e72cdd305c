from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.prompts import (
    Delta,
    Finish,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from backboard_server.providers._calls import CALLS_MAX
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.anthropic.answer import StreamedAnswer, read_whole

Json = dict[str, Any]

START: Json = {
    "type": "message_start",
    "message": {"model": "m", "content": [], "usage": {"input_tokens": 9}},
}
STOP: Json = {"type": "message_stop"}
TEXT: Json = {"type": "text", "text": "Hi."}
CALL: Json = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}
THOUGHT: Json = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}


def _event(kind: str, index: int, **fields: Any) -> Json:
    return {"type": f"content_block_{kind}", "index": index, **fields}


def _delta(index: int, kind: str, **fields: Any) -> Json:
    return _event("delta", index, delta={"type": kind, **fields})


def _end(reason: str | None = "end_turn", **fields: Any) -> Json:
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, **fields},
        "usage": {"output_tokens": 2},
    }


def _streamed(*events: Json) -> list[Delta]:
    answer = StreamedAnswer()
    deltas = [delta for event in events for delta in answer.take(msgspec.json.encode(event))]
    return [*deltas, *answer.finish()]


def _whole(*blocks: Json, reason: str | None = "end_turn", **fields: Any) -> list[Delta]:
    message: Json = {"type": "message", "model": "m", "content": blocks, "stop_reason": reason}
    usage = {"input_tokens": 9, "output_tokens": 2}
    return list(read_whole(msgspec.json.encode(message | {"usage": usage} | fields)))


def _pieces(number: int, block: Json) -> list[Json]:
    """Return a block as the vendor streams it."""
    match block["type"]:
        case "text":
            opened, deltas = (
                TEXT | {"text": ""},
                [_delta(number, "text_delta", text=each) for each in block["text"]],
            )
        case "thinking":
            opened = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [_delta(number, "thinking_delta", thinking=each) for each in block["thinking"]]
            deltas.append(_delta(number, "signature_delta", signature=block["signature"]))
        case "tool_use":
            opened, said = block | {"input": msgspec.Raw(b"{}")}, msgspec.json.encode(block["input"]).decode()
            deltas = [
                _delta(number, "input_json_delta", partial_json=each) for each in ("", said[:3], said[3:])
            ]
        case _:
            opened, deltas = block, []
    return [_event("start", number, content_block=opened), *deltas, _event("stop", number)]


def _joined(deltas: list[Delta]) -> list[Delta]:
    """Return what deltas say in all, however they are cut."""
    joined: list[Delta] = []
    for delta in deltas:
        last = joined[-1] if joined else None
        if isinstance(delta, TextDelta) and isinstance(last, TextDelta):
            joined[-1] = TextDelta(last.text + delta.text)
        elif isinstance(delta, ReasoningDelta) and isinstance(last, ReasoningDelta):
            joined[-1] = ReasoningDelta(last.text + delta.text)
        elif (
            isinstance(delta, ToolCallDelta) and isinstance(last, ToolCallDelta) and last.index == delta.index
        ):
            joined[-1] = msgspec.structs.replace(last, arguments=last.arguments + delta.arguments)
        else:
            joined.append(delta)
    return joined


ANSWERS: list[list[Json]] = [
    [TEXT],
    [THOUGHT, TEXT],
    [THOUGHT, TEXT, CALL],
    [CALL, CALL | {"id": "toolu_2", "input": {}}],
    [{"type": "redacted_thinking", "data": "secret"}, THOUGHT, CALL],
    [THOUGHT, TEXT, THOUGHT, {"type": "text", "text": " More."}, CALL],
    [{"type": "mystery", "text": "x"}, TEXT],
]


@pytest.mark.parametrize("blocks", ANSWERS)
def test_both_ways_of_reading_say_the_same(blocks: list[Json]) -> None:
    events = [event for number, block in enumerate(blocks) for event in _pieces(number, block)]

    assert _joined(_streamed(START, *events, _end(), STOP)) == _joined(_whole(*blocks))


def test_text_thoughts_and_calls_are_told_apart() -> None:
    deltas = _whole(THOUGHT, TEXT, CALL, reason="tool_use")

    assert deltas[:4] == [
        ReasoningDelta("Hm."),
        TextDelta("Hi."),
        ToolCallDelta(0, "", "toolu_1", "f"),
        ToolCallDelta(0, '{"a":1}'),
    ]
    assert isinstance(deltas[4], Finish)
    assert (deltas[4].reason, deltas[4].model, deltas[4].usage) == ("tool_calls", "m", Usage(9, 2))


def test_thoughts_are_kept_with_their_signatures_and_their_place() -> None:
    hidden = {"type": "thinking", "thinking": "", "signature": "only"}
    finish = _whole(THOUGHT, TEXT, {"type": "redacted_thinking", "data": "d"}, hidden, CALL)[-1]

    assert isinstance(finish, Finish)
    assert finish.sidecar == {
        "anthropic": {
            "model": "m",
            "blocks": [
                THOUGHT,
                {"type": "text", "length": 3},
                {"type": "redacted_thinking", "data": "d"},
                {"type": "thinking", "signature": "only"},
                {"type": "tool_use"},
            ],
        }
    }


def test_an_answer_without_thoughts_keeps_nothing() -> None:
    finish = _whole(TEXT, CALL)[-1]

    assert isinstance(finish, Finish)
    assert finish.sidecar is None


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "length"),
        ("refusal", "content_filter"),
        ("a_new_one", "stop"),
    ],
)
def test_a_stop_reason_is_ours(reported: str, reason: str) -> None:
    whole, streamed = (
        _whole(TEXT, reason=reported)[-1],
        _streamed(START, *_pieces(0, TEXT), _end(reported))[-1],
    )

    assert isinstance(whole, Finish)
    assert whole == streamed
    assert whole.reason == reason


def test_an_answer_with_calls_finishes_with_them_unless_it_was_cut_short() -> None:
    reasons = [_whole(CALL, reason=reason)[-1].reason for reason in ("end_turn", "max_tokens")]  # type: ignore[union-attr] - Finish is last

    assert reasons == ["tool_calls", "length"]


def test_a_refusal_explains_itself_where_nothing_else_was_said() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "I may not."}

    silent = _streamed(START, _end("refusal", stop_details=details), STOP)
    spoken = _whole(TEXT, reason="refusal", stop_details=details)
    bare = _whole(reason="refusal", stop_details=None)

    assert silent == [TextDelta("I may not."), Finish("content_filter", Usage(9, 2), "m")]
    assert spoken == [TextDelta("Hi."), Finish("content_filter", Usage(9, 2), "m")]
    assert bare == [Finish("content_filter", Usage(9, 2), "m")]


def test_thoughts_of_a_refused_turn_are_not_kept() -> None:
    finish = _whole(THOUGHT, reason="refusal")[-1]

    assert isinstance(finish, Finish)
    assert finish.sidecar is None


def test_nothing_after_the_stop_reason_is_read() -> None:
    events = [
        START,
        *_pieces(0, TEXT),
        _end(),
        _delta(0, "text_delta", text="More."),
        _end("max_tokens"),
        STOP,
    ]

    assert _joined(_streamed(*events)) == [TextDelta("Hi."), Finish("stop", Usage(9, 2), "m")]


def test_a_stream_has_ended_with_its_stop_reason_and_is_complete_with_its_mark() -> None:
    answer = StreamedAnswer()
    for event in (START, *_pieces(0, TEXT), _end(None)):
        answer.take(msgspec.json.encode(event))
    assert not answer.has_ended

    answer.take(msgspec.json.encode(_end()))
    assert (answer.has_ended, answer.is_complete) == (True, False)

    answer.take(msgspec.json.encode(STOP))
    assert answer.is_complete


def test_a_mark_without_a_stop_reason_ends_what_was_said() -> None:
    assert _streamed(START, *_pieces(0, TEXT), STOP)[-1] == Finish("stop", None, "m")


@pytest.mark.parametrize(
    ("events", "kind"), [((START,), "truncated"), ((START, STOP), "malformed"), ((), "truncated")]
)
def test_a_stream_that_breaks_off_or_says_nothing_is_a_failure(events: tuple[Json, ...], kind: str) -> None:
    with pytest.raises(Failure) as caught:
        _streamed(*events)

    assert caught.value.kind == kind


@pytest.mark.parametrize("content", [None, []])
def test_a_plain_answer_without_content_or_reason_is_malformed(content: list[Json] | None) -> None:
    with pytest.raises(Failure) as caught:
        list(read_whole(msgspec.json.encode({"content": content, "stop_reason": None})))

    assert caught.value.kind == "malformed"


def test_an_empty_answer_that_ended_is_an_answer() -> None:
    assert _whole() == [Finish("stop", Usage(9, 2), "m")]


def test_an_error_event_is_a_failure_at_any_time() -> None:
    error: Json = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

    for events in ((error,), (START, *_pieces(0, TEXT), error)):
        with pytest.raises(Failure) as caught:
            _streamed(*events)
        assert caught.value.kind == "failed"


def test_calls_get_ids_of_their_own_where_the_vendor_gives_none_or_one_twice() -> None:
    calls = [CALL, CALL, {key: value for key, value in CALL.items() if key != "id"}]

    ids = [delta.id for delta in _whole(*calls) if isinstance(delta, ToolCallDelta) and delta.name]

    assert ids[0] == "toolu_1"
    assert len(set(ids)) == 3
    assert all(ids)


def test_a_call_that_ends_without_arguments_has_those_with_which_it_began() -> None:
    start = _event("start", 0, content_block=CALL)

    assert _streamed(START, start, _event("stop", 0), _end())[1] == ToolCallDelta(0, '{"a":1}')
    assert _streamed(START, start, _end())[1] == ToolCallDelta(0, '{"a":1}')
    assert _whole(CALL | {"input": None})[1] == ToolCallDelta(0, "{}")


def test_calls_are_numbered_as_they_begin_and_told_apart_as_they_grow() -> None:
    first, second = (_event("start", number, content_block=CALL | {"input": {}}) for number in (4, 1))
    grown = [
        _delta(number, "input_json_delta", partial_json=said)
        for number, said in ((4, "[4"), (1, "[1"), (4, "]"))
    ]

    deltas = _streamed(START, first, second, *grown, _end())

    arguments = [(delta.index, delta.arguments) for delta in deltas[2:5] if isinstance(delta, ToolCallDelta)]
    assert arguments == [(0, "[4"), (1, "[1"), (0, "]")]


def test_a_block_that_begins_twice_is_one() -> None:
    start = _event("start", 0, content_block=CALL)

    assert len(_streamed(START, start, start, _event("stop", 0), _end())) == 3


@pytest.mark.parametrize("calls", [[CALL | {"name": ""}], [CALL | {"name": None}], [CALL] * (CALLS_MAX + 1)])
def test_a_call_without_a_name_and_one_too_many_are_malformed(calls: list[Json]) -> None:
    with pytest.raises(Failure) as caught:
        _whole(*calls)

    assert caught.value.kind == "malformed"


def test_pieces_of_blocks_and_kinds_that_are_not_known_are_passed_over() -> None:
    events = [
        _delta(7, "text_delta", text="lost"),
        _event("start", 0, content_block={"type": "mystery", "id": "x"}),
        _delta(0, "mystery_delta", text="lost"),
        *_pieces(1, TEXT),
        _delta(1, "citations_delta", citation={"cited_text": "lost"}),
        {"type": "ping"},
    ]

    assert _joined(_streamed(START, *events, _end())) == [TextDelta("Hi."), Finish("stop", Usage(9, 2), "m")]
