from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from fake_vendor.connection import Request
from fake_vendor.dialects.bedrock_signatures import MISMATCH, MISSING, problem_of

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
SCOPE = "AKIDEXAMPLE/20261123/us-east-1/bedrock/aws4_request"
NAMES = "content-type;host;x-amz-date;x-amz-security-token"
# As botocore 1.44.5 signs this request at this moment.
SIGNATURE = "fb4e6e20f810b83b377d78ae4bdba587a8929d39563154b30b22b3669da2eb94"
HEADERS = {
    "host": "bedrock-runtime.us-east-1.amazonaws.com",
    "content-type": "application/json",
    "x-amz-date": "20261123T040506Z",
    "x-amz-security-token": "a+token/with=signs",
    "authorization": f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders={NAMES}, Signature={SIGNATURE}",
}
PATH = "/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/converse"
SIGNED = Request("POST", PATH, HEADERS, b'{"messages": []}')


def _with(**headers: str) -> Request:
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(SIGNED, headers=HEADERS | changed)


def test_a_request_as_another_signer_signs_it_is_taken() -> None:
    assert problem_of(SIGNED, NOW) is None


@pytest.mark.parametrize(
    "request_",
    [
        replace(SIGNED, path=PATH.replace("%3A", ":")),
        replace(SIGNED, path=PATH + "?a=1"),
        replace(SIGNED, method="GET"),
        replace(SIGNED, content=b'{"messages": [1]}'),
        _with(host="bedrock-runtime.us-west-2.amazonaws.com"),
        _with(x_amz_date="20261123T040507Z"),
        _with(authorization=HEADERS["authorization"].replace("us-east-1", "us-west-2")),
        _with(authorization=HEADERS["authorization"].replace("AKIDEXAMPLE", "AKIDANOTHER")),
    ],
)
def test_whatever_is_changed_does_not_fit_the_signature(request_: Request) -> None:
    assert problem_of(request_, NOW) == MISMATCH


@pytest.mark.parametrize(
    ("authorization", "problem"),
    [
        ("", MISSING),
        ("Bearer ", "not in the form"),
        ("Basic abc", "not in the form"),
        (HEADERS["authorization"].replace("bedrock/", "s3/"), "not in the form"),
        (HEADERS["authorization"].replace("host;", ""), "must be signed"),
        (HEADERS["authorization"].replace("x-amz-security-token", "x-other"), "must be there"),
        (HEADERS["authorization"].replace(";x-amz-security-token", ""), "security token"),
    ],
)
def test_what_proves_nothing_is_refused(authorization: str, problem: str) -> None:
    assert problem in (problem_of(_with(authorization=authorization), NOW) or "")


def test_a_key_proves_itself() -> None:
    assert problem_of(_with(authorization="Bearer a-key"), NOW) is None


@pytest.mark.parametrize(("minutes", "is_fresh"), [(4, True), (-4, True), (6, False), (-6, False)])
def test_a_signature_is_good_for_five_minutes(minutes: int, is_fresh: bool) -> None:
    problem = problem_of(SIGNED, NOW + timedelta(minutes=minutes))

    assert (problem is None) is is_fresh


def test_a_date_that_is_none_has_expired() -> None:
    assert "expired" in (problem_of(_with(x_amz_date="20261123 at noon"), NOW) or "")
