"""Webhooks over HTTP: created with a secret that is shown once, changed, followed and replayed."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from backboard_server.domain.webhooks import WEBHOOKS_MAX
from backboard_server.store.database import Database
from tenants import Tenant

URL = "https://hooks.example.com/told?by=us"


async def _create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/webhooks", json={"url": URL} | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def _announce(database: Database, tenant: Tenant) -> None:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            "SELECT announce($1, 'run.failed', '{\"run_id\": \"r\"}')", tenant.caller.tenant_id
        )


async def test_a_new_webhook_comes_with_its_secret(client: httpx.AsyncClient) -> None:
    created = await _create(client, events=["run.failed", "run.failed"], description="Mine")

    assert created["secret"].startswith("whsec_")
    assert (created["url"], created["events"], created["description"]) == (URL, ["run.failed"], "Mine")
    assert (created["enabled"], created["disabled_reason"]) == (True, None)
    assert created["created_at"] == created["updated_at"]


async def test_the_secret_is_never_shown_again_and_not_in_the_database(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    created = await _create(client)
    secret = created.pop("secret")

    one = await client.get(f"/webhooks/{created['webhook_id']}")
    listed = await client.get("/webhooks")
    changed = await client.put(f"/webhooks/{created['webhook_id']}", json={})

    assert one.json() == created
    assert listed.json() == [created]
    assert "secret" not in changed.json()
    async with database.tenant(tenant.caller.tenant_id) as connection:
        query = "SELECT w::text, w.sealed_secret FROM webhooks AS w WHERE tenant_id = $1"
        row = await connection.fetchrow(query, tenant.caller.tenant_id)
    assert row is not None
    assert secret not in row[0]
    assert secret.encode() not in row[1]


async def test_a_request_that_comes_again_makes_one_webhook_with_another_secret(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    keyed = {"Idempotency-Key": "once"}
    first = (await client.post("/webhooks", json={"url": URL}, headers=keyed)).json()
    second = (await client.post("/webhooks", json={"url": URL}, headers=keyed)).json()
    other = await client.post("/webhooks", json={"url": f"{URL}&other"}, headers=keyed)

    assert first.pop("secret") != second.pop("secret")
    assert second == first
    assert (await client.get("/webhooks")).json() == [first]
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    async with database.tenant(tenant.caller.tenant_id) as connection:
        query = "SELECT made_id, answer FROM idempotency_keys WHERE tenant_id = $1"
        kept = [tuple(row) for row in await connection.fetch(query, tenant.caller.tenant_id)]
    assert kept == [(UUID(first["webhook_id"]), None)]


async def test_webhooks_are_listed_newest_first(client: httpx.AsyncClient) -> None:
    created = [await _create(client) for _ in range(3)]

    listed = await client.get("/webhooks")

    assert [webhook["webhook_id"] for webhook in listed.json()] == [
        webhook["webhook_id"] for webhook in reversed(created)
    ]


async def test_what_is_left_out_of_a_change_stays(client: httpx.AsyncClient) -> None:
    created = await _create(client, events=["run.failed"], description="Mine")
    path = f"/webhooks/{created['webhook_id']}"

    await client.put(path, json={"enabled": False})
    changed = await client.put(path, json={"url": "https://other.example.com/", "events": []})

    body = changed.json()
    assert changed.status_code == 200
    assert (body["url"], body["events"]) == ("https://other.example.com/", [])
    assert (body["description"], body["enabled"]) == ("Mine", False)


async def test_a_deleted_webhook_is_gone(client: httpx.AsyncClient) -> None:
    created = await _create(client)
    path = f"/webhooks/{created['webhook_id']}"

    deleted = await client.delete(path)

    assert (deleted.status_code, deleted.json()["webhook_id"]) == (200, created["webhook_id"])
    for response in (
        await client.get(path),
        await client.put(path, json={}),
        await client.delete(path),
        await client.get(f"{path}/deliveries"),
    ):
        assert (response.status_code, response.json()["detail"]) == (404, "Webhook not found")


@pytest.mark.parametrize(
    "url", ["http://hooks.example.com/", "https://10.0.0.1/", "https://localhost/", "https://127.1/", "x"]
)
async def test_an_address_that_may_not_be_asked_is_refused_when_it_is_named(
    client: httpx.AsyncClient, url: str
) -> None:
    created = await _create(client)

    refused = await client.post("/webhooks", json={"url": url})
    unchanged = await client.put(f"/webhooks/{created['webhook_id']}", json={"url": url})

    assert (refused.status_code, refused.json()["code"]) == (400, "address_forbidden")
    assert (unchanged.status_code, unchanged.json()["code"]) == (400, "address_forbidden")
    assert [webhook["url"] for webhook in (await client.get("/webhooks")).json()] == [URL]


@pytest.mark.parametrize(
    "fields",
    [
        {"url": ""},
        {"url": None},
        {"url": f"https://hooks.example.com/{'x' * 2_048}"},
        {"events": ["run.exploded"]},
        {"events": "run.failed"},
        {"events": ["run.failed"] * 33},
        {"description": "x" * 1_001},
        {"enabled": "perhaps"},
    ],
)
async def test_a_malformed_webhook_is_refused_by_its_field(
    client: httpx.AsyncClient, fields: dict[str, Any]
) -> None:
    created = await client.post("/webhooks", json={"url": URL} | fields)

    assert created.status_code == 422
    assert created.json()["detail"][0]["loc"][:2] == ["body", *fields]


async def test_no_more_webhooks_are_kept_than_a_tenant_may_have(client: httpx.AsyncClient) -> None:
    for _ in range(WEBHOOKS_MAX):
        await _create(client)

    refused = await client.post("/webhooks", json={"url": URL})

    assert (refused.status_code, refused.json()["code"]) == (429, "limit_exceeded")
    assert str(WEBHOOKS_MAX) in refused.json()["detail"]


async def test_deliveries_show_what_is_told_and_by_when(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    created = await _create(client)
    path = f"/webhooks/{created['webhook_id']}/deliveries"
    await _announce(database, tenant)
    await _announce(database, tenant)

    listed = (await client.get(path)).json()
    page = (await client.get(path, params={"skip": 1, "limit": 1, "status": "pending"})).json()
    delivered = (await client.get(path, params={"status": "delivered"})).json()

    delivery = listed[0]
    assert (delivery["event"], delivery["payload"]["data"]) == ("run.failed", {"run_id": "r"})
    assert (delivery["status"], delivery["attempts"], delivery["ended_at"]) == ("pending", [], None)
    assert delivery["next_attempt_at"] is not None
    assert (page, delivered) == (listed[1:], [])
    assert (await client.get(path, params={"status": "lost"})).status_code == 422


async def test_a_delivery_is_replayed(client: httpx.AsyncClient, database: Database, tenant: Tenant) -> None:
    created = await _create(client)
    path = f"/webhooks/{created['webhook_id']}/deliveries"
    await _announce(database, tenant)
    delivery_id = (await client.get(path)).json()[0]["delivery_id"]

    replayed = await client.post(f"{path}/{delivery_id}/replay")
    unknown = await client.post(f"{path}/{uuid4()}/replay")
    await client.put(f"/webhooks/{created['webhook_id']}", json={"enabled": False})
    disabled = await client.post(f"{path}/{delivery_id}/replay")

    assert (replayed.status_code, replayed.json()["delivery_id"]) == (200, delivery_id)
    assert unknown.status_code == 404
    assert (disabled.status_code, disabled.json()["code"]) == (409, "conflict")
