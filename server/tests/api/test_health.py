"""Whether the server is alive and ready."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from backboard_server.api.edge import Edge


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/docs", "/openapi.json"])
async def test_operations_need_no_key(app: FastAPI, path: str) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://backboard") as client:
        assert (await client.get(path)).status_code == 200


async def test_ready_is_503_while_the_database_is_away_and_health_is_not(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    edge = app.state.edge
    assert isinstance(edge, Edge)
    await edge.adapters.database.close()

    ready, health = await client.get("/ready"), await client.get("/health")

    assert (ready.status_code, health.status_code) == (503, 200)
    assert int(ready.headers["retry-after"]) > 0
    assert ready.json()["code"] == "unavailable"
