from __future__ import annotations

import msgspec
import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.domain.prompts import Usage
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.openai_responses.events import (
    Event,
    Item,
    Problem,
    decode_event,
    decode_item,
    decode_output,
    decode_response,
    failure_of,
    usage_of,
)

READ = frozenset({"response.output_text.delta"})


def test_an_event_that_is_read_must_have_its_shape_and_another_need_not() -> None:
    assert decode_event(b'{"type": "response.output_text.delta", "delta": "Hi"}', READ).delta == "Hi"
    assert decode_event(b'{"type": "response.shell.delta", "delta": {"out": "x"}}', READ) == Event()
    with pytest.raises(Failure, match="delta"):
        _ = decode_event(b'{"type": "response.output_text.delta", "delta": {}}', READ)


@pytest.mark.parametrize("payload", [b"", b"{", b"hello", b"\xff"])
def test_what_is_no_json_is_malformed(payload: bytes) -> None:
    with pytest.raises(Failure) as caught:
        _ = decode_event(payload, READ)
    assert caught.value.kind == "malformed"
    with pytest.raises(Failure):
        _ = decode_response(payload)


def test_half_a_character_is_no_reason_to_fail() -> None:
    assert decode_event(b'{"type": "response.output_text.delta", "delta": "\\ud83d"}', READ).delta == "?"


def test_items_that_are_not_read_may_have_any_shape() -> None:
    assert decode_item(msgspec.Raw(b'{"type": "web_search_call", "name": 7}')) is None
    assert decode_item(msgspec.Raw(b'{"type": "computer_call"}')) is None
    assert decode_item(msgspec.Raw(b'{"type": "function_call", "name": "f"}')) == Item(
        "function_call", name="f"
    )
    for broken in (b'{"type": "message", "content": 7}', b""):
        with pytest.raises(Failure):
            _ = decode_item(msgspec.Raw(broken))


def test_an_output_is_a_list_of_items_or_nothing() -> None:
    output = msgspec.Raw(b'[{"type": "message"}, {"type": "mcp_call"}]')

    assert decode_output(output) == [Item("message"), None]
    assert decode_output(msgspec.Raw()) == decode_output(msgspec.Raw(b"null")) == []
    with pytest.raises(Failure):
        _ = decode_output(msgspec.Raw(b"{}"))


def test_usage_is_read_with_its_details() -> None:
    reported = msgspec.json.encode(
        {
            "input_tokens": 10,
            "output_tokens": 5,
            "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
            "output_tokens_details": {"reasoning_tokens": 2},
        }
    )

    assert usage_of(msgspec.Raw(reported)) == Usage(10, 5, 4, 3, 2)


@pytest.mark.parametrize(
    "reported",
    [
        b"",
        b"null",
        b"7",
        b'{"input_tokens": 1}',
        b'{"input_tokens": -1, "output_tokens": 1}',
        b'{"input_tokens": 1, "output_tokens": 1000000000000}',
    ],
)
def test_usage_that_cannot_be_is_none(reported: bytes) -> None:
    assert usage_of(msgspec.Raw(reported)) is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("server_error", "failed"),
        ("rate_limit_exceeded", "rate_limited"),
        ("insufficient_quota", "spend_limit"),
        ("context_length_exceeded", "context_length"),
        ("invalid_prompt", "content_policy"),
        ("image_content_policy_violation", "content_policy"),
        ("invalid_image_format", "rejected_request"),
        ("image_too_small", "rejected_request"),
        (429, "rate_limited"),
        ("never_heard_of", "failed"),
        (None, "failed"),
    ],
)
def test_an_error_after_status_200_has_the_kind_of_its_code(
    code: str | int | None, kind: UpstreamKind
) -> None:
    failure = failure_of(Problem("Sorry.", None, code))

    assert (failure.kind, failure.said) == (kind, "Sorry.")


def test_an_error_may_be_a_sentence_or_nothing() -> None:
    assert failure_of("Sorry.").said == "Sorry."
    assert failure_of(None).said == failure_of(Problem()).said == "an error without a text"
