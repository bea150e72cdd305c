"""No tenant reaches another one: by any operation, by any id, and by either of the two walls alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pytest
from asgi_lifespan import LifespanManager
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from app_under_test import VENDOR_KEY, client_of
from backboard_server import api
from backboard_server.app import create_app
from backboard_server.settings import Settings
from backboard_server.store.database import Connection, connect_owner
from backboard_server.store.embedded import EmbeddedPostgres
from backboard_server.store.migrate import migrate
from contract.attack import Site, findings_of, plant_duels
from contract.belongings import plant, snapshot
from contract.unfiltered import UnfilteredConnection, install_unfiltered_routines, without_filters
from fake_vendor import FakeVendor
from tenants import Tenant

# Operations that take no id, each with the reason. A new one is added here, or gets its ids probed by itself.
WITHOUT_IDS = {
    "create_assistant": "makes a thing that belongs to nothing",
    "list_assistants": "lists the caller's own",
    "list_threads": "lists the caller's own",
    "create_webhook": "makes a thing that belongs to nothing",
    "list_webhooks": "lists the caller's own",
    "list_provider_keys": "lists the caller's own",
    "set_provider_key": "a provider is not a thing of anybody's",
    "delete_provider_key": "a provider is not a thing of anybody's",
    "get_usage": "adds up the caller's own",
    "get_recent_usage": "lists the caller's own",
    "get_budgets": "lists the caller's own",
    "health": "tells of the process alone",
    "ready": "tells of the process alone",
    "metrics": "tells of the process alone",
}
OPEN = {"health", "ready", "metrics"}
# The catalogue, which is the same for everybody but for what each may use.
CATALOGUE = {
    "list_models",
    "list_providers",
    "list_models_by_provider",
    "get_thinking_metadata",
    "list_embedding_models",
    "list_embedding_providers",
    "get_embedding_model",
    "list_image_models",
    "list_image_providers",
    "get_image_model",
    "list_video_models",
    "get_video_model",
    "get_model",
}
WITHOUT_FILTER = (
    "BEGIN; SET LOCAL backboard.tenant_id",
    "INSERT INTO ",
    "SELECT tenant_id, id, digest, providers, sealed_keys FROM find_key(",
)
FILTERED_QUERIES_MIN = 10


@pytest.fixture
async def site(app: FastAPI, owner: Connection, vendor: FakeVendor) -> AsyncGenerator[Site]:
    yield Site(app, owner, vendor)
    # Whatever worker comes next would ask the addresses of the planted webhooks.
    await owner.execute("DELETE FROM jobs WHERE kind = 'deliver_webhook'")


@pytest.fixture
def unfiltered_postgres(tmp_path: Path) -> Generator[EmbeddedPostgres]:
    """A Postgres of its own, as what is done to it would disturb the other tests."""
    postgres = EmbeddedPostgres(tmp_path / "data")
    postgres.start()
    yield postgres
    postgres.stop()


@pytest.fixture
async def unfiltered_site(
    unfiltered_postgres: EmbeddedPostgres, tmp_path: Path, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Site]:
    """The application without a tenant filter in any query or routine."""
    monkeypatch.setenv("OPENAI_API_KEY", VENDOR_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", vendor.base_url)
    monkeypatch.setattr(
        "backboard_server.store.webhooks.WEBHOOKS_MAX", 1_000_000
    )  # those of all tenants count
    address = unfiltered_postgres.connection("owner")
    await migrate(address)
    owner = await connect_owner(address)
    await install_unfiltered_routines(owner)
    UnfilteredConnection.asked.clear()
    app = create_app(Settings(data_dir=tmp_path / "data"), connection_class=UnfilteredConnection)
    async with LifespanManager(app):
        yield Site(app, owner, vendor)
    await owner.close()


def test_every_operation_is_probed_or_says_why_not(site: Site) -> None:
    without_ids = {operation.id for operation in site.operations if not operation.takes_ids}

    assert without_ids == WITHOUT_IDS.keys() | CATALOGUE


def test_only_the_operations_for_those_who_run_the_server_need_no_key(site: Site) -> None:
    assert {operation.id for operation in site.operations if operation.is_open} == OPEN


def test_no_route_hides_from_the_description() -> None:
    modules = [import_module(f"backboard_server.api.{module.name}") for module in iter_modules(api.__path__)]
    routes = [route for module in modules for route in getattr(module, "router", APIRouter()).routes]

    assert routes
    assert [route for route in routes if not isinstance(route, APIRoute) or not route.include_in_schema] == []


async def test_what_is_planted_reaches_every_table(site: Site) -> None:
    victim = await plant(site.app, site.owner, site.vendor, "canary")

    rows = await snapshot(site.owner, victim.tenant)

    assert [table for table, found in rows.items() if not found] == []
    assert {table for table, found in rows.items() if "canary" in str(found)} >= {
        "assistants", "threads", "messages", "documents", "usage", "webhooks", "webhook_attempts",
    }  # fmt: skip


async def test_no_operation_reaches_another_tenant(site: Site) -> None:
    assert await findings_of(site, await plant_duels(site)) == {}


async def test_a_list_by_the_name_of_anothers_assistant_is_empty(site: Site, tenant: Tenant) -> None:
    victim = await plant(site.app, site.owner, site.vendor, "canary of another")

    async with client_of(site.app, tenant) as client:
        listed = await client.get("/assistants", params={"name": victim.canary})

    assert (listed.status_code, listed.json()) == (200, [])


@pytest.mark.parametrize("path", ["/assistants", "/threads/messages"])
async def test_a_key_of_one_tenants_request_is_no_key_of_anothers(
    site: Site, tenant: Tenant, other_tenant: Tenant, path: str
) -> None:
    made: list[dict[str, Any]] = []
    for caller, text in ((tenant, "Mine"), (other_tenant, "Theirs"), (other_tenant, "Theirs")):
        async with client_of(site.app, caller) as client:
            body = {"name": text} if path == "/assistants" else {"content": text}
            response = await client.post(path, json=body, headers={"Idempotency-Key": "the same"})
        assert response.status_code == 200, response.text
        made.append(response.json())
    mine, theirs, theirs_again = made
    assert theirs_again == theirs
    assert mine["assistant_id"] != theirs["assistant_id"]


@pytest.mark.parametrize("place", ["query", "header"])
async def test_a_place_in_anothers_run_is_not_found_like_the_run(
    site: Site, tenant: Tenant, place: str
) -> None:
    victim = await plant(site.app, site.owner, site.vendor, "canary of a run")
    path = "/threads/{thread}/runs/{run}/events".format(**victim.existing)
    asked: dict[str, Any] = (
        {"params": {"after": 3}} if place == "query" else {"headers": {"Last-Event-ID": "3"}}
    )

    async with client_of(site.app, tenant) as client:
        foreign = await client.get(path, **asked)
    async with client_of(site.app, victim.tenant) as client:
        own = await client.get(path, **asked)

    assert (foreign.status_code, foreign.json()["detail"]) == (404, "Run not found")
    assert own.status_code == 200
    assert own.text.startswith("id: 4\n")


async def test_row_level_security_alone_holds(unfiltered_site: Site) -> None:
    findings = await findings_of(unfiltered_site, await plant_duels(unfiltered_site))

    assert findings == {}
    # The filters were really gone: what still names a tenant sets one, stores one, or asks whose a key is.
    asked = {query.strip() for query in UnfilteredConnection.asked if "tenant_id" in query}
    unchanged = {query for query in asked if without_filters(query) == (query, 0)}
    assert len(asked - unchanged) >= FILTERED_QUERIES_MIN
    assert [query for query in unchanged if not query.startswith(WITHOUT_FILTER)] == []
    routines = await unfiltered_site.owner.fetch(
        "SELECT prosrc FROM pg_proc WHERE pronamespace = 'backboard'::regnamespace"
    )
    assert [source for (source,) in routines if without_filters(source)[1]] == []


async def test_without_either_wall_every_operation_leaks(unfiltered_site: Site) -> None:
    duels = await plant_duels(unfiltered_site)
    for table in await snapshot(unfiltered_site.owner, duels[0].victim.tenant):
        await unfiltered_site.owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")

    findings = await findings_of(unfiltered_site, duels)

    harmless = {"create_assistant", "create_webhook", "set_provider_key", *CATALOGUE, *OPEN}
    assert findings.keys() == {operation.id for operation in unfiltered_site.operations} - harmless
