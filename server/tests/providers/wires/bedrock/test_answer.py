from __future__ import annotations

from base64 import b64encode
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
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.bedrock.answer import BLOCKS_MAX, StreamedAnswer, read_whole

STOP = {"messageStop": {"stopReason": "end_turn"}}
USAGE = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}


def _delta(index: int, **delta: Any) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}}


def _begin(index: int, call_id: str, name: str, **more: Any) -> dict[str, Any]:
    start = {"toolUse": {"toolUseId": call_id, "name": name} | more}
    return {"contentBlockStart": {"contentBlockIndex": index, "start": start}}


def _streamed(*events: dict[str, Any]) -> list[Delta]:
    answer = StreamedAnswer()
    deltas = [delta for event in events for delta in answer.take(msgspec.json.encode(event))]
    return [*deltas, *answer.finish()]


def _whole(*content: dict[str, Any], stop: str = "end_turn", **fields: Any) -> list[Delta]:
    message = {"role": "assistant", "content": list(content)}
    body = {"output": {"message": message}, "stopReason": stop, "metrics": {"latencyMs": 1}} | fields
    return list(read_whole(msgspec.json.encode(body)))


def _kept(deltas: list[Delta]) -> Any:
    finish = deltas[-1]
    assert isinstance(finish, Finish)
    return finish.sidecar and finish.sidecar["bedrock"]["blocks"]


def test_text_reasoning_and_its_seal_are_read_alike_in_both_modes() -> None:
    kept = [{"reasoning": "Hm, so.", "signature": "seal"}, {"characters": 6}]
    streamed = _streamed(
        {"messageStart": {"role": "assistant"}},
        _delta(0, reasoningContent={"text": "Hm, "}),
        _delta(0, reasoningContent={"text": "so."}),
        _delta(0, reasoningContent={"signature": "se"}),
        _delta(0, reasoningContent={"signature": "al"}),
        {"contentBlockStop": {"contentBlockIndex": 0}},
        _delta(1, text="It "),
        _delta(1, text="is."),
        STOP,
    )
    whole = _whole(
        {"reasoningContent": {"reasoningText": {"text": "Hm, so.", "signature": "seal"}}}, {"text": "It is."}
    )

    assert streamed[:4] == [ReasoningDelta("Hm, "), ReasoningDelta("so."), TextDelta("It "), TextDelta("is.")]
    assert whole[:2] == [ReasoningDelta("Hm, so."), TextDelta("It is.")]
    assert _kept(streamed) == _kept(whole) == kept


def test_encrypted_reasoning_is_kept_and_not_shown_also_when_it_comes_in_pieces() -> None:
    first, second = b64encode(b"abcd").decode(), b64encode(b"efg").decode()
    streamed = _streamed(
        _delta(0, reasoningContent={"redactedContent": first}),
        _delta(0, reasoningContent={"redactedContent": second}),
        _delta(1, text="Hi."),
        STOP,
    )
    whole = _whole({"reasoningContent": {"redactedContent": b64encode(b"abcdefg").decode()}}, {"text": "Hi."})

    assert streamed[:-1] == whole[:-1] == [TextDelta("Hi.")]
    assert _kept(streamed) == _kept(whole)
    assert _kept(whole)[0] == {"redacted": b64encode(b"abcdefg").decode()}


def test_reasoning_without_a_seal_is_shown_and_not_kept() -> None:
    deltas = _whole({"reasoningContent": {"reasoningText": {"text": "Hm."}}}, {"text": "Hi."})

    assert deltas[:2] == [ReasoningDelta("Hm."), TextDelta("Hi.")]
    assert _kept(deltas) is None


def test_parallel_calls_are_numbered_and_their_pieces_are_told_apart() -> None:
    deltas = _streamed(
        _delta(0, text="Let me see."),
        _begin(1, "tooluse_a", "weather"),
        _begin(2, "tooluse_b", "clock"),
        _delta(2, toolUse={"input": '{"zone":'}),
        _delta(1, toolUse={"input": '{"city": "Paris"}'}),
        _delta(2, toolUse={"input": "1}"}),
        {"messageStop": {"stopReason": "tool_use"}},
    )

    assert deltas == [
        TextDelta("Let me see."),
        ToolCallDelta(0, "", "tooluse_a", "weather"),
        ToolCallDelta(1, "", "tooluse_b", "clock"),
        ToolCallDelta(1, '{"zone":'),
        ToolCallDelta(0, '{"city": "Paris"}'),
        ToolCallDelta(1, "1}"),
        Finish("tool_calls"),
    ]


def test_a_whole_call_has_the_arguments_as_the_vendor_wrote_them() -> None:
    called = b'{"toolUse":{"toolUseId":"a","name":"f","input":{"n":12345678901234567890123}}}'
    body = b'{"output":{"message":{"content":[%b]}},"stopReason":"tool_use"}' % called

    assert list(read_whole(body)) == [
        ToolCallDelta(0, "", "a", "f"),
        ToolCallDelta(0, '{"n":12345678901234567890123}'),
        Finish("tool_calls"),
    ]


def test_a_call_without_arguments_gets_an_empty_object() -> None:
    streamed = _streamed(_begin(0, "a", "f"), _delta(0, toolUse={"input": ""}), STOP)
    whole = _whole({"toolUse": {"toolUseId": "a", "name": "f"}})

    assert streamed == whole == [ToolCallDelta(0, "", "a", "f"), ToolCallDelta(0, "{}"), Finish("tool_calls")]


def test_ids_that_are_missing_or_given_twice_become_our_own() -> None:
    deltas = _streamed(_begin(0, "a", "f"), _begin(1, "a", "f"), _begin(2, "", "f"), STOP)
    ids = [delta.id for delta in deltas if isinstance(delta, ToolCallDelta) and delta.id]

    assert ids[0] == "a"
    assert len(set(ids)) == 3


def test_a_call_that_the_vendor_runs_itself_is_passed_over() -> None:
    deltas = _streamed(
        _begin(0, "a", "nova_grounding", type="server_tool_use"),
        _delta(0, toolUse={"input": "{}"}),
        _delta(1, text="Hi."),
        STOP,
    )

    assert deltas == [TextDelta("Hi."), Finish("stop")]


@pytest.mark.parametrize(
    ("reported", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("refusal", "content_filter"),
        ("tool_use", "stop"),
        ("something_new", "stop"),
    ],
)
def test_a_stop_reason_is_ours(reported: str, reason: str) -> None:
    assert _whole({"text": "Hi."}, stop=reported)[-1] == Finish(reason)  # type: ignore[arg-type] - a literal
    assert _streamed(_delta(0, text="Hi."), {"messageStop": {"stopReason": reported}})[-1] == Finish(reason)  # type: ignore[arg-type] - a literal


@pytest.mark.parametrize("reported", ["malformed_model_output", "malformed_tool_use"])
def test_an_answer_that_the_model_spoilt_is_a_failure(reported: str) -> None:
    with pytest.raises(Failure) as caught:
        _whole({"text": "Hi."}, stop=reported)

    assert caught.value.kind == "failed"


def test_what_was_refused_leaves_nothing_to_be_sent_again() -> None:
    thought = {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "seal"}}}

    assert _kept(_whole(thought, stop="content_filtered")) is None


def test_usage_counts_what_was_cached_as_input() -> None:
    cached = USAGE | {"cacheReadInputTokens": 40, "cacheWriteInputTokens": 7}
    usage = Usage(input_tokens=50, output_tokens=2, cached_input_tokens=40, cache_write_input_tokens=7)

    assert _whole({"text": "Hi."}, usage=cached)[-1] == Finish("stop", usage)
    assert _streamed(_delta(0, text="Hi."), STOP, {"metadata": {"usage": cached}})[-1] == Finish(
        "stop", usage
    )


@pytest.mark.parametrize("usage", [None, {}, {"inputTokens": -1, "outputTokens": 1}, {"inputTokens": "3"}, 7])
def test_usage_that_is_none_is_not_counted(usage: object) -> None:
    assert _whole({"text": "Hi."}, usage=usage)[-1] == Finish("stop")


def test_a_stream_is_complete_with_its_counts_and_whole_with_its_reason() -> None:
    answer = StreamedAnswer()
    answer.take(msgspec.json.encode(_delta(0, text="Hi.")))
    before = (answer.has_ended, answer.is_complete)
    answer.take(msgspec.json.encode(STOP))
    between = (answer.has_ended, answer.is_complete)
    answer.take(msgspec.json.encode({"metadata": {"usage": USAGE}}))

    assert (before, between) == ((False, False), (True, False))
    assert (answer.has_ended, answer.is_complete) == (True, True)


def test_a_stream_without_its_end_is_truncated_and_nothing_is_said_after_it() -> None:
    with pytest.raises(Failure) as caught:
        _streamed(_delta(0, text="Hi."), {"metadata": {"usage": USAGE}})

    assert caught.value.kind == "truncated"
    assert _streamed(_delta(0, text="Hi."), STOP, _delta(0, text="Again.")) == [
        TextDelta("Hi."),
        Finish("stop"),
    ]


@pytest.mark.parametrize(
    ("name", "body", "kind"),
    [
        ("throttlingException", '{"message": "Too many requests"}', "rate_limited"),
        ("internalServerException", '{"message": "Oh."}', "failed"),
        ("modelStreamErrorException", '{"message": "Oh.", "originalStatusCode": 500}', "failed"),
        ("serviceUnavailableException", "{}", "failed"),
        ("validationException", '{"message": "Input is too long for requested model."}', "context_length"),
        ("validationException", '{"message": "No."}', "rejected_request"),
        ("accessDeniedException", "not JSON", "rejected_key"),
        ("somethingNew", "", "failed"),
    ],
)
def test_an_exception_in_a_stream_is_a_failure_of_its_kind(name: str, body: str, kind: str) -> None:
    with pytest.raises(Failure) as caught:
        _streamed(_delta(0, text="Hi."), {"exception": {"type": name, "body": body}})

    assert caught.value.kind == kind
    assert caught.value.said


def test_an_error_that_came_as_a_success_is_a_failure_of_its_kind() -> None:
    body = {"__type": "com.amazon#ThrottlingException", "message": "Slow down."}

    with pytest.raises(Failure) as caught:
        list(read_whole(msgspec.json.encode(body)))

    assert (caught.value.kind, caught.value.said) == ("rate_limited", "Slow down.")


@pytest.mark.parametrize(
    "event",
    [
        [],
        {"contentBlockDelta": 7},
        {"contentBlockDelta": {"contentBlockIndex": "0", "delta": {}}},
        {"messageStop": {}},
        {"contentBlockDelta": {"contentBlockIndex": -1, "delta": {"text": "Hi."}}},
        {"contentBlockDelta": {"contentBlockIndex": BLOCKS_MAX, "delta": {"text": "Hi."}}},
        {"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "a"}}}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"toolUse": {"input": {}}}}},
    ],
)
def test_what_is_no_message_is_malformed(event: object) -> None:
    answer = StreamedAnswer()

    with pytest.raises(Failure) as caught:
        answer.take(msgspec.json.encode(event))

    assert caught.value.kind == "malformed"


def test_more_calls_than_anybody_makes_are_refused() -> None:
    with pytest.raises(Failure, match="more than 512"):
        _streamed(*(_begin(number, f"id{number}", "f") for number in range(513)))


@pytest.mark.parametrize(
    "delta", [{"citation": {"title": "x"}}, {"image": {}}, {}, {"text": ""}, {"text": None}]
)
def test_pieces_of_other_kinds_are_passed_over(delta: dict[str, Any]) -> None:
    assert _streamed(_delta(0, **delta), {"trace": {}}, STOP) == [Finish("stop")]


def test_half_of_a_surrogate_pair_does_not_spoil_an_answer() -> None:
    answer = StreamedAnswer()

    deltas = answer.take(rb'{"contentBlockDelta":{"contentBlockIndex":0,"delta":{"text":"Hi \ud83d"}}}')

    assert deltas == (TextDelta("Hi ?"),)
