"""Tenants' own keys of providers: what is stored, what is told of them, and who has them when."""

from __future__ import annotations

from pathlib import Path

import pytest

from backboard_server.domain.errors import Invalid, NotFound
from backboard_server.store.database import Connection, Database
from backboard_server.store.keys import find_caller
from backboard_server.store.provider_keys import delete_provider_key, list_provider_keys, set_provider_key
from backboard_server.store.sealing import Sealer
from tenants import Tenant

KEY = "sk-canary-5f1c7a"


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer([], tmp_path)


async def stored(database: Database, sealer: Sealer, tenant: Tenant) -> dict[str, str]:
    """Return the tenant's keys by provider, as its next caller has them."""
    caller = await find_caller(database, tenant.secret)
    assert caller
    keys = sealer.keys_of(caller.tenant_id, caller.provider_keys)
    return {provider: keys[provider].reveal() for provider in keys}


async def test_a_key_reaches_the_next_caller_of_its_tenant_alone(
    database: Database, sealer: Sealer, tenant: Tenant, other_tenant: Tenant
) -> None:
    await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", KEY)
    await set_provider_key(database, sealer, tenant.caller.tenant_id, "groq", "gsk-other")

    assert await stored(database, sealer, tenant) == {"openai": KEY, "groq": "gsk-other"}
    assert await stored(database, sealer, other_tenant) == {}
    assert await list_provider_keys(database, other_tenant.caller.tenant_id) == []


async def test_the_list_shows_how_a_key_begins_and_no_more(
    database: Database, sealer: Sealer, tenant: Tenant
) -> None:
    await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", KEY)

    (listed,) = await list_provider_keys(database, tenant.caller.tenant_id)

    assert (listed.provider, listed.shown) == ("openai", "sk-c…")


async def test_no_row_holds_the_key(
    database: Database, sealer: Sealer, tenant: Tenant, owner: Connection
) -> None:
    await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", KEY)

    row = await owner.fetchrow(
        "SELECT sealed, k::text AS text FROM provider_keys AS k WHERE tenant_id = $1", tenant.caller.tenant_id
    )

    assert row
    assert KEY not in row["text"]
    assert KEY.encode() not in row["sealed"]


async def test_a_second_key_takes_the_place_of_the_first(
    database: Database, sealer: Sealer, tenant: Tenant
) -> None:
    first = await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", "sk-first-of-all")
    second = await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", KEY)

    assert await stored(database, sealer, tenant) == {"openai": KEY}
    assert second.created_at == first.created_at
    assert second.updated_at > first.updated_at


async def test_a_deleted_key_is_gone(database: Database, sealer: Sealer, tenant: Tenant) -> None:
    await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", KEY)

    await delete_provider_key(database, tenant.caller.tenant_id, "openai")

    assert await stored(database, sealer, tenant) == {}
    with pytest.raises(NotFound, match="openai"):
        await delete_provider_key(database, tenant.caller.tenant_id, "openai")


async def test_what_can_be_no_key_is_refused_and_the_stored_one_stays(
    database: Database, sealer: Sealer, tenant: Tenant
) -> None:
    await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", KEY)

    with pytest.raises(Invalid):
        await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", "two words")

    assert await stored(database, sealer, tenant) == {"openai": KEY}


async def test_a_sealed_key_that_is_moved_to_another_tenant_is_of_no_use_there(
    database: Database, sealer: Sealer, tenant: Tenant, other_tenant: Tenant
) -> None:
    await set_provider_key(database, sealer, tenant.caller.tenant_id, "openai", KEY)
    caller = await find_caller(database, tenant.secret)
    assert caller
    async with database.tenant(other_tenant.caller.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO provider_keys (tenant_id, provider, sealed, shown) VALUES ($1, 'openai', $2, '')",
            other_tenant.caller.tenant_id, caller.provider_keys["openai"],
        )  # fmt: skip

    with pytest.raises(Invalid, match="cannot be opened"):
        await stored(database, sealer, other_tenant)
