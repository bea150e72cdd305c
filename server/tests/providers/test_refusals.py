"""What a refusal means, in every shape in which vendors and what stands before them put it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backboard_server.domain.errors import UpstreamKind
from backboard_server.providers._refusals import kind_of, kind_of_status, refusal

Json = Any


def _kind(status: int, problem: Json, hint: str = "") -> UpstreamKind:
    return refusal(status, msgspec.json.encode(problem), hint=hint).kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (204, "malformed"),
        (301, "malformed"),
        (400, "rejected_request"),
        (401, "rejected_key"),
        (402, "spend_limit"),
        (403, "rejected_key"),
        (404, "model_missing"),
        (408, "timeout"),
        (409, "failed"),
        (422, "rejected_request"),
        (424, "failed"),
        (425, "failed"),
        (429, "rate_limited"),
        (500, "failed"),
        (529, "failed"),
        (599, "failed"),
    ],
)
def test_a_status_has_one_meaning_by_itself(status: int, kind: UpstreamKind) -> None:
    assert kind_of_status(status) == kind
    assert refusal(status, b"").kind == kind


# As the vendors' references and their users' reports have them.
REFUSALS: dict[str, tuple[int, Json, UpstreamKind]] = {
    "openai: the account's quota": (
        429,
        {
            "error": {
                "message": "You exceeded your current quota, please check your plan and billing details.",
                "type": "insufficient_quota",
                "param": None,
                "code": "insufficient_quota",
            }
        },
        "spend_limit",
    ),
    "openai: too many requests": (
        429,
        {
            "error": {
                "message": "Rate limit reached for gpt-4o.",
                "type": "requests",
                "code": "rate_limit_exceeded",
            }
        },
        "rate_limited",
    ),
    "openai: a prompt that is too long": (
        400,
        {
            "error": {
                "message": "This model's maximum context length is 8192 tokens.",
                "type": "invalid_request_error",
                "code": "context_length_exceeded",
            }
        },
        "context_length",
    ),
    "openai: a model that is not there": (
        404,
        {
            "error": {
                "message": "The model `x` does not exist.",
                "type": "invalid_request_error",
                "code": "model_not_found",
            }
        },
        "model_missing",
    ),
    "openai: a request that is none": (
        400,
        {
            "error": {
                "message": "Unknown parameter: 'x'.",
                "type": "invalid_request_error",
                "code": "unknown_parameter",
            }
        },
        "rejected_request",
    ),
    "anthropic: a prompt that is too long": (
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "prompt is too long: 215000 tokens > 200000 maximum",
            },
        },
        "context_length",
    ),
    "anthropic: a body that is too large": (
        413,
        {
            "type": "error",
            "error": {"type": "request_too_large", "message": "Request exceeds the maximum size"},
        },
        "context_length",
    ),
    "anthropic: no credit": (
        400,
        {
            "type": "error",
            "error": {
                "type": "invalid_request_error",
                "message": "Your credit balance is too low to access the Anthropic API.",
            },
        },
        "spend_limit",
    ),
    "anthropic: overloaded": (
        529,
        {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
        "failed",
    ),
    "gemini: a key that is none, at 400": (
        400,
        {
            "error": {
                "code": 400,
                "message": "API key not valid. Please pass a valid API key.",
                "status": "INVALID_ARGUMENT",
                "details": [
                    {
                        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                        "reason": "API_KEY_INVALID",
                        "domain": "googleapis.com",
                    }
                ],
            }
        },
        "rejected_key",
    ),
    "gemini: in a list, as its stream has it": (
        403,
        [{"error": {"code": 403, "message": "Denied.", "status": "PERMISSION_DENIED"}}],
        "rejected_key",
    ),
    "gemini: a prompt that is too long": (
        400,
        {
            "error": {
                "code": 400,
                "message": "The input token count (2000000) exceeds the maximum number of tokens allowed.",
                "status": "INVALID_ARGUMENT",
            }
        },
        "context_length",
    ),
    "gemini: too many requests": (
        429,
        {"error": {"code": 429, "message": "Resource has been exhausted.", "status": "RESOURCE_EXHAUSTED"}},
        "rate_limited",
    ),
    "azure: its content filter": (
        400,
        {
            "error": {
                "message": "The response was filtered.",
                "type": None,
                "param": "prompt",
                "code": "content_filter",
                "status": 400,
                "innererror": {"code": "ResponsibleAIPolicyViolation"},
            }
        },
        "content_policy",
    ),
    "bedrock: a type with a namespace": (
        400,
        {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "No access to the model."},
        "rejected_key",
    ),
    "bedrock: too long": (
        400,
        {"message": "Input is too long for requested model.", "__type": "ValidationException"},
        "context_length",
    ),
    "deepseek: no balance": (
        402,
        {"error": {"message": "Insufficient Balance", "type": "unknown_error"}},
        "spend_limit",
    ),
    "mistral: strict fields": (
        422,
        {
            "object": "error",
            "message": {"detail": [{"type": "extra_forbidden", "msg": "Extra inputs"}]},
            "code": None,
        },
        "rejected_request",
    ),
    "vllm: too long": (
        400,
        {"object": "error", "message": "The model's maximum context length is 4096 tokens.", "code": 400},
        "context_length",
    ),
    "an error that is text": (400, {"error": "model not loaded"}, "rejected_request"),
}


@pytest.mark.parametrize(("status", "problem", "kind"), REFUSALS.values(), ids=REFUSALS.keys())
def test_what_vendors_say_goes_before_their_status(status: int, problem: Json, kind: UpstreamKind) -> None:
    assert _kind(status, problem) == kind


def test_a_quota_that_is_gone_is_a_spend_limit_even_with_a_time_to_come_back() -> None:
    body = msgspec.json.encode(REFUSALS["openai: the account's quota"][1])

    failure = refusal(429, body, retry_after_seconds=7.0)

    assert (failure.kind, failure.retry_after_seconds) == ("spend_limit", 7.0)


@pytest.mark.parametrize(
    ("status", "hint", "kind"),
    [
        (
            429,
            "ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.availability/",
            "rate_limited",
        ),
        (403, "UnrecognizedClientException", "rejected_key"),
        (400, "ExpiredTokenException", "rejected_key"),
        (404, "ResourceNotFoundException:http://internal.amazon.com/", "model_missing"),
        (400, "ServiceQuotaExceededException", "spend_limit"),
        (400, "ValidationException", "rejected_request"),
        (400, ":", "rejected_request"),
    ],
)
def test_bedrocks_header_tells_the_type(status: int, hint: str, kind: UpstreamKind) -> None:
    assert _kind(status, {"message": "No."}, hint) == kind


def test_a_sentence_is_a_sign_only_where_the_status_blames_the_request_or_the_account() -> None:
    problem = {"error": {"message": "worker with context window cache crashed"}}

    assert _kind(500, problem) == "failed"
    assert _kind(401, problem) == "rejected_key"


@pytest.mark.parametrize(
    ("words", "said", "kind"),
    [
        ({"overloaded_error"}, "", "failed"),
        ({"timeout_error"}, "", "timeout"),
        ({"rate_limit_error"}, "", "rate_limited"),
        ({"api_error", "insufficient_quota"}, "", "spend_limit"),
        ({"invalid_request_error", "context_length_exceeded"}, "", "context_length"),
        ({"invalid_request_error"}, "prompt is too long: 9 > 8", "context_length"),
        ({"never heard of"}, "odd", "failed"),
        (set[str](), "", "failed"),
    ],
)
def test_inside_a_stream_there_are_words_alone(words: set[str], said: str, kind: UpstreamKind) -> None:
    assert kind_of(words, said) == kind


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "Too long.", "code": 400}}', "Too long."),
        (b'{"error": "model not loaded"}', "model not loaded"),
        (b'{"object": "error", "message": "Bad."}', "Bad."),
        (b'{"Message": "Bad."}', "Bad."),
        (b'{"detail": "Not found."}', "Not found."),
        (b'{"detail": [{"loc": ["body"], "msg": "Field required"}]}', "Field required"),
        (b'{"detail": [{"loc": ["body"]}]}', '{"detail": [{"loc": ["body"]}]}'),
        (b'[{"error": {"message": "In a list."}}]', "In a list."),
        (b'"just text"', "just text"),
        (b"upstream connect error", "upstream connect error"),
        (b"  <html><title>502</title></html>", "a web page"),
        (b"<!doctype html>", "a web page"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"null", "null"),
        (b"", ""),
    ],
)
def test_the_readable_part_is_found_in_every_shape(body: bytes, text: str) -> None:
    assert refusal(400, body).said == text


@pytest.mark.parametrize(
    ("opening", "closing"), [(b'{"error":', b"}"), (b'{"details":[', b"]}"), (b"[", b"]")]
)
def test_no_depth_of_nesting_is_too_much(opening: bytes, closing: bytes) -> None:
    # Python's own limit lies somewhere in this range, depending on who calls.
    for depth in (*range(700, 1_001), 20_000):
        assert refusal(400, opening * depth + b"1" + closing * depth).kind == "rejected_request"


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-99, 99)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "code", "type", "status", "details", "detail", "reason", "__type"]
            ),
            inner,
        )
    ),
)
STATUSES = st.integers(300, 599)


@given(status=STATUSES, problem=JSON_VALUES, hint=st.text())
def test_every_json_is_a_refusal_of_some_kind(status: int, problem: Json, hint: str) -> None:
    failure = refusal(status, msgspec.json.encode(problem), hint=hint)

    assert (failure.status, type(failure.said)) == (status, str)


@given(status=STATUSES, body=st.binary())
def test_garbage_means_what_its_status_means(status: int, body: bytes) -> None:
    assert refusal(status, b"\xff" + body).kind == kind_of_status(status)


def test_bedrock_throttles_without_a_time_and_may_be_asked_again_soon() -> None:
    throttled = refusal(429, b'{"message": "Too many requests"}', hint="ThrottlingException:http://internal/")
    loading = refusal(429, b'{"message": "The model is not ready"}', hint="ModelNotReadyException")

    assert (throttled.kind, throttled.retry_after_seconds) == ("rate_limited", 1.0)
    assert (loading.kind, loading.retry_after_seconds) == ("failed", None)


def test_what_no_waiting_helps_has_no_time_though_bedrock_calls_it_throttling() -> None:
    body = b'{"message": "You exceeded your current quota."}'

    spent = refusal(429, body, hint="ThrottlingException:http://internal/")

    assert (spent.kind, spent.retry_after_seconds) == ("spend_limit", None)
