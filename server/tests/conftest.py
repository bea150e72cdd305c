"""What the server's tests share: one embedded Postgres for the whole run, and a tenant of its own for each test."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
from backboard_server.domain.keys import Caller
from backboard_server.store.address import Address
from backboard_server.store.database import Connection, Database, connect_owner, open_database
from backboard_server.store.embedded import EmbeddedPostgres
from backboard_server.store.keys import create_key
from backboard_server.store.migrate import migrate
from msgspec import Struct


class Tenant(Struct, frozen=True):
    """A tenant with its key."""

    caller: Caller
    secret: str


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("backboard") / "data"


@pytest.fixture(scope="session")
def postgres(data_dir: Path) -> Generator[EmbeddedPostgres]:
    postgres = EmbeddedPostgres(data_dir)
    postgres.start()
    yield postgres
    postgres.stop()


@pytest.fixture
async def owner_address(postgres: EmbeddedPostgres) -> Address:
    """The owner's way in, to a database that is migrated (which costs next to nothing when it was before)."""
    address = postgres.connection("owner")
    await migrate(address)
    return address


@pytest.fixture
async def owner(owner_address: Address) -> AsyncGenerator[Connection]:
    connection = await connect_owner(owner_address)
    yield connection
    await connection.close()


@pytest.fixture
async def database(owner_address: Address, postgres: EmbeddedPostgres) -> AsyncGenerator[Database]:
    database = await open_database(postgres.connection("app"))
    yield database
    await database.close()


@pytest.fixture
async def tenant(owner: Connection) -> Tenant:
    return await make_tenant(owner)


@pytest.fixture
async def other_tenant(owner: Connection) -> Tenant:
    return await make_tenant(owner)


async def make_tenant(owner: Connection) -> Tenant:
    key, secret = await create_key(owner, f"tenant {uuid.uuid4()}", "test")
    return Tenant(Caller(key.tenant_id, key.id), secret)
