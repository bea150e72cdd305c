from __future__ import annotations

from fake_vendor import Fault, Status
from fake_vendor.dialects.openai_chat import OpenAIChat
from fake_vendor.refusals import problem_response, refusal_of
from fake_vendor.terms import Problem

OPENAI = OpenAIChat()


def test_a_401_repeats_the_credential_as_vendors_do() -> None:
    refusal = refusal_of(Fault.UNAUTHORIZED, OPENAI, "Bearer sk-secret")

    assert refusal is not None
    assert refusal.startswith(b"HTTP/1.1 401 ")
    assert b"sk-secret" in refusal


def test_a_rate_limit_says_when_to_come_back_in_the_way_of_its_fault() -> None:
    assert b"Retry-After: 7\r\n" in (refusal_of(Fault.RATE_LIMITED_SECONDS, OPENAI, "") or b"")
    assert b"retry-after-ms: 1500\r\n" in (refusal_of(Fault.RATE_LIMITED_MILLISECONDS, OPENAI, "") or b"")
    assert b"etry-" not in (refusal_of(Fault.RATE_LIMITED, OPENAI, "") or b"")


def test_a_fault_with_status_200_is_no_refusal() -> None:
    assert refusal_of(Fault.HTML, OPENAI, "") is None
    assert refusal_of(None, OPENAI, "") is None


def test_any_status_may_come_with_headers_and_a_body_of_its_own() -> None:
    status = Status(status=520, headers=("Retry-After: {date}",), body=b"<html>", content_type="text/html")

    refusal = refusal_of(status, OPENAI, "") or b""

    assert refusal.startswith(b"HTTP/1.1 520 ")
    assert refusal.endswith(b"\r\n\r\n<html>")
    assert b" GMT\r\n" in refusal


def test_a_problem_is_sent_in_the_shape_of_the_vendor() -> None:
    response = problem_response(Problem(413, "too_large", "Too large."), OPENAI, "x-request-id: 1")

    assert response.startswith(b"HTTP/1.1 413 ")
    assert b"x-request-id: 1\r\n" in response
    assert b'"type":"invalid_request_error"' in response
