"""Memory as a benchmark talks to it: over HTTP, as an application does, with nothing but `httpx`."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct

from .processes import Server, data_folder, serving, vendor

DATA = Path(os.environ.get("BACKBOARD_BENCHMARK_DATA", Path(__file__).parents[3] / "shared" / "data"))
_AT_ONCE_MAX = 8
_NO_FACTS = '{"facts": []}'


class Keeper(Struct, frozen=True):
    """A server whose memory is measured."""

    client: httpx.AsyncClient

    async def assistant(self) -> str:
        """Make an assistant, which is a scope of its own, and return its id."""
        return (await self.post("/assistants", {"name": "Keeper"}))["assistant_id"]

    async def say(self, body: dict[str, Any]) -> dict[str, Any]:
        """Let a message be remembered, as it is said and no more."""
        return await self.post("/threads/messages", {"memory": "Auto", "send_to_llm": False} | body)

    async def search(self, assistant: str, query: str, limit: int) -> list[dict[str, Any]]:
        """Return what is found, best first."""
        path = f"/assistants/{assistant}/memories/search"
        return (await self.post(path, {"query": query, "limit": limit}))["memories"]

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for something. Raises httpx.HTTPStatusError."""
        response = await self.client.post(path, json=body)
        response.raise_for_status()
        return response.json()


@asynccontextmanager
async def keeping() -> AsyncGenerator[Keeper]:
    """Run a server with an empty memory; the model that it asks finds no facts."""
    with vendor() as far_end, data_folder() as folder, serving(folder, far_end.base_url) as server:
        far_end.script(text=_NO_FACTS)
        async with _client(server) as client:
            yield Keeper(client)


async def at_once(calls: Sequence[Any]) -> list[Any]:
    """Await coroutines, several at a time, and return their results in order."""
    places = asyncio.Semaphore(_AT_ONCE_MAX)

    async def placed(call: Any) -> Any:
        async with places:
            return await call

    return await asyncio.gather(*map(placed, calls))


async def seconds_of(call: Any) -> float:
    """Await a coroutine and return how long it took."""
    started = time.perf_counter()
    await call
    return time.perf_counter() - started


def _client(server: Server) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{server.base_url}/api", headers={"X-API-Key": server.api_key}, timeout=60.0
    )
