"""Bringing a database to this release, of an external Postgres as any operator may have it."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.domain.ids import new_id
from backboard_server.store import migrate as migrate_module
from backboard_server.store.address import APP_ROLE, Address, external
from backboard_server.store.database import Connection, connect_owner, open_database
from backboard_server.store.migrate import migrate, scripts
from external_postgres import SUPERUSER, ExternalPostgres, external_postgres

ALL = [script.name for script in scripts()]


@pytest.fixture(scope="module")
def started_cluster() -> Generator[ExternalPostgres]:
    with external_postgres() as cluster:
        yield cluster


@pytest.fixture
async def cluster(started_cluster: ExternalPostgres) -> ExternalPostgres:
    """A cluster without any database or role but those that initdb makes."""
    connection = await connect_owner(external(started_cluster.url(), as_app=False))
    left = await connection.fetch(
        """
        SELECT format('DROP DATABASE %I WITH (FORCE)', datname) AS statement
        FROM pg_database WHERE datname NOT IN ('postgres', 'template0', 'template1')
        UNION ALL
        SELECT format('DROP ROLE %I', rolname) FROM pg_roles WHERE rolname <> $1 AND rolname !~ '^pg_'
        """,
        SUPERUSER,
    )
    for row in left:
        await connection.execute(row["statement"])
    await connection.close()
    return started_cluster


@pytest.fixture
def bare_cluster() -> Generator[ExternalPostgres]:
    """A Postgres of the system, which has pgvector only where somebody installed it."""
    programs = Path("/usr/lib/postgresql/15/bin")
    if not programs.exists():
        pytest.skip("There is no Postgres 15 of the system here")
    if Path("/usr/share/postgresql/15/extension/vector.control").exists():
        pytest.skip("The Postgres 15 of the system has pgvector")
    with external_postgres(programs) as cluster:
        yield cluster


@pytest.fixture
async def address(cluster: ExternalPostgres) -> Address:
    """The superuser's way into an empty database."""
    await as_superuser(cluster, "CREATE DATABASE empty")
    return external(cluster.url("empty"), as_app=False)


@pytest.fixture
async def connection(address: Address) -> AsyncGenerator[Connection]:
    connection = await connect_owner(address)
    yield connection
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of this release's scripts, for a test to change."""
    for kind in ("migrations", "routines"):
        shutil.copytree(Path(migrate_module.__file__).parent / kind, tmp_path / kind)
    return tmp_path


async def as_superuser(cluster: ExternalPostgres, *statements: str, database: str = "postgres") -> None:
    connection = await connect_owner(external(cluster.url(database), as_app=False))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def tables(connection: Connection) -> set[str]:
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'backboard'")
    return {row["tablename"] for row in rows}


def test_migrations_run_by_number_and_before_routines(folder: Path) -> None:
    (folder / "migrations" / "9999_more.sql").write_text("SELECT 1;")

    names = [script.name for script in scripts(folder)]

    migrations = [name for name in ALL if name.startswith("migrations/")]
    assert names[: len(migrations) + 1] == [*sorted(migrations), "migrations/9999_more"]
    assert names[len(migrations) + 1 :] == sorted(name for name in ALL if name.startswith("routines/"))


async def test_an_empty_database_gets_everything(address: Address, connection: Connection) -> None:
    ran = await migrate(address)

    assert ran == ALL
    assert {"assistants", "threads", "messages", "applied_scripts"} <= await tables(connection)


async def test_a_database_of_the_first_release_keeps_its_rows(
    address: Address, connection: Connection, folder: Path
) -> None:
    for script in (folder / "migrations").glob("*.sql"):
        if script.stem != "0001_initial":
            script.unlink()
    shutil.rmtree(folder / "routines")
    await migrate(address, folder=folder)
    tenant_id, assistant_id = new_id(), new_id()
    await connection.execute("SELECT set_config('backboard.tenant_id', $1, false)", str(tenant_id))
    await connection.execute("INSERT INTO backboard.tenants (tenant_id, name) VALUES ($1, 'old')", tenant_id)
    await connection.execute(
        """
        INSERT INTO backboard.assistants (
            tenant_id, id, name, tok_k, embedding_provider, embedding_model_name, embedding_dims
        ) VALUES ($1, $2, 'kept', 1, 'x', 'x', 1)
        """,
        tenant_id, assistant_id,
    )  # fmt: skip

    ran = await migrate(address)

    assert "migrations/0002_models_and_money" in ran
    row = await connection.fetchrow(
        "SELECT name, fallbacks FROM backboard.assistants WHERE tenant_id = $1 AND id = $2",
        tenant_id, assistant_id,
    )  # fmt: skip
    assert row is not None
    assert (row["name"], row["fallbacks"]) == ("kept", None)


async def test_the_second_time_nothing_is_pending(address: Address) -> None:
    await migrate(address)

    assert await migrate(address, check_only=True) == []
    assert await migrate(address) == []


async def test_a_check_tells_what_is_pending_and_changes_nothing(
    address: Address, connection: Connection
) -> None:
    assert await migrate(address, check_only=True) == ALL

    assert await connection.fetchval("SELECT to_regnamespace('backboard')") is None
    assert not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')")


async def test_a_migration_that_was_edited_after_it_ran_is_refused(address: Address, folder: Path) -> None:
    await migrate(address)
    edited = folder / "migrations" / "0001_initial.sql"
    edited.write_text(edited.read_text() + "\n-- an afterthought\n")

    for check_only in (True, False):
        with pytest.raises(Invalid, match="0001_initial was changed after it ran"):
            await migrate(address, check_only=check_only, folder=folder)


async def test_a_database_of_a_later_release_is_refused(address: Address, folder: Path) -> None:
    (folder / "migrations" / "9999_later.sql").write_text("CREATE TABLE backboard.later (tenant_id uuid);")
    await migrate(address, folder=folder)

    with pytest.raises(Invalid, match=re.escape("later release (migrations/9999_later)")):
        await migrate(address)


async def test_a_routine_that_changed_is_replaced(
    address: Address, connection: Connection, folder: Path
) -> None:
    routine = folder / "routines" / "answer.sql"
    sql = "CREATE OR REPLACE FUNCTION backboard.answer() RETURNS integer LANGUAGE sql AS 'SELECT {}';"
    routine.write_text(sql.format(41))
    await migrate(address, folder=folder)
    routine.write_text(sql.format(42))

    ran = await migrate(address, folder=folder)

    assert ran == ["routines/answer"]
    assert await connection.fetchval("SELECT backboard.answer()") == 42
    assert await migrate(address, folder=folder) == []


async def test_a_migration_that_fails_leaves_nothing_behind_and_runs_again_when_mended(
    address: Address, connection: Connection, folder: Path
) -> None:
    broken = folder / "migrations" / "9999_broken.sql"
    broken.write_text("CREATE TABLE backboard.half (tenant_id uuid); SELECT 1 / 0;")
    with pytest.raises(Exception, match="division by zero"):
        await migrate(address, folder=folder)
    assert "half" not in await tables(connection)

    broken.write_text("CREATE TABLE backboard.whole (tenant_id uuid);")
    ran = await migrate(address, folder=folder)

    assert ran[0] == "migrations/9999_broken"
    assert "whole" in await tables(connection)


async def test_two_servers_that_start_at_once_migrate_one_after_the_other(address: Address) -> None:
    ran = await asyncio.gather(migrate(address), migrate(address))

    assert sorted(ran) == [[], ALL]


async def test_requests_run_as_the_application_on_a_database_given_by_one_url(
    address: Address, cluster: ExternalPostgres
) -> None:
    await migrate(address)

    database = await open_database(external(cluster.url("empty"), as_app=True))
    rows = await database.call("SELECT session_user AS entered, current_user AS acts")
    await database.close()

    assert dict(rows[0].items()) == {"entered": SUPERUSER, "acts": APP_ROLE}


async def test_an_ordinary_owner_who_may_make_roles_needs_no_superuser(cluster: ExternalPostgres) -> None:
    await as_superuser(
        cluster,
        "CREATE ROLE maker LOGIN CREATEROLE",
        "CREATE DATABASE shop OWNER maker",
    )
    await as_superuser(cluster, "CREATE EXTENSION vector", database="shop")
    url = cluster.url("shop", "maker")

    assert await migrate(external(url, as_app=False)) == ALL

    database = await open_database(external(url, as_app=True))
    rows = await database.call("SELECT session_user AS entered, current_user AS acts")
    await database.close()
    assert dict(rows[0].items()) == {"entered": "maker", "acts": APP_ROLE}


async def test_a_user_who_may_not_make_roles_is_told_what_to_run(cluster: ExternalPostgres) -> None:
    await as_superuser(
        cluster,
        "CREATE ROLE plain LOGIN",
        "CREATE DATABASE plain OWNER plain",
    )
    await as_superuser(cluster, "CREATE EXTENSION vector", database="plain")
    address = external(cluster.url("plain", "plain"), as_app=False)

    with pytest.raises(Invalid) as refusal:
        await migrate(address)

    told = refusal.value.message.partition("run: ")[2]
    assert told == f'CREATE ROLE {APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO "plain";'
    await as_superuser(cluster, told)
    assert await migrate(address) == ALL


async def test_a_user_who_may_not_make_the_extension_is_told_what_to_run(cluster: ExternalPostgres) -> None:
    await as_superuser(
        cluster,
        "CREATE ROLE bare LOGIN CREATEROLE",
        "CREATE DATABASE bare OWNER bare",
    )
    address = external(cluster.url("bare", "bare"), as_app=False)

    with pytest.raises(Invalid, match="CREATE EXTENSION vector;") as refusal:
        await migrate(address)

    await as_superuser(cluster, refusal.value.message.partition("database: ")[2], database="bare")
    assert await migrate(address) == ALL


async def test_a_pgvector_that_is_too_old_is_refused(address: Address, connection: Connection) -> None:
    await connection.execute("CREATE EXTENSION vector")
    await connection.execute("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'")

    with pytest.raises(Invalid, match=re.escape("pgvector 0.7.4 is too old")):
        await migrate(address)


async def test_a_postgres_without_pgvector_is_refused(bare_cluster: ExternalPostgres) -> None:
    with pytest.raises(Invalid, match="has no pgvector"):
        await migrate(external(bare_cluster.url(), as_app=False))


async def test_a_postgres_that_is_too_old_is_refused(
    address: Address, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate_module, "POSTGRES_VERSION_MIN", 99)

    with pytest.raises(Invalid, match="needs 99 or later"):
        await migrate(address)

    assert await connection.fetchval("SELECT to_regnamespace('backboard')") is None
