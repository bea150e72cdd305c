"""The owner's way into the database that the settings mean: the embedded one, or an external one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from backboard_server.settings import Settings
from backboard_server.store import address
from backboard_server.store.address import Address
from backboard_server.store.database import Connection, connect_owner
from backboard_server.store.embedded import EmbeddedPostgres
from backboard_server.store.migrate import migrate

Answer = TypeVar("Answer")


@contextmanager
def running_database(settings: Settings, *, on_lost: Callable[[], None]) -> Generator[Address]:
    """Run the embedded Postgres meanwhile, as the one server of its folder; an external one runs anyway."""
    if settings.database_url:
        yield address.external(settings.database_url, as_app=False)
        return
    postgres = EmbeddedPostgres(settings.data_dir, account=settings.postgres_account, on_lost=on_lost)
    postgres.start()
    try:
        yield postgres.connection("owner")
    finally:
        postgres.stop()


@contextmanager
def entered_database(settings: Settings) -> Generator[Address]:
    """Enter it for the duration of a command, beside a running server or without one."""
    if settings.database_url:
        yield address.external(settings.database_url, as_app=False)
        return
    with EmbeddedPostgres.attach(settings.data_dir, account=settings.postgres_account) as postgres:
        yield postgres.connection("owner")


def as_owner(settings: Settings, act: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    """Do something as the owner of the tables, for the duration of a command."""
    with entered_database(settings) as address:
        return asyncio.run(_act(address, act))


async def _act(address: Address, act: Callable[[Connection], Awaitable[Answer]]) -> Answer:
    await migrate(address)  # a command may come before the first start
    owner = await connect_owner(address)
    try:
        return await act(owner)
    finally:
        await owner.close()
