"""Live lists: providers are asked for theirs, and running servers take up what was stored."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import date

from msgspec import Struct

from backboard_server.domain.errors import BackboardError
from backboard_server.domain.models import Model
from backboard_server.domain.ports import Catalogue
from backboard_server.store.database import Database
from backboard_server.store.listed_models import find_listing_time, list_listed_models

POLL_SECONDS = 30.0
ASK_SECONDS = 60.0  # for one provider, with all its pages
ASKED_AT_ONCE = 8

_log = logging.getLogger(__name__)


class Refreshed(Struct, frozen=True):
    """What came of asking one provider: how many models it lists, or why that is not known."""

    provider: str
    models: int = 0
    failure: str | None = None


async def refresh(
    catalogue: Catalogue, store: Callable[[str, Sequence[Model]], Awaitable[None]], today: date
) -> list[Refreshed]:
    """Ask every provider that can be asked and store what it lists; one that fails keeps its last list."""
    turn = asyncio.Semaphore(ASKED_AT_ONCE)
    storing = asyncio.Lock()  # one connection does one thing at a time

    async def one(provider: str) -> Refreshed:
        try:
            async with turn, asyncio.timeout(ASK_SECONDS):
                models = await catalogue.ask(provider, today)
            async with storing:
                await store(provider, models)
        except BackboardError as error:
            return Refreshed(provider, failure=error.message)
        except TimeoutError:
            return Refreshed(provider, failure=f"{provider} took longer than {ASK_SECONDS:g} s.")
        return Refreshed(provider, len(models))

    return list(await asyncio.gather(*(one(provider) for provider in catalogue.providers_to_ask())))


async def watch(database: Database, catalogue: Catalogue, *, poll_seconds: float = POLL_SECONDS) -> None:
    """Take up stored lists whenever they change, until cancelled; a database that is away is waited for.

    The catalogue is first read here, in a thread, so that no request has to wait for it.
    """
    await asyncio.to_thread(catalogue.models)
    taken: str | None = None
    while True:
        try:
            version = await find_listing_time(database)
            if version != taken:
                listed = await list_listed_models(database)
                await asyncio.to_thread(catalogue.lay_over, listed)
                taken = version
        except BackboardError as error:
            _log.warning("the lists of models could not be read: %s", error.message)
        await asyncio.sleep(poll_seconds)
