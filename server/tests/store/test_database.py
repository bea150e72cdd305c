"""The way into Postgres: what it costs, how it fails, and that it comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator

import pytest

from backboard_server.domain.errors import Conflict, Invalid, NotFound, Unavailable
from backboard_server.domain.ids import new_id
from backboard_server.store import database as database_module
from backboard_server.store.address import Address, external
from backboard_server.store.database import Connection, Database, connect_owner, open_database
from backboard_server.store.embedded import EmbeddedPostgres
from backboard_server.store.turns import finish_turn, open_turn
from external_postgres import ExternalPostgres, external_postgres
from postgres_proxy import PostgresProxy, proxied
from tenants import Tenant
from turn_requests import finishing, opening, say, turn_of
from waiting import wait_until, wait_until_blocked

DEADLINE_SECONDS = 10.0


@pytest.fixture
async def proxy(owner_address: Address, postgres: EmbeddedPostgres) -> AsyncGenerator[PostgresProxy]:
    async with proxied(postgres.connection("app")) as proxy:
        yield proxy


@pytest.fixture
async def counted(proxy: PostgresProxy) -> AsyncGenerator[Database]:
    """A database with a single connection, through the proxy."""
    database = await open_database(proxy.address, connections_max=1)
    yield database
    await database.close()


@pytest.fixture
def external_cluster() -> Generator[ExternalPostgres]:
    with external_postgres() as cluster:
        yield cluster


async def backend(database: Database) -> int:
    rows = await database.call("SELECT pg_backend_pid()")
    return rows[0][0]


async def wait_until_active(database: Database, statement: str) -> None:
    async def is_active() -> bool:
        query = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE state = 'active' AND query = $1)"
        return (await database.call(query, statement))[0][0]

    await wait_until(is_active)


async def test_a_call_is_one_exchange(counted: Database, proxy: PostgresProxy) -> None:
    await counted.call("SELECT 1")
    before = proxy.exchanges

    await counted.call("SELECT 1")

    assert proxy.exchanges - before == 1


async def test_a_transaction_with_one_statement_is_three_exchanges(
    counted: Database, proxy: PostgresProxy, tenant: Tenant
) -> None:
    async with counted.tenant(tenant.caller.tenant_id) as connection:
        await connection.fetch("SELECT name FROM assistants")
    before = proxy.exchanges

    async with counted.tenant(tenant.caller.tenant_id) as connection:
        await connection.fetch("SELECT name FROM assistants")

    assert proxy.exchanges - before == 3


async def test_a_whole_message_is_two_exchanges(
    counted: Database, proxy: PostgresProxy, tenant: Tenant
) -> None:
    first = await say(counted, tenant, None, "one")
    request = opening(thread_id=first.thread_id)
    before = proxy.exchanges

    await open_turn(counted, tenant.caller.tenant_id, request)
    between = proxy.exchanges
    await finish_turn(counted, tenant.caller.tenant_id, finishing(request, first.thread_id))

    assert between - before == 1
    assert proxy.exchanges - before == 2


async def test_a_transaction_that_succeeds_is_stored(database: Database, tenant: Tenant) -> None:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await insert_assistant(connection, tenant, "kept")

    assert await assistant_names(database, tenant) == ["kept"]


async def test_a_transaction_that_fails_leaves_nothing_behind_and_nothing_in_the_log(
    database: Database, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail_on_the_way() -> None:
        async with database.tenant(tenant.caller.tenant_id) as connection:
            await insert_assistant(connection, tenant, "lost")
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        await fail_on_the_way()

    assert await assistant_names(database, tenant) == []
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("query", "argument"),
    [
        ("SELECT $1::text", "a\0b"),
        ("SELECT $1::jsonb", '"a\\u0000b"'),
        ("SELECT $1::text", "\ud800"),
        ("SELECT $1::integer", 2**31),
    ],
    ids=["NUL in text", "NUL in JSON", "half a surrogate pair", "a number out of range"],
)
async def test_what_cannot_be_stored_is_invalid(database: Database, query: str, argument: object) -> None:
    with pytest.raises(Invalid, match="cannot be stored"):
        await database.call(query, argument)

    assert (await database.call("SELECT 1"))[0][0] == 1


@pytest.mark.parametrize(("code", "kind"), [("BB400", Invalid), ("BB404", NotFound), ("BB409", Conflict)])
async def test_our_routines_raise_the_kinds_of_failure_with_their_message(
    database: Database, code: str, kind: type[Exception]
) -> None:
    with pytest.raises(kind, match=r"^what happened$"):
        await database.call(f"DO $$ BEGIN RAISE EXCEPTION 'what happened' USING ERRCODE = '{code}'; END $$")


async def test_what_refers_to_something_deleted_is_not_found(database: Database, tenant: Tenant) -> None:
    with pytest.raises(NotFound):
        async with database.tenant(tenant.caller.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO threads (tenant_id, id, assistant_id) VALUES ($1, $2, $3)",
                tenant.caller.tenant_id, new_id(), new_id(),
            )  # fmt: skip


async def test_what_exists_already_is_a_conflict(database: Database, tenant: Tenant) -> None:
    async def insert_job() -> None:
        query = "INSERT INTO jobs (tenant_id, id, kind, subject, payload) VALUES ($1, $2, 'x', 'x', '{}')"
        async with database.tenant(tenant.caller.tenant_id) as connection:
            await connection.execute(query, tenant.caller.tenant_id, new_id())

    await insert_job()

    with pytest.raises(Conflict, match="same moment"):
        await insert_job()


async def test_a_thread_deleted_while_its_run_ends_is_a_conflict_and_no_deadlock(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    request = opening()
    turn = await turn_of(database, tenant, request)
    outcome = finishing(request, turn.thread_id)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        where = "tenant_id = $1 AND id = $2"
        ids = tenant.caller.tenant_id, turn.thread_id
        await connection.execute(f"SELECT FROM threads WHERE {where} FOR UPDATE", *ids)
        finishing_it = asyncio.create_task(finish_turn(database, tenant.caller.tenant_id, outcome))
        await wait_until_blocked(owner)
        await connection.execute(f"DELETE FROM threads WHERE {where}", *ids)

    with pytest.raises(Conflict, match="deleted"):
        await finishing_it


async def test_a_call_that_is_given_up_in_a_deadlock_is_made_again(database: Database) -> None:
    first, second = new_id().int % 2**31, new_id().int % 2**30
    crossing = "SELECT pg_advisory_xact_lock($1), pg_sleep(0.3), pg_advisory_xact_lock($2)"

    async with asyncio.timeout(DEADLINE_SECONDS):
        both = await asyncio.gather(
            database.call(crossing, first, second), database.call(crossing, second, first)
        )

    assert [len(rows) for rows in both] == [1, 1]


@pytest.mark.parametrize("condition", ["disk_full", "out_of_memory"])
async def test_a_database_without_room_is_unavailable_and_says_so(
    counted: Database, tenant: Tenant, condition: str
) -> None:
    with pytest.raises(Unavailable, match="Make room"):
        async with counted.tenant(tenant.caller.tenant_id) as connection:
            await connection.execute(f"DO $$ BEGIN RAISE {condition}; END $$")


async def test_who_waits_too_long_for_a_connection_is_told_to_try_again(
    counted: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "WAIT_SECONDS", 0.05)

    async with asyncio.timeout(DEADLINE_SECONDS), counted.tenant(tenant.caller.tenant_id):
        with pytest.raises(Unavailable):
            await counted.call("SELECT 1")

    assert (await counted.call("SELECT 1"))[0][0] == 1


async def test_a_cancelled_caller_leaves_no_transaction_behind(
    counted: Database, database: Database, tenant: Tenant, caplog: pytest.LogCaptureFixture
) -> None:
    used = await backend(counted)

    async def insert_and_wait() -> None:
        async with counted.tenant(tenant.caller.tenant_id) as connection:
            await insert_assistant(connection, tenant, "lost")
            await connection.execute("SELECT pg_sleep(60)")

    caller = asyncio.create_task(insert_and_wait())
    await wait_until_active(database, "SELECT pg_sleep(60)")
    caller.cancel()
    await asyncio.wait([caller], timeout=DEADLINE_SECONDS)

    assert caller.cancelled()
    assert await assistant_names(counted, tenant) == []
    rows = await database.call("SELECT state FROM pg_stat_activity WHERE pid = $1", used)
    assert rows[0]["state"] == "idle"
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_without_postgres_there_is_no_database(external_cluster: ExternalPostgres) -> None:
    external_cluster.stop()

    with pytest.raises(Unavailable, match="Try again"):
        await open_database(external(external_cluster.url(), as_app=False))
    with pytest.raises(Unavailable, match="Try again"):
        await connect_owner(external(external_cluster.url(), as_app=False))


async def test_a_pool_survives_a_restart_of_postgres(external_cluster: ExternalPostgres) -> None:
    database = await open_database(external(external_cluster.url(), as_app=False), connections_max=2)
    asked = asyncio.create_task(database.call("SELECT pg_sleep(60)"))
    await wait_until_active(database, "SELECT pg_sleep(60)")

    external_cluster.stop()

    with pytest.raises(Unavailable):
        await asked
    with pytest.raises(Unavailable):
        await database.call("SELECT 1")
    external_cluster.start()
    assert (await database.call("SELECT 1"))[0][0] == 1
    await database.close()


async def test_who_meets_a_stopping_postgres_is_told_to_try_again(
    counted: Database, proxy: PostgresProxy
) -> None:
    proxy.announce_the_end()
    for _ in range(3):  # passes of the event loop, in which the connection reads the announcement
        await asyncio.sleep(0)

    with pytest.raises(Unavailable):
        await counted.call("SELECT 1")


async def test_a_connection_that_postgres_ended_is_replaced(counted: Database) -> None:
    ended = await backend(counted)

    with pytest.raises(Unavailable):
        await counted.call("SELECT pg_terminate_backend(pg_backend_pid())")

    assert await backend(counted) != ended


async def test_closing_does_not_wait_forever_for_a_caller(
    database: Database, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "WAIT_SECONDS", 0.05)
    asked = asyncio.create_task(database.call("SELECT pg_sleep(60)"))
    await database.call("SELECT 1")

    await database.close()

    with pytest.raises(Unavailable):
        await asked


async def insert_assistant(connection: Connection, tenant: Tenant, name: str) -> None:
    await connection.execute(
        """
        INSERT INTO assistants (
            tenant_id, id, name, tok_k, embedding_provider, embedding_model_name, embedding_dims
        ) VALUES ($1, $2, $3, 1, 'x', 'x', 1)
        """,
        tenant.caller.tenant_id, new_id(), name,
    )  # fmt: skip


async def assistant_names(database: Database, tenant: Tenant) -> list[str]:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        return [row["name"] for row in await connection.fetch("SELECT name FROM assistants")]
