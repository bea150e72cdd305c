"""Models from the command line: what there is to call, and fresh lists from the providers themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from backboard_server.bootstrap import open_models
from backboard_server.domain.models import Model
from backboard_server.models.listed import Refreshed, refresh
from backboard_server.models.listing import Filters, select
from backboard_server.models.shown import ShownModel, show
from backboard_server.settings import Settings
from backboard_server.store.address import Address
from backboard_server.store.database import connect_owner
from backboard_server.store.listed_models import list_listed_models, replace_listed_models
from backboard_server.store.migrate import migrate

from .database import entered_database


def refresh_all(settings: Settings) -> list[Refreshed]:
    """Ask every provider that can be asked for its list, and store it. Servers take it up within a minute."""
    with entered_database(settings) as address:
        return asyncio.run(_refresh(settings, address))


def list_all(settings: Settings, provider: str | None) -> list[ShownModel]:
    """Return the models of one provider or of all, with those that were listed live."""
    with entered_database(settings) as address:
        return asyncio.run(_list(settings, address, provider))


async def _refresh(settings: Settings, address: Address) -> list[Refreshed]:
    await migrate(address)  # there may have been no start before
    models, owner = open_models(settings), await connect_owner(address)

    async def store(provider: str, listed: Sequence[Model]) -> None:
        await replace_listed_models(owner, provider, listed)

    try:
        return await refresh(models.catalogue, store, datetime.now(UTC).date())
    finally:
        await owner.close()
        await models.aclose()


async def _list(settings: Settings, address: Address, provider: str | None) -> list[ShownModel]:
    await migrate(address)
    models, owner = open_models(settings), await connect_owner(address)
    try:
        models.catalogue.lay_over(await list_listed_models(owner))
    finally:
        await owner.close()
        await models.aclose()
    usable = models.usable_providers()
    found = select(models.catalogue, Filters(provider=provider))
    return [show(model, models.catalogue, usable) for model in found]
