"""The kinds of failure."""

from __future__ import annotations

from typing import get_args

import pytest

from backboard_server.domain.errors import (
    BackboardError,
    BudgetSpent,
    Cancelled,
    Conflict,
    Forbidden,
    Invalid,
    Limit,
    NotFound,
    Unauthorized,
    Unavailable,
    Upstream,
    UpstreamKind,
    failure_of,
)

KINDS = [Unauthorized, Forbidden, NotFound, Invalid, Conflict, Limit, BudgetSpent, Unavailable]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_carries_its_message_and_the_code_of_its_kind(kind: type[BackboardError]) -> None:
    error = kind("What happened, and what to do")

    assert error.message == str(error) == "What happened, and what to do"
    assert error.error_code == kind.code


def test_every_kind_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)


def test_a_code_can_be_more_precise_than_its_kind() -> None:
    assert Unavailable("Stopping", code="server_stopped").error_code == "server_stopped"
    assert Unavailable.code == "unavailable"


@pytest.mark.parametrize("kind", get_args(UpstreamKind))
def test_an_upstream_error_is_named_after_its_kind(kind: UpstreamKind) -> None:
    assert Upstream("Failed", kind=kind, provider="openai").error_code == f"provider_{kind}"


RETRYABLE = {"unreachable", "timeout", "failed", "malformed", "truncated"}
HOPELESS = {"rejected_request", "content_policy"}


@pytest.mark.parametrize("kind", get_args(UpstreamKind))
def test_only_what_may_pass_by_itself_is_retried(kind: UpstreamKind) -> None:
    assert Upstream("Failed", kind=kind, provider="openai").is_retryable is (kind in RETRYABLE)


@pytest.mark.parametrize("kind", get_args(UpstreamKind))
def test_another_model_is_asked_unless_the_same_words_would_fail_there_too(kind: UpstreamKind) -> None:
    assert Upstream("Failed", kind=kind, provider="openai").is_fallback_worthy is (kind not in HOPELESS)


@pytest.mark.parametrize("kind", ["spend_limit", "circuit_open", "rejected_key", "context_length"])
def test_a_time_to_come_back_makes_nothing_else_worth_a_retry(kind: UpstreamKind) -> None:
    assert not Upstream("No", kind=kind, provider="openai", retry_after_seconds=1).is_retryable


STORED = [
    NotFound("Gone"),
    Invalid("No"),
    Invalid("No key", code="provider_not_configured"),
    Invalid("No", code="address_forbidden"),
    Conflict("Moved on"),
    Limit("Too much"),
    BudgetSpent("Used up"),
    Unavailable("Away"),
    Unavailable("Stopping", code="server_stopped"),
    Unavailable("Lost", code="run_interrupted"),
    Cancelled("Stopped"),
    BackboardError("A bug", code="internal_error"),
]


@pytest.mark.parametrize("failure", STORED, ids=lambda failure: failure.error_code)
def test_a_failure_is_of_its_kind_again_when_its_code_is_read_back(failure: BackboardError) -> None:
    again = failure_of(failure.error_code, failure.message)

    assert type(again) is type(failure)
    assert (again.error_code, again.message) == (failure.error_code, failure.message)


@pytest.mark.parametrize("kind", get_args(UpstreamKind))
def test_a_providers_failure_is_of_its_kind_again_too(kind: UpstreamKind) -> None:
    again = failure_of(f"provider_{kind}", "Failed", 3.0)

    assert isinstance(again, Upstream)
    assert (again.kind, again.message, again.retry_after_seconds) == (kind, "Failed", 3.0)


def test_a_rate_limit_is_retried_where_the_provider_says_when() -> None:
    limited = Upstream("Slow down", kind="rate_limited", provider="openai", status=429, retry_after_seconds=0)

    assert limited.is_retryable
