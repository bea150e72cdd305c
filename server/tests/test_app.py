"""The web application as a whole, as it describes itself."""

from __future__ import annotations

from typing import Any

import httpx
from fastapi import FastAPI

from app_under_test import BODY_BYTES_MAX


async def description(client: httpx.AsyncClient) -> dict[str, Any]:
    return (await client.get("/openapi.json")).json()


async def test_every_operation_has_a_name_a_sentence_and_an_answer(
    client: httpx.AsyncClient,
) -> None:
    spec = await description(client)

    names: list[str] = []
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            names.append(operation["operationId"])
            assert operation["description"].endswith("."), (method, path)
            answers = operation["responses"]
            content = (answers.get("200") or answers["201"]).get("content", {})
            described: dict[str, Any] = (
                content.get("application/json") or content.get("text/event-stream") or {}
            )
            assert path == "/metrics" or described["schema"], (method, path)
    assert len(names) == len(set(names))


async def test_every_operation_needs_a_key_but_for_those_that_watch_the_server(
    client: httpx.AsyncClient,
) -> None:
    spec = await description(client)

    open_paths = {
        path
        for path, operations in spec["paths"].items()
        for operation in operations.values()
        if not operation.get("security")
    }

    assert open_paths == {"/health", "/ready", "/metrics"}


async def test_a_message_is_described_in_all_three_encodings(client: httpx.AsyncClient) -> None:
    spec = await description(client)

    for path in ("/threads/messages", "/threads/{thread_id}/messages"):
        content = spec["paths"][path]["post"]["requestBody"]["content"]
        assert content.keys() == {
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        }
        assert "files" in content["multipart/form-data"]["schema"]["properties"]


async def test_a_body_beyond_the_limit_is_refused_on_every_path(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for path in ("/assistants", "/threads/messages"):
        response = await client.post(path, json={"name": "x", "content": "x" * BODY_BYTES_MAX})

        assert response.status_code == 413, path
        assert f"{BODY_BYTES_MAX:,} bytes" in response.json()["detail"]
        assert response.json()["code"] == "body_too_large"


async def test_a_slash_too_many_is_an_error_and_no_redirect(client: httpx.AsyncClient) -> None:
    response = await client.get("/assistants/")

    assert response.status_code == 404
    assert response.json()["detail"]
