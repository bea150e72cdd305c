"""What the tests of runs share: processes on one database, and a journal whose way to it can be cut."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from backboard_server.adapters import Adapters
from backboard_server.runs import journal as journals
from backboard_server.runs.journal import Journal
from backboard_server.runs.live import LiveRuns
from backboard_server.store.address import Address
from backboard_server.store.database import Database
from backboard_server.store.embedded import EmbeddedPostgres
from replica import Replica, replica
from unreliable_proxy import UnreliableProxy, by_way_of, unreliable

NEVER_SECONDS = 3_600.0


@pytest.fixture
async def process(adapters: Adapters) -> AsyncGenerator[Replica]:
    """A process of the server."""
    async with replica(adapters) as process:
        yield process


@pytest.fixture
async def other(adapters: Adapters) -> AsyncGenerator[Replica]:
    """Another process on the same database."""
    async with replica(adapters) as process:
        yield process


@pytest.fixture
async def journal(database: Database) -> AsyncGenerator[Journal]:
    """A journal that is kept."""
    journal = Journal(database, LiveRuns())
    async with journal.running():
        yield journal


@pytest.fixture
def no_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal waits until it has to hurry."""
    monkeypatch.setattr(journals, "ROUND_SECONDS", NEVER_SECONDS)


@pytest.fixture
async def proxy(owner_address: Address, postgres: EmbeddedPostgres) -> AsyncGenerator[UnreliableProxy]:
    """A way to the database that can be cut."""
    async with unreliable(postgres.connection("app")) as proxy:
        yield proxy


@pytest.fixture
async def far_database(proxy: UnreliableProxy) -> AsyncGenerator[Database]:
    """The database by that way."""
    async with by_way_of(proxy) as database:
        yield database
