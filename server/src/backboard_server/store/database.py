"""The way into Postgres: a pool whose transactions belong to one tenant, and calls of one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING
from uuid import UUID

import asyncpg

from backboard_server.domain.errors import (
    BackboardError,
    BudgetSpent,
    Conflict,
    Invalid,
    NotFound,
    Unavailable,
)

from .address import Address

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Driver = asyncpg.Connection[asyncpg.Record]
    Connection = Driver | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:  # the driver's classes are generic to the type checker only
    Driver = Connection = asyncpg.Connection

CONNECTIONS_MAX = 8  # per process: past this, two cores of Postgres queue inside rather than work faster
WAIT_SECONDS = 5.0  # for a connection, before the caller is told to try again later
STATEMENT_SECONDS = 30.0
_DEADLOCKS_MAX = 2  # of one statement, before its caller is told to try again later

# What our SQL functions raise, by the SQLSTATE that they raise it with: the kind, and a code of its own.
_RAISED: dict[str, tuple[type[BackboardError], str | None]] = {
    "BB400": (Invalid, None),
    "BB402": (BudgetSpent, None),
    "BB404": (NotFound, None),
    "BB409": (Conflict, None),
    "BB419": (Conflict, "idempotency_key_reused"),
    "BB429": (Conflict, "run_active"),
}

_AWAY = (
    OSError,
    asyncio.TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection in use that has been told to end, and has not ended yet
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
)


class PooledConnection(Driver):
    """A connection of the pool; nothing here outlives its transaction."""

    async def reset(self, *, timeout: float | None = None) -> None:
        """Roll back what an error or a cancelled caller left open; anything more would cost a round trip."""
        if self.is_in_transaction():
            await self.execute("ROLLBACK", timeout=timeout)


class Database:
    """The application's side of Postgres: entered as a role that row-level security binds."""

    def __init__(self, pool: Pool) -> None:
        """`pool` is opened by `open_database`, which is how one is made."""
        self._pool = pool

    @asynccontextmanager
    async def tenant(self, tenant_id: UUID) -> AsyncGenerator[Connection]:
        """Run a transaction that sees this tenant's rows and no others.

        Round trips: one to begin, one to commit, and those of the statements. Raises Unavailable when
        Postgres is away, and Invalid for text that it cannot store.
        """
        # A transaction that was left open by an error is rolled back when the pool takes the connection back.
        with _translated():
            async with self._pool.acquire(timeout=WAIT_SECONDS) as connection:
                # One simple query begins and sets the tenant; a UUID prints as hexadecimal and nothing else.
                await connection.execute(f"BEGIN; SET LOCAL backboard.tenant_id = '{tenant_id}'")
                yield connection
                await connection.execute("COMMIT")

    async def call(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement by itself: a SQL function that sets the tenant, or needs none. One round trip.

        A statement that Postgres gives up for the sake of another one, in a deadlock, has done nothing: it is
        run again.
        """
        with _translated():
            for _ in range(_DEADLOCKS_MAX):
                with suppress(asyncpg.DeadlockDetectedError):
                    return await self._fetch(query, *arguments)
            return await self._fetch(query, *arguments)

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        async with self._pool.acquire(timeout=WAIT_SECONDS) as connection:
            return await connection.fetch(query, *arguments)

    async def close(self) -> None:
        """Close every connection; those in use are waited for, briefly."""
        try:
            await asyncio.wait_for(self._pool.close(), WAIT_SECONDS)
        except TimeoutError:
            self._pool.terminate()


@contextmanager
def _translated() -> Generator[None]:
    """Turn what Postgres and its driver raise into the kinds of failure that the rings above know."""
    try:
        yield
    except _AWAY as error:
        raise Unavailable(
            "The database cannot be reached at the moment. Try again in a few seconds."
        ) from error
    except asyncpg.InsufficientResourcesError as error:
        raise Unavailable(
            "The database has run out of disk space or memory, and nothing was stored. Make room on its "
            "machine, then try again."
        ) from error
    except asyncpg.DataError as error:
        raise Invalid(
            "The request holds what cannot be stored, such as a NUL character in a text or a number out of "
            "range. Remove it and try again."
        ) from error
    except asyncpg.ForeignKeyViolationError as error:
        raise NotFound("What the request is about was deleted at the same moment.") from error
    except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError) as error:
        raise Conflict("Another request changed the same thing at the same moment. Try again.") from error
    except asyncpg.PostgresError as error:
        raised = _RAISED.get(error.sqlstate or "")
        if raised is None:
            raise
        kind, code = raised
        raise kind(str(error), code=code) from error


async def open_database(
    address: Address,
    *,
    connection_class: type[PooledConnection] = PooledConnection,
    connections_max: int = CONNECTIONS_MAX,
) -> Database:
    """Connect as the application. Raises Unavailable if Postgres is not there."""
    with _translated():
        pool = await asyncpg.create_pool(
            min_size=1,
            max_size=connections_max,
            max_inactive_connection_lifetime=0,
            command_timeout=STATEMENT_SECONDS,
            connection_class=connection_class,
            **address.connect_arguments(),
        )
    return Database(pool)


async def connect_owner(address: Address) -> Connection:
    """Connect as the owner of the tables: for migrations and for the command line, never for requests."""
    with _translated():
        return await asyncpg.connect(**address.connect_arguments())
