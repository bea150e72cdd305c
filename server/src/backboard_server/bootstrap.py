"""The only place where settings meet adapters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from .adapters import Adapters, Limits
from .models.listed import watch
from .providers import EgressTimeouts, Providers
from .providers.configured import configured_rows
from .providers.outside import GuardedOutside
from .providers.table import Row
from .settings import Settings
from .store import address
from .store.address import Address
from .store.blobs import open_blobs
from .store.database import PooledConnection, open_database
from .store.embedded import EmbeddedPostgres
from .store.sealing import Sealer


def app_address(settings: Settings) -> Address:
    """Return how the application enters its database."""
    if settings.database_url:
        return address.external(settings.database_url, as_app=True)
    return EmbeddedPostgres(settings.data_dir).connection("app")


def own_rows(settings: Settings) -> tuple[Row, ...]:
    """Return the operator's own providers. Raises Invalid for what cannot be one."""
    return configured_rows(settings.config, settings.data_dir, settings.providers)


def open_models(settings: Settings) -> Providers:
    """Return every provider that is configured; closing it is the caller's. Raises what `own_rows` raises."""
    return Providers(
        os.environ,
        _timeouts(settings),
        rows=own_rows(settings),
        circuit_open_seconds=settings.provider_circuit_open_seconds,
    )


@asynccontextmanager
async def open_adapters(
    settings: Settings, *, connection_class: type[PooledConnection] = PooledConnection
) -> AsyncGenerator[Adapters]:
    """Connect this process to the world, and disconnect it at the end. Postgres runs and is migrated."""
    models = open_models(settings)
    outside = GuardedOutside(settings.egress_allow)
    database = await open_database(app_address(settings), connection_class=connection_class)
    watching = asyncio.create_task(watch(database, models.catalogue), name="watch listed models")
    try:
        yield Adapters(
            database=database,
            blobs=open_blobs(settings.blob_url, settings.data_dir / "blobs"),
            models=models,
            outside=outside,
            sealer=Sealer(settings.secret_keys, settings.data_dir.expanduser()),
            limits=Limits(
                history_messages_max=settings.history_messages_max,
                history_tokens_max=settings.history_tokens_max,
                retry_base_seconds=settings.retry_base_seconds,
            ),
        )
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await outside.aclose()
        await models.aclose()
        await database.close()


def _timeouts(settings: Settings) -> EgressTimeouts:
    return EgressTimeouts(
        connect_seconds=settings.provider_connect_timeout_seconds,
        first_byte_seconds=settings.provider_first_byte_timeout_seconds,
        whole_answer_seconds=settings.provider_whole_answer_timeout_seconds,
        between_chunks_seconds=settings.provider_between_chunks_timeout_seconds,
        thinking_factor=settings.provider_thinking_factor,
    )
