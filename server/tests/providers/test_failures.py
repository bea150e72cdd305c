from __future__ import annotations

import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.providers._failures import (
    VENDOR_TEXT_CHARACTERS_MAX,
    Failure,
    explain,
    kind_of_status,
    text_of_error,
)
from backboard_server.providers._hosts import Host
from backboard_server.providers.table import OUR_ROWS

OPENAI = OUR_ROWS[0]
HOST = Host(OPENAI, "https://api.openai.com/v1", "sk-secret")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, "malformed"),
        (400, "rejected_request"),
        (401, "rejected_key"),
        (403, "rejected_key"),
        (404, "rejected_request"),
        (408, "timeout"),
        (409, "failed"),
        (422, "rejected_request"),
        (429, "rate_limited"),
        (500, "failed"),
        (529, "failed"),
    ],
)
def test_a_status_has_one_meaning(status: int, kind: UpstreamKind) -> None:
    assert kind_of_status(status) == kind


def test_a_rejected_key_is_explained_with_its_variable_and_without_the_key() -> None:
    error = explain(Failure("rejected_key", "Incorrect API key: sk-secret.", status=401), HOST)

    assert error.message == (
        "OpenAI rejected the key in OPENAI_API_KEY (HTTP 401: Incorrect API key: ….). "
        "Check the variable and restart."
    )
    assert (error.provider, error.status, error.error_code) == ("openai", 401, "provider_rejected_key")


def test_a_missing_key_is_asked_for_by_its_variable() -> None:
    error = explain(Failure("rejected_key", "no", status=401), Host(OPENAI, HOST.base_url, ""))

    assert "Set OPENAI_API_KEY and restart." in error.message


def test_a_rate_limit_says_when_to_try_again_or_that_no_retry_helps() -> None:
    later = explain(Failure("rate_limited", "slow down", status=429, retry_after_seconds=7), HOST)
    never = explain(Failure("rate_limited", "quota", status=429), HOST)

    assert "Try again in 7 s" in later.message
    assert later.is_retryable
    assert "Check the limits and the credit" in never.message
    assert not never.is_retryable


@pytest.mark.parametrize(
    "kind",
    ["unreachable", "timeout", "rejected_request", "failed", "malformed", "truncated"],
)
def test_every_other_kind_says_who_what_and_what_to_do(kind: UpstreamKind) -> None:
    message = explain(Failure(kind, "as the vendor said"), HOST).message

    assert message.startswith("OpenAI ")
    assert "(as the vendor said). " in message
    assert message.endswith(".")


def test_what_cannot_be_printed_or_stored_is_replaced() -> None:
    message = explain(Failure("rejected_request", "a\0b\x1b[2J\r\nc", status=418), HOST).message

    assert "(HTTP 418: a\ufffdb\ufffd[2J c)" in message


def test_a_long_text_is_cut_after_the_key_was_taken_out_of_it() -> None:
    # The key straddles the cut: were the text cut first, half of the key would stay.
    text = "x" * (VENDOR_TEXT_CHARACTERS_MAX - 5) + "sk-secret" + "y" * 1_000

    message = explain(Failure("failed", text), HOST).message

    assert "sk-" not in message
    assert len(message) < VENDOR_TEXT_CHARACTERS_MAX + 100


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "Too long.", "code": 400}}', "Too long."),
        (b'{"error": "model not loaded"}', "model not loaded"),
        (b'{"object": "error", "message": "Bad."}', "Bad."),
        (b'{"detail": "Not found."}', "Not found."),
        (b'{"detail": [{"loc": ["body"]}]}', '{"detail": [{"loc": ["body"]}]}'),
        (b"upstream connect error", "upstream connect error"),
        (b"<html><title>502</title></html>", "a web page"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_an_error_body_is_read_in_every_shape(body: bytes, text: str) -> None:
    assert text_of_error(body) == text
