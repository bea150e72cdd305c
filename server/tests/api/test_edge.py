"""Who is calling."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from app_under_test import client_of
from backboard_server.api import edge
from backboard_server.api.edge import KeyCache
from backboard_server.domain.errors import Unauthorized
from backboard_server.store.database import Connection, Database
from backboard_server.store.keys import revoke_key
from tenants import Tenant
from waiting import wait_until


async def test_the_key_is_taken_as_a_header_or_as_a_bearer(app: FastAPI, tenant: Tenant) -> None:
    async with client_of(app, tenant) as client:
        client.headers.pop("x-api-key")
        by_header = await client.get("/threads", headers={"x-api-key": tenant.secret})
        by_bearer = await client.get("/threads", headers={"authorization": f"bearer {tenant.secret}"})
        by_basic = await client.get("/threads", headers={"authorization": f"Basic {tenant.secret}"})

    assert [response.status_code for response in (by_header, by_bearer, by_basic)] == [200, 200, 401]


async def test_a_known_key_is_looked_up_once(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = KeyCache()
    await cache.caller(database, tenant.secret)
    await database.close()

    assert await cache.caller(database, tenant.secret) == tenant.caller


async def test_a_revoked_key_is_refused_within_a_second(
    app: FastAPI, tenant: Tenant, owner: Connection
) -> None:
    async with client_of(app, tenant) as client:
        assert (await client.get("/threads")).status_code == 200
        await revoke_key(owner, tenant.caller.key_id)

        async def is_refused() -> bool:
            return (await client.get("/threads")).status_code == 401

        await wait_until(is_refused)
    assert edge.KEY_CACHE_SECONDS < 1


@pytest.mark.parametrize("secret", ["", "espr_wrong", "' OR 1=1 --", "x" * 513, "espr_\u00e9"])
async def test_other_keys_are_refused(app: FastAPI, tenant: Tenant, secret: str) -> None:
    async with client_of(app, tenant) as client:
        response = await client.get("/threads", headers=[(b"x-api-key", secret.encode())])

    assert response.status_code == 401


async def test_the_cache_is_bounded(
    database: Database, tenant: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edge, "KEYS_CACHED_MAX", 1)
    cache = KeyCache()

    assert await cache.caller(database, tenant.secret) == tenant.caller
    assert await cache.caller(database, other_tenant.secret) == other_tenant.caller
    assert await cache.caller(database, tenant.secret) == tenant.caller
    with pytest.raises(Unauthorized):
        await cache.caller(database, "espr_unknown")
