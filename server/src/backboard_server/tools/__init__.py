"""Tools that the server executes itself: what a run's toolbox is filled from, a file for each kind."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from uuid import UUID

from backboard_server.adapters import Adapters
from backboard_server.domain.tools import McpServer

from .toolbox import Toolbox


@asynccontextmanager
async def open_toolbox(
    adapters: Adapters, tenant_id: UUID, servers: Sequence[McpServer], *, taken: Collection[str] = ()
) -> AsyncGenerator[Toolbox]:
    """Give the tools of a run, and let go at the end of what they hold.

    `taken` are the names of the application's own tools, which win a clash. A server that cannot be reached
    is a problem of the toolbox and raises nothing. Without servers nothing is imported and nothing is asked.
    """
    yield Toolbox((), tuple(f"{server.name}: MCP servers cannot be reached yet" for server in servers))


def can_use_mcp() -> bool:
    """Whether the library that speaks to MCP servers is installed; it is an extra of the server's package."""
    return find_spec("mcp") is not None
