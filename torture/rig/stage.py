"""The stage of a programme: a server and its vendor, what is drawn from the seed, and what was found."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from msgspec import Struct

from backboard_server.store.database import connect_owner
from backboard_server.store.embedded import EmbeddedPostgres
from backboard_server.store.keys import create_key

from .server import Plan, Server, serving
from .vendor import Vendor
from .wire import Caller

# The vendor's pauses are never taken for failures, and MCP servers of this machine are let in.
_SETTINGS = {
    "OPENAI_API_KEY": "sk-torture",
    "BACKBOARD_PROVIDER_FIRST_BYTE_TIMEOUT_SECONDS": "600",
    "BACKBOARD_PROVIDER_WHOLE_ANSWER_TIMEOUT_SECONDS": "600",
    "BACKBOARD_PROVIDER_BETWEEN_CHUNKS_TIMEOUT_SECONDS": "600",
    "BACKBOARD_EGRESS_ALLOW": "127.0.0.1",
    "BACKBOARD_DRAIN_SECONDS": "2",
}


class Terms(Struct, frozen=True):
    """What a run of the programmes is given: where chance comes from, and how much of everything is done."""

    seed: int
    scale: float
    folder: Path

    def chance(self, subject: str) -> random.Random:
        """Return a source of chance that is the same for the same seed and subject."""
        return random.Random(f"{self.seed}:{subject}")

    def count(self, full: int, least: int = 1) -> int:
        """Return how many of something are done at this scale."""
        return max(least, round(full * self.scale))


Figure = int | float | str
Figures = dict[str, Figure | Mapping[str, Figure]]


class Outcome(Struct, frozen=True):
    """What a programme found: its figures, and a sentence for each thing that must not be."""

    figures: Figures
    violations: list[str]


class Stage(Struct, frozen=True):
    """A server that is ready, and all that plays on it."""

    terms: Terms
    vendor: Vendor
    server: Server

    async def caller(self, tenant: str, port: int | None = None) -> Caller:
        """Make a key for a tenant, and return who calls with it; at `port` is a proxy, if there is one."""
        postgres = EmbeddedPostgres(self.server.folder)
        try:
            owner = await connect_owner(postgres.connection("owner"))
            try:
                _, secret = await create_key(owner, tenant, "torture")
            finally:
                await owner.close()
        finally:
            postgres.stop()
        return Caller(port or self.server.port, secret)


@asynccontextmanager
async def staged(
    terms: Terms, name: str, *, web_processes: int = 2, vendor_url: str | None = None
) -> AsyncGenerator[Stage]:
    """Set a stage up, and leave nothing of it running; with `vendor_url` another vendor is asked."""
    async with AsyncExitStack() as stack:
        vendor = await stack.enter_async_context(Vendor())
        folder = terms.folder / name
        folder.mkdir(exist_ok=True)
        environment = _SETTINGS | {"OPENAI_BASE_URL": vendor_url or vendor.base_url}
        plan = Plan(folder=folder, web_processes=web_processes, environment=environment)
        server = await stack.enter_async_context(serving(plan))
        yield Stage(terms, vendor, server)
