from __future__ import annotations

import msgspec
import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.domain.prompts import Usage
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.anthropic.events import (
    Counts,
    Event,
    Problem,
    counts_of,
    decode_event,
    decode_message,
    explanation_of,
    failure_of,
    merged,
    usage_of,
)

DEEP = b'{"a":' * 5_000


def test_an_event_of_an_unknown_kind_is_empty_whatever_it_holds() -> None:
    assert decode_event(b'{"type":"message_sealed","message":"done","index":"first"}') == Event()
    assert decode_event(b'{"type":"ping"}').type == "ping"


@pytest.mark.parametrize(
    "payload", [DEEP, b"", b"[]", b"{", b'{"type":"content_block_delta","delta":"x"}', b'{"type":7}', b"\xff"]
)
def test_what_is_no_event_is_malformed(payload: bytes) -> None:
    with pytest.raises(Failure) as caught:
        decode_event(payload)

    assert caught.value.kind == "malformed"


def test_half_a_surrogate_pair_is_replaced() -> None:
    event = decode_event(b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"a\\ud83d"}}')

    assert event.delta is not None
    assert event.delta.text == "a?"


@pytest.mark.parametrize("body", [DEEP, b"[]", b"<html>", b'{"content":"Hi."}', b'{"content":[1]}'])
def test_what_is_no_message_is_malformed(body: bytes) -> None:
    with pytest.raises(Failure) as caught:
        decode_message(body)

    assert caught.value.kind == "malformed"


def test_an_error_in_place_of_a_message_is_the_failure_that_it_names() -> None:
    with pytest.raises(Failure) as caught:
        decode_message(b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')

    assert (caught.value.kind, caught.value.said) == ("failed", "Overloaded")


@pytest.mark.parametrize(
    ("kind", "message", "failure"),
    [
        ("overloaded_error", "Overloaded", "failed"),
        ("api_error", "Oops", "failed"),
        ("rate_limit_error", "Slow down", "rate_limited"),
        ("authentication_error", "Who?", "rejected_key"),
        ("billing_error", "Pay", "spend_limit"),
        ("not_found_error", "No model", "model_missing"),
        ("timeout_error", "Late", "timeout"),
        ("invalid_request_error", "prompt is too long: 2 tokens > 1 maximum", "context_length"),
        ("invalid_request_error", "Your credit balance is too low", "spend_limit"),
        ("invalid_request_error", "Output blocked by content filtering policy", "content_policy"),
        ("invalid_request_error", "messages: no", "rejected_request"),
    ],
)
def test_an_error_in_a_stream_means_what_its_status_would_have_said(
    kind: str, message: str, failure: UpstreamKind
) -> None:
    assert failure_of(Problem(kind, message)).kind == failure


def test_an_error_without_words_is_a_failure_all_the_same() -> None:
    assert failure_of(None).kind == "failed"


def test_what_was_read_from_the_cache_or_written_to_it_is_part_of_the_input() -> None:
    counts = Counts(
        input_tokens=3, cache_read_input_tokens=10, cache_creation_input_tokens=5, output_tokens=7
    )

    assert usage_of(counts) == Usage(18, 7, 10, 5)


def test_the_counts_of_a_stream_are_the_latest_of_each() -> None:
    start = counts_of(msgspec.Raw(b'{"input_tokens":10,"cache_read_input_tokens":4,"output_tokens":1}'))
    end = counts_of(
        msgspec.Raw(
            b'{"input_tokens":0,"output_tokens":9,"cache_read_input_tokens":null,'
            b'"output_tokens_details":{"thinking_tokens":6}}'
        )
    )

    assert usage_of(merged(start, end)) == Usage(14, 9, 4, 0, 6)
    assert usage_of(merged(None, start)) == usage_of(merged(start, None)) == Usage(14, 1, 4)


@pytest.mark.parametrize(
    "reported", [b"", b"null", b"[]", b'{"output_tokens":"many"}', b'{"input_tokens":3}']
)
def test_counts_that_are_missing_or_nonsense_are_no_usage(reported: bytes) -> None:
    assert usage_of(counts_of(msgspec.Raw(reported))) is None


@pytest.mark.parametrize("counts", [Counts(-5, 0, 10, 1), Counts(1, 0, 0, -1), Counts(10**15, 0, 0, 1)])
def test_counts_that_cannot_be_true_are_no_usage(counts: Counts) -> None:
    assert usage_of(counts) is None


def test_a_refusal_may_come_with_a_sentence() -> None:
    assert explanation_of(msgspec.Raw(b'{"type":"refusal","explanation":"No."}')) == "No."
    assert explanation_of(msgspec.Raw(b'{"explanation":7}')) is None
    assert explanation_of(msgspec.Raw(b"null")) is None
