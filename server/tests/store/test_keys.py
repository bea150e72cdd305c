"""Tenants and their API keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from backboard_server.domain.errors import Invalid, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller, new_secret, shown_part
from backboard_server.store.address import Address
from backboard_server.store.database import Connection, Database, connect_owner
from backboard_server.store.keys import (
    CONFIGURED,
    DEFAULT_TENANT,
    GENERATED,
    create_key,
    ensure_first_key,
    find_caller,
    has_only_generated_keys,
    list_keys,
    revoke_key,
)
from tenants import Tenant

HOSTILE = {
    "empty": "",
    "quotes": "espr_' OR '1'='1",
    "a second statement": "espr_'; DELETE FROM backboard.api_keys; --",
    "NUL": "espr_\0",
    "half a surrogate pair": "espr_\ud800",
    "many characters": "espr_" + "x" * 10_000,
    "other scripts": "espr_ключ🔑",
    "percent and backslash": "espr_%s\\x00",
}


@pytest.fixture
async def fresh(owner: Connection) -> AsyncGenerator[Connection]:
    """The owner of a database without any key; what is done to keys here is undone in the end."""
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("DELETE FROM tenants")
    yield owner
    await transaction.rollback()


async def test_a_key_tells_whose_it_is(database: Database, tenant: Tenant) -> None:
    assert await find_caller(database, tenant.secret) == tenant.caller


async def test_an_unknown_key_is_nobodys(database: Database, tenant: Tenant) -> None:
    assert await find_caller(database, new_secret()) is None
    assert await find_caller(database, tenant.secret + "x") is None
    assert await find_caller(database, tenant.secret.upper()) is None


async def test_a_revoked_key_is_nobodys_and_others_go_on(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    name = f"tenant {new_id()}"
    first, first_secret = await create_key(owner, name, "first")
    second, second_secret = await create_key(owner, name, "second")

    revoked = await revoke_key(owner, first.id)

    assert revoked.revoked_at is not None
    assert await find_caller(database, first_secret) is None
    assert await find_caller(database, second_secret) == Caller(second.tenant_id, second.id)


@pytest.mark.parametrize("case", HOSTILE)
async def test_whatever_is_sent_as_a_key_is_at_worst_a_wrong_one(
    database: Database, tenant: Tenant, case: str
) -> None:
    assert await find_caller(database, HOSTILE[case]) is None

    assert await find_caller(database, tenant.secret) == tenant.caller


async def test_keys_of_one_tenant_name_share_the_tenant(owner: Connection) -> None:
    name = f"tenant {new_id()}"

    first, first_secret = await create_key(owner, name, "first")
    second, second_secret = await create_key(owner, name, "second")

    assert first.tenant_id == second.tenant_id
    assert first_secret != second_secret
    assert (first.tenant_name, first.name, first.shown) == (name, "first", shown_part(first_secret))


async def test_no_secret_is_stored(owner: Connection, tenant: Tenant) -> None:
    rows = await owner.fetch("SELECT api_keys::text AS row FROM api_keys")

    assert rows
    assert not [row for row in rows if tenant.secret in row["row"]]


async def test_keys_are_listed_oldest_first_with_the_revoked_ones(fresh: Connection) -> None:
    made = [(await create_key(fresh, "one", str(number)))[0] for number in range(3)]
    revoked = await revoke_key(fresh, made[1].id)

    assert sorted(await list_keys(fresh), key=lambda key: key.name) == [made[0], revoked, made[2]]
    listed = [key.id for key in await list_keys(fresh)]
    assert listed == sorted(listed)


async def test_revoking_twice_keeps_the_first_time(owner: Connection) -> None:
    key, _ = await create_key(owner, f"tenant {new_id()}", "key")
    first = await revoke_key(owner, key.id)

    assert await revoke_key(owner, key.id) == first


async def test_revoking_an_unknown_key_says_where_to_look(owner: Connection) -> None:
    with pytest.raises(NotFound, match="backboard keys list"):
        await revoke_key(owner, new_id())


async def test_the_first_start_makes_one_key_and_shows_it_once(fresh: Connection) -> None:
    secret = await ensure_first_key(fresh, None)

    assert secret is not None
    assert await ensure_first_key(fresh, None) is None
    [key] = await list_keys(fresh)
    assert (key.tenant_name, key.name, key.shown) == (DEFAULT_TENANT, GENERATED, shown_part(secret))


async def test_no_key_is_made_where_there_is_a_valid_one(fresh: Connection) -> None:
    await create_key(fresh, "team", "laptop")

    assert await ensure_first_key(fresh, None) is None
    assert len(await list_keys(fresh)) == 1


async def test_a_key_is_made_again_when_all_were_revoked(fresh: Connection) -> None:
    await ensure_first_key(fresh, None)
    await revoke_key(fresh, (await list_keys(fresh))[0].id)

    assert await ensure_first_key(fresh, None) is not None


async def test_a_configured_key_is_valid_and_not_shown(fresh: Connection) -> None:
    assert await ensure_first_key(fresh, "my own key") is None
    assert await ensure_first_key(fresh, "my own key") is None

    [key] = await list_keys(fresh)
    assert (key.tenant_name, key.name, key.revoked_at) == (DEFAULT_TENANT, CONFIGURED, None)


async def test_changing_the_configured_key_revokes_the_former_one_alone(fresh: Connection) -> None:
    await create_key(fresh, "team", "laptop")
    await ensure_first_key(fresh, "first")

    await ensure_first_key(fresh, "second")

    valid = {key.shown: key.revoked_at is None for key in await list_keys(fresh) if key.name == CONFIGURED}
    assert valid == {shown_part("first"): False, shown_part("second"): True}
    assert [key.revoked_at for key in await list_keys(fresh) if key.name == "laptop"] == [None]


async def test_a_configured_key_that_comes_back_is_valid_again(fresh: Connection) -> None:
    for secret in ("first", "second", "first"):
        await ensure_first_key(fresh, secret)

    valid = {key.shown: key.revoked_at is None for key in await list_keys(fresh)}
    assert valid == {shown_part("first"): True, shown_part("second"): False}


async def test_no_longer_configuring_a_key_leaves_it_valid(fresh: Connection) -> None:
    await ensure_first_key(fresh, "first")

    assert await ensure_first_key(fresh, None) is None
    assert [key.revoked_at for key in await list_keys(fresh)] == [None]


async def test_servers_that_start_together_agree_on_the_configured_key(
    owner_address: Address, database: Database
) -> None:
    secret = new_secret()
    connections = [await connect_owner(owner_address) for _ in range(4)]

    await asyncio.gather(*(ensure_first_key(connection, secret) for connection in connections))

    assert await find_caller(database, secret) is not None
    keys = [key for key in await list_keys(connections[0]) if key.name == CONFIGURED]
    assert len(keys) == 1
    await revoke_key(connections[0], keys[0].id)
    for connection in connections:
        await connection.close()


async def test_generated_keys_are_told_from_those_that_somebody_chose(fresh: Connection) -> None:
    assert await has_only_generated_keys(fresh)

    await ensure_first_key(fresh, None)
    assert await has_only_generated_keys(fresh)

    chosen, _ = await create_key(fresh, "team", "laptop")
    assert not await has_only_generated_keys(fresh)

    await revoke_key(fresh, chosen.id)
    assert await has_only_generated_keys(fresh)


@pytest.mark.parametrize("name", ["", "  ", "two\tcolumns", "two\nlines", "x" * 201])
async def test_a_name_that_nobody_could_tell_from_others_is_refused(owner: Connection, name: str) -> None:
    with pytest.raises(Invalid):
        await create_key(owner, name, "key")
    if name:
        with pytest.raises(Invalid):
            await create_key(owner, "tenant", name)
