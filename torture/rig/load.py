"""A mixed load of clients that can be held still, and what the server has once they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from .clients import Book, Client
from .ledger import Ledger
from .oracle import Held
from .phases import Tally
from .stage import Stage
from .wire import Caller

_PAGE = 200


class Load:
    """Clients of several tenants, all at work, unless they are held still."""

    def __init__(self, clients: Sequence[Client]) -> None:
        """`working` makes one."""
        self._clients = clients
        self._goes_on = asyncio.Event()
        self._acting = 0
        self._rested = asyncio.Event()

    async def hold(self) -> None:
        """Let everybody finish what they do, and nobody begin anything."""
        self._goes_on.clear()
        while self._acting:
            self._rested.clear()
            await self._rested.wait()

    def let_go(self) -> None:
        """Have everybody at work again."""
        self._goes_on.set()

    async def _work(self, client: Client) -> None:
        while True:
            await self._goes_on.wait()
            self._acting += 1
            try:
                await client.act()
            finally:
                self._acting -= 1
                self._rested.set()

    @asynccontextmanager
    async def working(self) -> AsyncGenerator[None]:
        """Have everybody at work for as long as the block lasts."""
        tasks = [asyncio.create_task(self._work(client)) for client in self._clients]
        self.let_go()
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def callers_of(stage: Stage, name: str, tenants: int) -> dict[str, Caller]:
    """Return who calls for each of some fresh tenants."""
    return {f"{name}-{place}": await stage.caller(f"{name}-{place}") for place in range(tenants)}


def load_of(stage: Stage, callers: dict[str, Caller], clients: int, ledger: Ledger, tally: Tally) -> Load:
    """Return a load of clients, spread over the tenants."""
    tenants = list(callers)
    made: list[Client] = []
    for place in range(clients):
        tenant = tenants[place % len(tenants)]
        chance = stage.terms.chance(f"client {tenant} {place}")
        made.append(Client(f"{tenant}-{place}", callers[tenant], Book(tenant, ledger, tally), chance))
    return Load(made)


async def held_by(callers: dict[str, Caller]) -> list[Held]:
    """Return all that the server has for each tenant, as its API tells."""
    return [await _held(tenant, caller) for tenant, caller in callers.items()]


async def _held(tenant: str, caller: Caller) -> Held:
    threads = [thread["thread_id"] for thread in await _pages(caller, "/threads")]
    messages = {
        thread_id: (await caller.ask("GET", f"/threads/{thread_id}")).json()["messages"]
        for thread_id in threads
    }
    assistants = {made["assistant_id"]: made["name"] for made in await _pages(caller, "/assistants")}
    return Held(tenant, messages, assistants)


async def _pages(caller: Caller, path: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    while page := (await caller.ask("GET", f"{path}?limit={_PAGE}&skip={len(found)}")).json():
        found += page
    return found
