"""Idempotency keys in Postgres: claimed once, answered with what was made then, free after a day."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from backboard_server.domain.errors import Conflict
from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import RequestKey
from backboard_server.store.database import Connection, Database
from backboard_server.store.request_keys import claim_key, purge_expired, release_key, update_answer
from backboard_server.store.run_logs import list_rows
from backboard_server.store.turns import LogPart, Repeated
from run_requests import begin, complete, row
from tenants import Tenant

KEY = RequestKey(key="a key", fingerprint="00ff")
OTHER = RequestKey(key="a key", fingerprint="ff00")
ROWS_MAX = 1_000_000


async def claim(database: Database, tenant: Tenant, key: RequestKey, made_id: UUID) -> Repeated | None:
    return await claim_key(database, tenant.caller.tenant_id, key, made_id)


async def age(owner: Connection, table: str, tenant: Tenant, by: timedelta) -> None:
    """Let rows of the tenant have been made earlier."""
    await owner.execute(
        f"UPDATE {table} SET created_at = created_at - $2::interval WHERE tenant_id = $1",
        tenant.caller.tenant_id,
        by,
    )


async def keys_of(database: Database, tenant: Tenant) -> int:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        return await connection.fetchval("SELECT count(*) FROM idempotency_keys")


async def test_a_key_is_claimed_by_the_first_and_tells_the_next_what_it_made(
    database: Database, tenant: Tenant
) -> None:
    made_id = new_id()

    first = await claim(database, tenant, KEY, made_id)
    meanwhile = await claim(database, tenant, KEY, new_id())
    await update_answer(database, tenant.caller.tenant_id, KEY, 200, '{"name": "é"}')
    afterwards = await claim(database, tenant, KEY, new_id())

    assert first is None
    assert meanwhile == Repeated(made_id=made_id)
    assert afterwards == Repeated(made_id=made_id, status=200, answer='{"name": "é"}')


async def test_of_many_that_claim_a_key_at_once_one_gets_it(database: Database, tenant: Tenant) -> None:
    made_ids = [new_id() for _ in range(8)]

    claimed = await asyncio.gather(*(claim(database, tenant, KEY, made_id) for made_id in made_ids))

    (winner,) = [made_id for made_id, first in zip(made_ids, claimed, strict=True) if first is None]
    assert {first.made_id for first in claimed if first is not None} == {winner}


async def test_a_key_of_another_request_is_refused_and_stays(database: Database, tenant: Tenant) -> None:
    made_id = new_id()
    await claim(database, tenant, KEY, made_id)

    with pytest.raises(Conflict, match="used for another request") as raised:
        await claim(database, tenant, OTHER, new_id())

    assert raised.value.error_code == "idempotency_key_reused"
    assert await claim(database, tenant, KEY, new_id()) == Repeated(made_id=made_id)


async def test_each_tenant_has_keys_of_its_own(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    await claim(database, tenant, KEY, new_id())

    assert await claim(database, other_tenant, OTHER, new_id()) is None
    await release_key(database, other_tenant.caller.tenant_id, OTHER)
    assert (await keys_of(database, tenant), await keys_of(database, other_tenant)) == (1, 0)


async def test_a_key_is_free_again_after_a_day(database: Database, tenant: Tenant, owner: Connection) -> None:
    made_id = new_id()
    await claim(database, tenant, KEY, made_id)
    await age(owner, "idempotency_keys", tenant, timedelta(hours=23, minutes=59))
    still_known = await claim(database, tenant, KEY, new_id())
    await age(owner, "idempotency_keys", tenant, timedelta(minutes=2))

    assert still_known == Repeated(made_id=made_id)
    assert await claim(database, tenant, OTHER, new_id()) is None


async def test_a_key_whose_request_was_refused_is_given_free_and_one_with_an_answer_is_not(
    database: Database, tenant: Tenant
) -> None:
    await claim(database, tenant, KEY, new_id())
    await release_key(database, tenant.caller.tenant_id, KEY)
    assert await claim(database, tenant, OTHER, new_id()) is None
    await update_answer(database, tenant.caller.tenant_id, OTHER, 200, "{}")

    await release_key(database, tenant.caller.tenant_id, OTHER)

    assert await keys_of(database, tenant) == 1


async def test_keys_of_a_day_ago_are_purged_of_all_tenants(
    database: Database, tenant: Tenant, other_tenant: Tenant, owner: Connection
) -> None:
    for owning in (tenant, other_tenant):
        await claim(database, owning, KEY, new_id())
        await age(owner, "idempotency_keys", owning, timedelta(hours=25))
    await claim(database, tenant, RequestKey(key="a younger one", fingerprint="00"), new_id())

    purged = await purge_expired(database, log_hours=24.0, limit=ROWS_MAX)

    assert purged >= 2
    assert (await keys_of(database, tenant), await keys_of(database, other_tenant)) == (1, 0)


async def test_of_the_log_of_a_run_that_ended_long_ago_the_last_row_alone_is_left(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    ended = await begin(database, tenant)
    await complete(database, tenant, ended, log=LogPart(last_sequence=7, rows=[row(5, 6), row(7, 7)]))
    going_on = await begin(database, tenant)
    await age(owner, "run_events", tenant, timedelta(hours=3))
    await owner.execute(
        "UPDATE runs SET ended_at = ended_at - INTERVAL '3 hours' WHERE tenant_id = $1",
        tenant.caller.tenant_id,
    )

    await purge_expired(database, log_hours=4.0, limit=ROWS_MAX)
    kept = await list_rows(database, tenant.caller.tenant_id, ended.run_id, after=0)
    await purge_expired(database, log_hours=2.0, limit=ROWS_MAX)

    assert kept == [row(1, 4), row(5, 6), row(7, 7)]
    assert await list_rows(database, tenant.caller.tenant_id, ended.run_id, after=0) == [row(7, 7)]
    assert await list_rows(database, tenant.caller.tenant_id, going_on.run_id, after=0) == [row(1, 4)]


async def test_no_more_rows_are_purged_at_once_than_asked_for(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    await purge_expired(database, log_hours=24.0, limit=ROWS_MAX)
    for number in range(5):
        await claim(database, tenant, RequestKey(key=f"key {number}", fingerprint="00"), new_id())
    await age(owner, "idempotency_keys", tenant, timedelta(hours=25))

    purged = [await purge_expired(database, log_hours=24.0, limit=2) for _ in range(4)]

    assert purged == [2, 2, 1, 0]
