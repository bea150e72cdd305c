"""Tenants' own keys of providers over HTTP: written, used, and never told."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app_under_test import VENDOR_KEY, client_of
from backboard_server.app import create_app
from backboard_server.settings import Settings
from fake_vendor import FakeVendor
from tenants import Tenant
from waiting import wait_until

KEY = "sk-canary-5f1c7a93"
EFFECT_SECONDS_MAX = 1.0


@pytest.fixture
async def second_process(
    app: FastAPI, settings: Settings, tenant: Tenant
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of another process of the same server."""
    other = create_app(settings)
    async with LifespanManager(other), client_of(other, tenant) as client:
        yield client


async def set_key(client: httpx.AsyncClient, key: str = KEY, provider: str = "openai") -> dict[str, Any]:
    response = await client.put(f"/provider-keys/{provider}", json={"api_key": key})
    assert response.status_code == 200, response.text
    return response.json()


async def key_used(client: httpx.AsyncClient, vendor: FakeVendor) -> str:
    """Return the key that the vendor is called with."""
    vendor.requests.clear()
    response = await client.post("/threads/messages", json={"content": "Hi"})
    assert response.status_code == 200, response.text
    return vendor.requests[-1].headers["authorization"].removeprefix("Bearer ")


async def test_a_key_is_set_listed_and_deleted(client: httpx.AsyncClient) -> None:
    made = await set_key(client)
    listed = (await client.get("/provider-keys")).json()
    deleted = await client.request("DELETE", "/provider-keys/openai")

    assert made == listed[0]
    assert (made["provider"], made["is_tenants"], made["shown"]) == ("openai", True, "sk-c…")
    assert made["created_at"] == made["updated_at"]
    assert (deleted.status_code, deleted.json()["provider"]) == (200, "openai")
    assert {"message", "provider", "deleted_at"} == deleted.json().keys()
    assert (await client.request("DELETE", "/provider-keys/openai")).status_code == 404


async def test_the_list_names_what_the_server_itself_has_and_nothing_of_its_keys(
    client: httpx.AsyncClient,
) -> None:
    listed = (await client.get("/provider-keys")).json()

    (openai,) = [row for row in listed if row["provider"] == "openai"]
    assert openai == {
        "provider": "openai", "is_tenants": False, "shown": None, "created_at": None, "updated_at": None,
    }  # fmt: skip
    assert "local" not in [row["provider"] for row in listed]
    assert VENDOR_KEY not in str(listed)


async def test_an_alias_in_any_case_means_the_same_provider(client: httpx.AsyncClient) -> None:
    made = await set_key(client, provider="Together")
    again = await set_key(client, "sk-second-of-them", provider="togetherai")

    assert made["provider"] == again["provider"] == "togetherai"
    assert again["created_at"] == made["created_at"]
    deleted = await client.request("DELETE", "/provider-keys/TOGETHER")
    assert deleted.json()["provider"] == "togetherai"


@pytest.mark.parametrize("provider", ["nobody", "local", "'; --", "x" * 64])
async def test_a_provider_that_is_not_there_is_refused(client: httpx.AsyncClient, provider: str) -> None:
    response = await client.put(f"/provider-keys/{provider}", json={"api_key": KEY})

    assert (response.status_code, response.json()["code"]) == (400, "unknown_provider")
    assert KEY not in response.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"api_key": None},
        {"api_key": ""},
        {"api_key": 7},
        {"api_key": [KEY]},
        {"api_key": KEY + "\0"},
        {"api_key": KEY + "\ud800"},
        {"api_key": KEY + " "},
        {"api_key": KEY + "\r\nX-Admin: 1"},
        {"api_key": KEY * 1000},
        [KEY],
        KEY,
    ],
)
async def test_what_can_be_no_key_is_refused_and_not_repeated(client: httpx.AsyncClient, body: Any) -> None:
    response = await client.put("/provider-keys/openai", content=json.dumps(body).encode())

    assert response.status_code in (400, 422), response.text
    assert "canary" not in response.text
    assert not [row for row in (await client.get("/provider-keys")).json() if row["is_tenants"]]


async def test_no_answer_and_no_line_of_the_log_holds_a_key(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    answers = [
        await client.put("/provider-keys/openai", json={"api_key": KEY}),
        await client.put("/provider-keys/nobody", json={"api_key": KEY}),
        await client.put("/provider-keys/openai", json={"api_key": KEY + " "}),
        await client.get("/provider-keys"),
        await client.get("/provider-keys/openai"),
        await client.get("/openapi.json"),
        await client.request("DELETE", "/provider-keys/openai"),
    ]

    assert KEY not in "".join(f"{answer.text} {answer.headers}" for answer in answers)
    assert KEY not in caplog.text


async def test_a_key_is_used_within_a_second_by_every_process_and_so_is_its_end(
    client: httpx.AsyncClient, second_process: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    for process in (client, second_process):
        assert await key_used(process, vendor) == VENDOR_KEY

    await set_key(client)
    assert await seconds_until(KEY, client, second_process, vendor=vendor) <= EFFECT_SECONDS_MAX

    await client.request("DELETE", "/provider-keys/openai")
    assert await seconds_until(VENDOR_KEY, client, second_process, vendor=vendor) <= EFFECT_SECONDS_MAX


async def seconds_until(key: str, *processes: httpx.AsyncClient, vendor: FakeVendor) -> float:
    began = time.monotonic()

    async def is_used_by_all() -> bool:
        return {await key_used(process, vendor) for process in processes} == {key}

    await wait_until(is_used_by_all)
    return time.monotonic() - began


async def test_a_key_that_cannot_be_opened_is_said_to_be_and_the_others_go_on(
    client: httpx.AsyncClient, settings: Settings, tenant: Tenant, vendor: FakeVendor
) -> None:
    await set_key(client, provider="groq")
    other = settings.model_copy(update={"secret_key": "a secret that the first server does not have"})
    app = create_app(other)
    async with LifespanManager(app), client_of(app, tenant) as elsewhere:
        refused = await elsewhere.post("/threads/messages", json={"content": "Hi", "llm_provider": "groq"})
        streamed = await elsewhere.post(
            "/threads/messages", json={"content": "Hi", "llm_provider": "groq", "stream": True}
        )
        used = await key_used(elsewhere, vendor)
        listed = (await elsewhere.get("/provider-keys")).json()
        await set_key(elsewhere, provider="groq")
        mended = await elsewhere.get("/provider-keys")

    for answer in (refused, streamed):
        assert (answer.status_code, answer.json()["code"]) == (400, "provider_key_unreadable")
        assert "PUT /provider-keys/groq" in answer.json()["detail"]
    assert used == VENDOR_KEY
    assert listed[0]["provider"] == "groq"
    assert mended.status_code == 200
