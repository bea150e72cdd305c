"""The frame around every request."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Message

from backboard_server.api import frame
from tenants import Tenant


@pytest.mark.parametrize("prefix", ["", "/api"])
async def test_every_path_is_served_with_and_without_the_prefix(
    app: FastAPI, tenant: Tenant, prefix: str
) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=f"http://backboard{prefix}") as client:
        listed = await client.get("/assistants", headers={"X-API-Key": tenant.secret})
        described = await client.get("/openapi.json")

    assert listed.status_code == 200
    assert described.status_code == 200


async def test_the_request_id_is_ours_and_in_the_log(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="backboard_server.access"):
        first = await client.get("/health", headers={"X-Request-Id": "theirs"})
        second = await client.get("/health")

    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert first.headers["x-request-id"] != "theirs"
    assert "GET /api/health 200" in caplog.text


async def test_a_path_cannot_pose_as_a_line_of_the_log(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="backboard_server.access"):
        await client.get("/x%0AINFO%20forged%1b[31m")

    assert r"GET /api/x\nINFO forged\x1b[31m 404" in caplog.messages[-1]


async def test_a_body_that_stops_coming_is_not_waited_for(
    app: FastAPI, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame, "BODY_WAIT_SECONDS", 0.05)
    pieces: list[Message] = [{"type": "http.request", "body": b'{"content"', "more_body": True}]
    sent: list[Message] = []

    async def receive() -> Message:
        if pieces:
            return pieces.pop()
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/threads/messages",
        "raw_path": b"/threads/messages",
        "query_string": b"",
        "headers": [(b"x-api-key", tenant.secret.encode()), (b"content-type", b"application/json")],
    }
    async with asyncio.timeout(5):
        await app(scope, receive, send)

    assert sent[0]["status"] == 408
    assert b"body_incomplete" in sent[1]["body"]
