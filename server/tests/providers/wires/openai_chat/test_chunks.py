from __future__ import annotations

from typing import Any

import msgspec
import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.domain.prompts import Usage
from backboard_server.providers._failures import Failure
from backboard_server.providers.wires.openai_chat.chunks import decode, usage_of


def _failure(payload: bytes) -> Failure:
    with pytest.raises(Failure) as caught:
        decode(payload)
    return caught.value


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        ({"message": "Gone.", "code": 502}, "failed", "Gone."),
        ({"message": "Slow down.", "code": 429}, "rate_limited", "Slow down."),
        ({"message": "Slow down.", "code": "rate_limit_exceeded"}, "rate_limited", "Slow down."),
        ({"message": "No.", "type": "invalid_request_error", "code": None}, "rejected_request", "No."),
        ({"message": "Who?", "code": "invalid_api_key"}, "rejected_key", "Who?"),
        ({"message": "Odd.", "code": 1000}, "failed", "Odd."),
        ({"code": "overloaded"}, "failed", "overloaded"),
        ({}, "failed", "an error without a text"),
        ("model not loaded", "failed", "model not loaded"),
    ],
)
def test_an_error_inside_a_200_is_of_the_kind_that_it_says(
    error: object, kind: UpstreamKind, said: str
) -> None:
    failure = _failure(msgspec.json.encode({"error": error}))

    assert (failure.kind, failure.said, failure.status) == (kind, said, None)


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b'"text"', b"<html>", b'{"choices": 1}', b"\xff", b'{"a":' * 100_000]
)
def test_what_is_no_chunk_is_malformed(payload: bytes) -> None:
    assert _failure(payload).kind == "malformed"


def test_unknown_fields_and_nulls_are_no_obstacle() -> None:
    chunk = decode(b'{"id": null, "choices": null, "usage": null, "error": null, "new": {"a": [1]}}')

    assert chunk.choices is None


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7}, Usage(5, 7)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 1, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(5, 7, 3, 1, 2),
        ),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_cache_hit_tokens": 4}, Usage(5, 7, 4)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": None}, Usage(5, 7)),
        (None, None),
        ({}, None),
        ([], None),
        ({"prompt_tokens": -5, "completion_tokens": 7}, None),
        ({"prompt_tokens": 10**15, "completion_tokens": 7}, None),
        ({"prompt_tokens": "five", "completion_tokens": 7}, None),
    ],
)
def test_usage_is_read_where_it_makes_sense_and_ignored_where_not(reported: Any, usage: Usage | None) -> None:
    assert usage_of(reported) == usage


def test_half_of_a_surrogate_pair_costs_one_character_and_not_the_answer() -> None:
    chunk = decode(b'{"choices": [{"delta": {"content": "cut \\ud83d here"}}]}')

    assert chunk.choices is not None
    assert chunk.choices[0].delta is not None
    assert chunk.choices[0].delta.content == "cut ? here"
