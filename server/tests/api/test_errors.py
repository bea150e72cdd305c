"""Failures on the wire."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from app_under_test import client_of
from backboard_server.api.errors import status_of
from backboard_server.domain import errors
from backboard_server.store import assistants
from tenants import Tenant


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.Unauthorized("x"), 401),
        (errors.Forbidden("x"), 403),
        (errors.NotFound("x"), 404),
        (errors.Invalid("x"), 400),
        (errors.Conflict("x"), 409),
        (errors.Limit("x"), 429),
        (errors.Limit("x", is_size=True), 413),
        (errors.Unavailable("x"), 503),
        (errors.Upstream("x", kind="rate_limited", provider="p"), 429),
        (errors.Upstream("x", kind="timeout", provider="p"), 504),
        (errors.Upstream("x", kind="rejected_request", provider="p"), 400),
        (errors.BackboardError("x"), 500),
    ],
)
def test_each_kind_has_its_status(error: errors.BackboardError, status: int) -> None:
    assert status_of(error) == status


async def test_an_error_says_what_and_carries_the_request_id(client: httpx.AsyncClient) -> None:
    response = await client.get("/no-such-thing")

    assert response.status_code == 404
    assert response.json() == {
        "detail": "Not Found",
        "code": "not_found",
        "request_id": response.headers["x-request-id"],
    }


async def test_a_wrong_method_is_a_json_error_too(client: httpx.AsyncClient) -> None:
    response = await client.patch("/assistants")

    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"]


async def test_malformed_input_is_not_echoed(client: httpx.AsyncClient) -> None:
    response = await client.post("/assistants", json={"name": 7, "system_prompt": ["secret canary"]})

    assert response.status_code == 422
    assert {"loc", "msg", "type"} == response.json()["detail"][0].keys()
    assert "canary" not in response.text


async def test_a_missing_key_says_how_to_authenticate(app: FastAPI, tenant: Tenant) -> None:
    async with client_of(app, tenant) as client:
        client.headers.pop("x-api-key")
        response = await client.get("/assistants")

    assert response.status_code == 401
    assert response.json()["detail"] == "Invalid or missing API key"
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_bug_of_ours_is_a_clean_500(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assistants, "_COLUMNS", "no_such_column")

    response = await client.get("/assistants")

    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert "no_such_column" not in response.text
