from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from backboard_server.domain.keys import Secret
from backboard_server.providers._hosts import Host, resolve
from backboard_server.providers.table import find_row
from backboard_server.providers.wires.bedrock.signing import headers_of
from fake_vendor.connection import Request
from fake_vendor.dialects.bedrock_signatures import MISMATCH, SECRETS, problem_of

NOW = datetime(2026, 11, 23, 4, 5, 6, tzinfo=UTC)
BODY = b'{"messages": []}'
PATH = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Afoundation-model%2Fa.b-v1%3A0/converse"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRETS["AKIDEXAMPLE"]}


def _host(environment: dict[str, str], own_key: Secret | None = None) -> Host:
    row = find_row("bedrock")
    assert row is not None
    return resolve(row, environment, own_key)


def _headers(host: Host, path: str = PATH, body: bytes = BODY) -> dict[str, str]:
    headers = headers_of(host, host.base_url + path, body, NOW)
    address = host.base_url.removeprefix("https://").removeprefix("http://").partition("/")[0]
    return {"host": address} | {name.lower(): value for name, value in headers.items()}


def _problem(headers: dict[str, str], path: str = PATH, body: bytes = BODY) -> str | None:
    return problem_of(Request("POST", path, headers, body), NOW)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"AWS_REGION": "eu-central-1"},
        {"AWS_SESSION_TOKEN": "a+token/with=signs"},
        {"BEDROCK_BASE_URL": "http://127.0.0.1:8080"},
        {"BEDROCK_BASE_URL": "https://gateway.example/bedrock"},
    ],
)
def test_a_signature_is_what_the_algorithm_says(settings: dict[str, str]) -> None:
    host = _host(CREDENTIALS | settings)
    prefix = "/bedrock" if host.base_url.endswith("/bedrock") else ""

    assert _problem(_headers(host), prefix + PATH) is None


def test_a_signature_covers_the_path_the_body_the_token_and_the_secret() -> None:
    headers = _headers(_host(CREDENTIALS | {"AWS_SESSION_TOKEN": "token"}))
    foreign = _headers(_host(CREDENTIALS | {"AWS_SECRET_ACCESS_KEY": "another"}))

    assert _problem(headers) is None
    assert _problem(headers, PATH.replace("%3A", ":")) == MISMATCH
    assert _problem(headers, body=BODY + b" ") == MISMATCH
    assert _problem(headers | {"x-amz-security-token": "another"}) == MISMATCH
    assert _problem(foreign) == MISMATCH


def test_the_region_is_that_of_the_address() -> None:
    host = _host(CREDENTIALS | {"AWS_REGION": "eu-west-1"})

    assert host.base_url == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert "/20261123/eu-west-1/bedrock/aws4_request" in _headers(host)["authorization"]


def test_a_key_goes_before_credentials_and_a_tenants_own_before_both() -> None:
    environment = CREDENTIALS | {"AWS_BEARER_TOKEN_BEDROCK": "ours"}
    ours, own = _headers(_host(environment)), _headers(_host(environment, Secret("own")))

    assert (ours["authorization"], own["authorization"]) == ("Bearer ours", "Bearer own")
    assert "x-amz-date" not in ours


def test_the_secret_is_in_no_header() -> None:
    assert SECRETS["AKIDEXAMPLE"] not in str(_headers(_host(CREDENTIALS)))


def test_a_server_that_signs_nothing_does_not_load_the_signer() -> None:
    code = "import sys, backboard_server.providers.wires; sys.exit('awscrt' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own line
