from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.prompts import Delta, Finish, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.openai_chat.answer import StreamedAnswer, read_whole

DONE = b"[DONE]"


def _chunk(delta: dict[str, Any], finish_reason: str | None = None, **fields: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return msgspec.json.encode({"choices": [choice], **fields})


def _streamed(*payloads: bytes) -> list[Delta]:
    answer = StreamedAnswer()
    deltas = [delta for payload in payloads for delta in answer.take(payload)]
    return [*deltas, *answer.finish()]


def _whole(message: dict[str, Any], finish_reason: str | None = "stop", **fields: Any) -> list[Delta]:
    choice = {"index": 0, "message": message, "finish_reason": finish_reason}
    return list(read_whole(msgspec.json.encode({"choices": [choice], **fields})))


SAYINGS: list[tuple[dict[str, Any], list[Delta]]] = [
    ({"content": "Hi."}, [TextDelta("Hi.")]),
    ({"content": None}, []),
    ({"content": ""}, []),
    ({}, []),
    ({"reasoning_content": "Hm.", "content": "Hi."}, [ReasoningDelta("Hm."), TextDelta("Hi.")]),
    ({"reasoning": "Hm."}, [ReasoningDelta("Hm.")]),
    ({"reasoning": "Hm.", "reasoning_content": "Hm."}, [ReasoningDelta("Hm.")]),
    ({"refusal": "I will not."}, [TextDelta("I will not.")]),
    (
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
                {"type": "text", "text": "Hi."},
            ]
        },
        [ReasoningDelta("Hm."), TextDelta("Hi.")],
    ),
]


@pytest.mark.parametrize(("saying", "deltas"), SAYINGS)
def test_what_is_said_is_read_alike_in_both_modes(saying: dict[str, Any], deltas: list[Delta]) -> None:
    assert _whole(saying) == [*deltas, Finish("stop")]
    assert _streamed(_chunk(saying), _chunk({}, "stop"), DONE) == [*deltas, Finish("stop")]


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "stop"),
        ("eos", "stop"),
    ],
)
def test_a_finish_reason_is_ours_whatever_the_host_calls_it(reported: str, reason: str) -> None:
    assert _streamed(_chunk({"content": "Hi."}, reported))[-1] == Finish(reason)  # type: ignore[arg-type] - a literal
    assert _whole({"content": "Hi."}, reported)[-1] == Finish(reason)  # type: ignore[arg-type] - a literal


@pytest.mark.parametrize("reported", ["tool_calls", "stop", "function_call"])
def test_an_answer_with_calls_finishes_with_them(reported: str) -> None:
    calls = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}

    assert _streamed(_chunk(calls), _chunk({}, reported)) == [
        ToolCallDelta(0, "{}", "a", "f"),
        Finish("tool_calls"),
    ]
    assert _whole(calls, reported)[-1] == Finish("tool_calls")


def test_calls_cut_by_the_length_limit_finish_with_it() -> None:
    calls = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]}

    assert _streamed(_chunk(calls), _chunk({}, "length"))[-1] == Finish("length")


def test_an_ending_with_an_error_is_a_failure() -> None:
    with pytest.raises(Failure) as caught:
        _streamed(_chunk({"content": "Hi."}), _chunk({}, "error"))

    assert caught.value.kind == "failed"


def test_usage_is_taken_from_a_chunk_of_its_own_or_from_the_last_one() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    own = msgspec.json.encode({"choices": [], "usage": usage, "model": "gpt-4o-2024"})

    assert _streamed(_chunk({"content": "Hi."}, "stop"), own, DONE)[-1] == Finish(
        "stop", Usage(3, 2), "gpt-4o-2024"
    )
    assert _streamed(_chunk({"content": "Hi."}, "stop", usage=usage))[-1] == Finish("stop", Usage(3, 2))


def test_nothing_is_said_after_the_end() -> None:
    deltas = _streamed(_chunk({"content": "Hi."}, "stop"), _chunk({"content": "again"}), _chunk({}, "length"))

    assert deltas == [TextDelta("Hi."), Finish("stop")]


def test_a_stream_without_its_end_mark_is_truncated() -> None:
    with pytest.raises(Failure) as caught:
        _streamed(_chunk({"content": "Hi."}))

    assert caught.value.kind == "truncated"


def test_a_stream_that_spoke_and_said_it_was_done_is_complete() -> None:
    assert _streamed(_chunk({"content": "Hi."}), DONE) == [TextDelta("Hi."), Finish("stop")]


def test_what_follows_the_mark_is_not_read() -> None:
    end = _chunk({"content": "Hi."}), DONE

    assert _streamed(*end, _chunk({"content": "More."}), b"garbage") == [TextDelta("Hi."), Finish("stop")]


def test_an_answer_without_a_choice_is_malformed() -> None:
    for read in (lambda: _streamed(b'{"choices":[]}', DONE), lambda: list(read_whole(b'{"choices":[]}'))):
        with pytest.raises(Failure) as caught:
            read()
        assert caught.value.kind == "malformed"


def test_the_marks_tell_when_only_counts_may_follow_and_when_nothing() -> None:
    answer = StreamedAnswer()
    answer.take(_chunk({"content": "Hi."}, "stop"))
    before = (answer.has_ended, answer.is_complete)
    answer.take(DONE)

    assert (before, answer.is_complete) == ((True, False), True)


SIGNED_CALL = {
    "index": 0,
    "id": "a",
    "function": {"name": "f", "arguments": "{}"},
    "extra_content": {"google": {"thought_signature": "seal"}},
}


def test_what_the_host_wants_to_see_again_comes_with_the_finish_in_both_modes() -> None:
    saying = {"reasoning_content": "Hm.", "tool_calls": [SIGNED_CALL]}
    sidecar = {
        "openai_chat": {"reasoning_content": "Hm.", "extra_content": {"a": SIGNED_CALL["extra_content"]}}
    }

    assert _streamed(_chunk(saying), _chunk({}, "tool_calls"))[-1] == Finish("tool_calls", sidecar=sidecar)
    assert _whole(saying, "tool_calls")[-1] == Finish("tool_calls", sidecar=sidecar)


def test_a_signature_is_kept_under_the_id_that_we_gave_where_the_host_gave_none() -> None:
    *_, call, finish = _streamed(
        _chunk({"tool_calls": [SIGNED_CALL | {"id": None}]}), _chunk({}, "tool_calls")
    )

    assert isinstance(call, ToolCallDelta)
    assert isinstance(finish, Finish)
    assert finish.sidecar == {"openai_chat": {"extra_content": {call.id: SIGNED_CALL["extra_content"]}}}


@pytest.mark.parametrize("streamed", [True, False])
def test_a_call_that_never_gets_a_name_is_malformed(streamed: bool) -> None:
    saying = {"tool_calls": [{"index": 0, "id": "a", "function": {"arguments": "{}"}}]}

    with pytest.raises(Failure, match="without a name"):
        _streamed(_chunk(saying), _chunk({}, "stop")) if streamed else _whole(saying)
