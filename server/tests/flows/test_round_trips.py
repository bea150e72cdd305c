"""What a message waits for: exchanges with Postgres, counted on the wire, BEGIN and COMMIT included."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from msgspec import Struct

from app_under_test import VENDOR_KEY, client_of
from backboard_server.api import edge
from backboard_server.app import create_app
from backboard_server.domain.ids import new_id
from backboard_server.runs import journal as journals
from backboard_server.settings import Settings
from backboard_server.store.address import Address
from backboard_server.store.database import Connection
from backboard_server.store.embedded import EmbeddedPostgres
from fake_vendor import FakeVendor
from fake_vendor.server import Recorded
from postgres_proxy import PostgresProxy, proxied
from tenants import Tenant

MESSAGES = 2_000


class Exchanges(Struct, frozen=True):
    """How often one message asked Postgres and waited for the answer."""

    before_vendor: int
    in_all: int


class CountedRequests(deque[Recorded]):
    """What the vendor was asked, and how many exchanges there had been by then."""

    def __init__(self, proxy: PostgresProxy) -> None:
        super().__init__()
        self._proxy = proxy
        self.exchanges_by_then = 0

    def append(self, recorded: Recorded, /) -> None:
        self.exchanges_by_then = self._proxy.exchanges
        super().append(recorded)


@pytest.fixture
async def proxy(owner_address: Address, postgres: EmbeddedPostgres) -> AsyncGenerator[PostgresProxy]:
    async with proxied(postgres.connection("app")) as proxy:
        yield proxy


@pytest.fixture
async def app(
    proxy: PostgresProxy, data_dir: Path, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[FastAPI]:
    """The web application, on a database that it reaches through the proxy."""
    monkeypatch.setenv("OPENAI_API_KEY", VENDOR_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", vendor.base_url)
    # A run that takes longer than a round, on a machine that is busy, is written to the log meanwhile.
    monkeypatch.setattr(journals, "ROUND_SECONDS", 3_600.0)
    app = create_app(Settings(data_dir=data_dir, database_url=url_of(proxy.address)))
    async with LifespanManager(app):
        yield app


@pytest.fixture
async def warm_app(app: FastAPI, other_tenant: Tenant) -> FastAPI:
    """The application after messages of somebody else: connected and prepared, yet our key is not known."""
    async with client_of(app, other_tenant) as client:
        for _ in range(2):
            await send(client, "/threads/messages", {"content": "Warm up"})
    return app


@pytest.fixture
async def long_thread(owner: Connection, tenant: Tenant) -> str:
    """A thread of 2,000 messages, nothing of it summarised."""
    tenant_id, assistant_id, thread_id = tenant.caller.tenant_id, new_id(), new_id()
    async with owner.transaction():
        await owner.execute("SELECT set_config('backboard.tenant_id', $1, true)", str(tenant_id))
        await owner.execute(
            "INSERT INTO assistants (tenant_id, id, name, tok_k, embedding_provider, embedding_model_name,"
            " embedding_dims) VALUES ($1, $2, 'Bot', 10, 'openai', 'text-embedding-3-large', 3072)",
            tenant_id, assistant_id,
        )  # fmt: skip
        await owner.execute(
            "INSERT INTO threads (tenant_id, id, assistant_id, message_count) VALUES ($1, $2, $3, $4)",
            tenant_id, thread_id, assistant_id, MESSAGES,
        )  # fmt: skip
        await owner.execute(
            "INSERT INTO messages (tenant_id, id, thread_id, sequence, role, content, status, tokens)"
            " SELECT $1, gen_random_uuid(), $2, n, CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,"
            " 'Message ' || n, 'COMPLETED', 8 FROM generate_series(1, $3::integer) AS n",
            tenant_id, thread_id, MESSAGES,
        )  # fmt: skip
    return str(thread_id)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_message_asks_postgres_twice_before_the_vendor_and_three_times_in_all(
    warm_app: FastAPI, proxy: PostgresProxy, vendor: FakeVendor, tenant: Tenant, stream: bool
) -> None:
    message = {"content": "Hi", "stream": stream}

    async with client_of(warm_app, tenant) as client:
        exchanges = await counted(client, proxy, vendor, "/threads/messages", message)

    assert exchanges == Exchanges(before_vendor=2, in_all=3)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_a_long_thread_asks_no_more_often(
    warm_app: FastAPI,
    proxy: PostgresProxy,
    vendor: FakeVendor,
    tenant: Tenant,
    long_thread: str,
    stream: bool,
) -> None:
    message = {"content": "Hi", "stream": stream}

    async with client_of(warm_app, tenant) as client:
        exchanges = await counted(client, proxy, vendor, f"/threads/{long_thread}/messages", message)

    assert exchanges == Exchanges(before_vendor=2, in_all=3)
    assert len(vendor.requests[-1].body["messages"]) > 50


@pytest.mark.parametrize("memory", ["Auto", "Readonly"])
async def test_a_message_with_memory_asks_once_more(
    warm_app: FastAPI, proxy: PostgresProxy, vendor: FakeVendor, tenant: Tenant, memory: str
) -> None:
    async with client_of(warm_app, tenant) as client:
        exchanges = await counted(
            client, proxy, vendor, "/threads/messages", {"content": "Hi", "memory": memory}
        )

    assert exchanges == Exchanges(before_vendor=3, in_all=4)


async def test_a_key_that_is_known_saves_one_exchange(
    warm_app: FastAPI,
    proxy: PostgresProxy,
    vendor: FakeVendor,
    tenant: Tenant,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(edge, "KEY_CACHE_SECONDS", 60.0)  # however slow the machine is

    async with client_of(warm_app, tenant) as client:
        await counted(client, proxy, vendor, "/threads/messages", {"content": "Hi"})
        exchanges = await counted(client, proxy, vendor, "/threads/messages", {"content": "Hi again"})

    assert exchanges == Exchanges(before_vendor=1, in_all=2)


async def counted(
    client: httpx.AsyncClient, proxy: PostgresProxy, vendor: FakeVendor, path: str, message: dict[str, Any]
) -> Exchanges:
    """Send a message and return what it cost."""
    vendor.requests = requests = CountedRequests(proxy)
    before = proxy.exchanges
    await send(client, path, message)
    exchanges = Exchanges(requests.exchanges_by_then - before, proxy.exchanges - before)
    print(f"{path} {message}: {exchanges}")  # noqa: T201 - the figures are what one runs this with -s for
    assert len(requests) == 1
    return exchanges


async def send(client: httpx.AsyncClient, path: str, message: dict[str, Any]) -> None:
    response = await client.post(path, json=message)
    assert response.status_code == 200, response.text


def url_of(address: Address) -> str:
    """Return the address of a Unix socket as BACKBOARD_DATABASE_URL takes it."""
    entry = f"{address.user}:{quote(address.password or '', safe='')}"
    return f"postgresql://{entry}@/{address.database}?host={quote(address.host or '')}&port={address.port}"
