"""One process of the server as tests play it: its runs and its journal, without a web server around them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.messages import SendMessage
from backboard_server.domain.runs import Run
from backboard_server.domain.threads import Thread
from backboard_server.runs.accept import AcceptedMessage, accept_message
from backboard_server.runs.journal import Journal
from backboard_server.runs.live import LiveRun, LiveRuns
from backboard_server.runs.recover import recover_lost_runs
from backboard_server.runs.run import run_message
from backboard_server.store import runs, threads
from backboard_server.store.database import Connection
from tenants import Tenant
from waiting import wait_until


class Sent(Struct, frozen=True):
    """A message that was taken, and its run."""

    accepted: AcceptedMessage
    live: LiveRun

    @property
    def run_id(self) -> UUID:
        assert self.accepted.run is not None
        return self.accepted.run.run_id

    @property
    def thread_id(self) -> UUID:
        return UUID(self.accepted.ids.thread_id)


class Replica:
    """A process; several on one database are replicas of each other."""

    def __init__(self, adapters: Adapters) -> None:
        self.adapters = adapters
        self.live = LiveRuns()
        self.journal = Journal(adapters.database, self.live)

    async def send(self, tenant: Tenant, content: str = "Hi", **fields: Any) -> Sent:
        """Take a message and start its run."""
        asked: dict[str, Any] = {"stream": True} | fields
        message = SendMessage(content=content, **asked)
        accepted = await accept_message(self.adapters, tenant.caller, message, [])
        run = accepted.run
        assert run is not None
        live = LiveRun(run_message(self.adapters, accepted), run.log, has_reader=True)
        self.journal.start(live, tenant_id=tenant.caller.tenant_id, run_id=run.run_id, epoch=run.epoch)
        return Sent(accepted, live)

    async def take_over(self, owner: Connection, sent: Sent) -> None:
        """Let the lease of another process's run end, which renews it meanwhile, until the run is here."""
        query = "SELECT epoch FROM runs WHERE id = $1"
        before = await owner.fetchval(query, sent.run_id)

        async def is_taken() -> bool:
            await let_lease_run_out(owner, sent)
            await recover_lost_runs(self.adapters, self.journal)
            return await owner.fetchval(query, sent.run_id) > before

        await wait_until(is_taken)

    def lose(self, sent: Sent) -> None:
        """Lose a run as a process that is killed does: nothing more is written of it, and nobody is told."""
        sent.live.stop("taken_over")

    async def stored(self, tenant: Tenant, sent: Sent) -> Run:
        """Return a run as it is stored."""
        return await runs.get_run(
            self.adapters.database, tenant.caller.tenant_id, sent.thread_id, sent.run_id
        )

    async def thread(self, tenant: Tenant, sent: Sent) -> Thread:
        """Return the thread of a run."""
        return await threads.get_thread(self.adapters.database, tenant.caller.tenant_id, sent.thread_id)

    async def wait_for_status(self, tenant: Tenant, sent: Sent, *statuses: str) -> Run:
        """Wait until a run has one of these statuses, and return it."""

        async def has_one() -> bool:
            return (await self.stored(tenant, sent)).status in statuses

        await wait_until(has_one)
        return await self.stored(tenant, sent)


@asynccontextmanager
async def replica(adapters: Adapters) -> AsyncGenerator[Replica]:
    """Run a process; its runs are ended with it."""
    process = Replica(adapters)
    async with process.journal.running():
        yield process
        await process.live.drain(0)


async def let_lease_run_out(owner: Connection, sent: Sent) -> None:
    """Let the time pass after which a process that is silent has lost its run."""
    await owner.execute(
        "UPDATE runs SET lease_until = now() - INTERVAL '1 second' WHERE id = $1", sent.run_id
    )
