"""The web application: routers, failures and limits, around one process's adapters."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute

from . import __version__
from .api import (
    assistants,
    budgets,
    errors,
    health,
    memories,
    messages,
    models,
    provider_keys,
    receipts,
    replays,
    runs,
    threads,
    usage,
    webhooks,
)
from .api.edge import Edge, KeyCache
from .api.frame import PREFIX, Frame
from .bootstrap import open_adapters
from .runs.journal import Journal
from .runs.live import LiveRuns
from .settings import Settings
from .store.database import PooledConnection

_DESCRIPTION = """\
The state of LLM applications behind one API. Every path is served under `/api`
and at the root alike. Authenticate with the header `X-API-Key`; keys are made by `backboard keys create`.
"""


def create_app(
    settings: Settings | None = None, *, connection_class: type[PooledConnection] = PooledConnection
) -> FastAPI:
    """Return the ASGI application. Settings come from the environment unless they are given."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with open_adapters(settings, connection_class=connection_class) as adapters:
            live = LiveRuns()
            journal = Journal(adapters.database, live)
            app.state.edge = Edge(adapters, live, journal, KeyCache())
            async with journal.running():
                yield
                await live.drain(settings.drain_seconds)

    app = FastAPI(
        title="Backboard",
        version=__version__,
        description=_DESCRIPTION,
        servers=[{"url": PREFIX}, {"url": "/"}],
        lifespan=lifespan,
        redirect_slashes=False,  # a redirect would lose the prefix; it is a 404 that says so
        generate_unique_id_function=_operation_id,
    )
    resources = (
        messages,
        runs,
        receipts,
        replays,
        assistants,
        memories,
        threads,
        models,
        provider_keys,
        usage,
        budgets,
        webhooks,
    )
    for resource in resources:
        app.include_router(resource.router, responses=errors.RESPONSES)
    app.include_router(health.router)
    errors.install(app)
    app.add_middleware(Frame, body_bytes_max=settings.body_bytes_max)
    return app


def _operation_id(route: APIRoute) -> str:
    """Name an operation as its function is named, and the SDK's method is."""
    return route.name
