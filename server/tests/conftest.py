"""What the server's tests share: one embedded Postgres for the run, and a tenant of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app_under_test import BODY_BYTES_MAX, VENDOR_KEY, client_of
from backboard_server.adapters import Adapters
from backboard_server.app import create_app
from backboard_server.bootstrap import open_adapters
from backboard_server.settings import Settings
from backboard_server.store.address import Address
from backboard_server.store.blobs import Blobs, open_blobs
from backboard_server.store.database import Connection, Database, connect_owner, open_database
from backboard_server.store.embedded import EmbeddedPostgres
from backboard_server.store.migrate import migrate
from fake_vendor import Answer, FakeVendor
from tenants import Tenant, make_tenant


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
def blobs(tmp_path: Path) -> Blobs:
    return open_blobs(None, tmp_path / "blobs")


@pytest.fixture
async def tenant(owner: Connection) -> Tenant:
    return await make_tenant(owner)


@pytest.fixture
async def other_tenant(owner: Connection) -> Tenant:
    return await make_tenant(owner)


@pytest.fixture
async def vendor() -> AsyncGenerator[FakeVendor]:
    """A vendor that answers `Hello from the vendor.` until it is given another script."""
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="Hello from the vendor."))
        yield vendor


@pytest.fixture
def settings(data_dir: Path, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings of a server in this process, for which the fake vendor plays OpenAI."""
    monkeypatch.setenv("OPENAI_API_KEY", VENDOR_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", vendor.base_url)
    return Settings(
        data_dir=data_dir, retry_base_seconds=0.01, drain_seconds=5, body_bytes_max=BODY_BYTES_MAX
    )


@pytest.fixture
async def adapters(owner_address: Address, settings: Settings) -> AsyncGenerator[Adapters]:
    """The real database, and models whose vendor is the fake one."""
    async with open_adapters(settings) as adapters:
        yield adapters


@pytest.fixture
async def app(owner_address: Address, settings: Settings) -> AsyncGenerator[FastAPI]:
    """The web application in this process."""
    app = create_app(settings)
    async with LifespanManager(app):
        yield app


@pytest.fixture
async def client(app: FastAPI, tenant: Tenant) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the application that calls as `tenant`."""
    async with client_of(app, tenant) as client:
        yield client
