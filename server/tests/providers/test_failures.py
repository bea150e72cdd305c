"""The sentence that a failure becomes: who, what happened, what to do, and no secret."""

from __future__ import annotations

from typing import get_args

import pytest

from backboard_server.domain.errors import UpstreamKind
from backboard_server.domain.keys import Secret
from backboard_server.providers._failures import VENDOR_TEXT_CHARACTERS_MAX, Failure, explain
from backboard_server.providers._hosts import Host, resolve
from backboard_server.providers.table import OUR_ROWS, find_row

OPENAI = OUR_ROWS[0]
HOST = Host(OPENAI, "https://api.openai.com/v1", "sk-secret")


def test_a_rejected_key_is_explained_with_its_variable_and_without_the_key() -> None:
    error = explain(Failure("rejected_key", "Incorrect API key: sk-secret.", status=401), HOST)

    assert error.message == (
        "OpenAI rejected the key in OPENAI_API_KEY (HTTP 401: Incorrect API key: ….). Check it and restart."
    )
    assert (error.provider, error.status, error.error_code) == ("openai", 401, "provider_rejected_key")


def test_a_missing_key_is_asked_for_by_its_variable() -> None:
    error = explain(Failure("rejected_key", "no", status=401), Host(OPENAI, HOST.base_url, ""))

    assert error.message.endswith(
        "Set OPENAI_API_KEY and restart. A tenant may give its own with PUT /provider-keys/openai."
    )


def test_a_key_that_no_variable_is_named_for_is_asked_for_as_such() -> None:
    ollama = find_row("ollama")
    assert ollama is not None

    error = explain(Failure("rejected_key", "no", status=401), Host(ollama, "http://gpu/v1", ""))

    assert "without a key (HTTP 401: no). Name its key_variable in backboard.toml." in error.message


def test_a_rate_limit_says_when_to_try_again_or_that_no_retry_helps() -> None:
    later = explain(Failure("rate_limited", "slow down", status=429, retry_after_seconds=7), HOST)
    never = explain(Failure("rate_limited", "quota", status=429), HOST)

    assert "Try again in 7 s" in later.message
    assert later.is_retryable
    assert "Check the limits and the credit" in never.message
    assert not never.is_retryable


def test_a_tenants_key_is_explained_as_the_tenants_own() -> None:
    host = resolve(OPENAI, {"OPENAI_API_KEY": "the server's"}, Secret("sk-own"))

    message = explain(Failure("rejected_key", "No: sk-own.", status=401), host).message

    assert "OpenAI rejected your own key for openai (HTTP 401: No: ….)." in message
    assert "Set another with PUT /provider-keys/openai." in message


def test_rejected_credentials_are_explained_with_their_variables() -> None:
    row = find_row("bedrock")
    assert row is not None
    host = resolve(row, {"AWS_ACCESS_KEY_ID": "AKIA1", "AWS_SECRET_ACCESS_KEY": "hush"})

    message = explain(Failure("rejected_key", "AKIA1 and hush", status=403), host).message

    assert "rejected the key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (HTTP 403: … and …)" in message


def test_an_open_circuit_says_when_to_try_again() -> None:
    error = explain(Failure("circuit_open", "for another 6 s", retry_after_seconds=5.2), HOST)

    assert error.message == (
        "OpenAI failed too often of late and is not asked for now (for another 6 s). "
        "Try again in 6 s, or choose another provider."
    )
    assert (error.kind, error.retry_after_seconds, error.is_retryable) == ("circuit_open", 5.2, False)
    assert error.is_fallback_worthy


def test_an_address_is_named_without_its_password() -> None:
    host = Host(OPENAI, "http://me:hush@gate.example/v1", "")

    message = explain(Failure("unreachable", "no route to http://me:hush@gate.example/v1"), host).message

    assert "could not be reached at http://gate.example/v1" in message
    assert "hush" not in message


@pytest.mark.parametrize("kind", get_args(UpstreamKind))
def test_every_kind_says_who_what_and_what_to_do(kind: UpstreamKind) -> None:
    error = explain(Failure(kind, "as the vendor said"), HOST)

    who, _, remedy = error.message.partition(" (as the vendor said). ")
    assert who.startswith("OpenAI ")
    assert remedy.endswith(".")
    assert error.kind == kind


def test_a_status_without_a_text_is_said_alone() -> None:
    assert "(HTTP 503)" in explain(Failure("failed", " \n ", status=503), HOST).message


def test_what_cannot_be_printed_or_stored_is_replaced() -> None:
    message = explain(Failure("rejected_request", "a\0b\x1b[2J\r\nc", status=418), HOST).message

    assert "(HTTP 418: a\ufffdb\ufffd[2J c)" in message


def test_a_long_text_is_cut_after_the_key_was_taken_out_of_it() -> None:
    # The key straddles the cut: were the text cut first, half of the key would stay.
    text = "x" * (VENDOR_TEXT_CHARACTERS_MAX - 5) + "sk-secret" + "y" * 1_000

    message = explain(Failure("failed", text), HOST).message

    assert "sk-" not in message
    assert len(message) < VENDOR_TEXT_CHARACTERS_MAX + 100
