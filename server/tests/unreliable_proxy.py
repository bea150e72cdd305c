"""A proxy in front of a Postgres whose answers come late, or never though the statement was carried out."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec.structs import replace

from backboard_server.domain.ids import new_id
from backboard_server.store.address import Address
from backboard_server.store.database import Database, open_database
from backboard_server.store.run_logs import SyncRuns, sync_runs
from postgres_proxy import PostgresProxy


class UnreliableProxy(PostgresProxy):
    """Answers are passed on as they come, until it is told otherwise."""

    def __init__(self, address: Address) -> None:
        """`address` is where callers connect instead."""
        super().__init__(address)
        self.is_silent = asyncio.Event()
        self._answers_pass = asyncio.Event()
        self._answers_pass.set()
        self._loses_the_next = False

    def hold(self) -> None:
        """Keep answers back from now on; `is_silent` is set once there is one."""
        self.is_silent.clear()
        self._answers_pass.clear()

    def let_go(self) -> None:
        """Pass on what was kept back, and what comes."""
        self._answers_pass.set()

    def lose_the_next_answer(self) -> None:
        """End the connection in place of the next answer."""
        self._loses_the_next = True

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        between = asyncio.StreamReader()
        passing = asyncio.create_task(super()._answer(between, writer))
        try:
            while answer := await reader.read(1 << 16):
                if self._loses_the_next:
                    self._loses_the_next = False
                    return
                if not self._answers_pass.is_set():
                    self.is_silent.set()
                    await self._answers_pass.wait()
                between.feed_data(answer)
        finally:
            between.feed_eof()
            await passing


@asynccontextmanager
async def unreliable(target: Address) -> AsyncGenerator[UnreliableProxy]:
    """Run a proxy in front of `target`, which is reached by a Unix socket."""
    tasks: set[asyncio.Task[None]] = set()
    with tempfile.TemporaryDirectory(prefix="proxy") as folder:
        proxy = UnreliableProxy(replace(target, host=folder))

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(proxy.relay(target, reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_unix_server(accept, Path(folder, f".s.PGSQL.{target.port}"))
        try:
            yield proxy
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def by_way_of(proxy: UnreliableProxy) -> AsyncGenerator[Database]:
    """Enter the database by way of the proxy, on one connection that knows the journal's statement."""
    database = await open_database(proxy.address, connections_max=1)
    for _ in range(2):
        await sync_runs(database, new_id(), SyncRuns())
    yield database
    await database.close()
