"""Filling the toolbox of a run: every kind of tool that the server executes has its place here."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from uuid import UUID

from backboard_server.adapters import Adapters
from backboard_server.domain.tools import McpServer

from .mcp import open_servers
from .names import named
from .toolbox import Toolbox

TOOLS_MAX = 128  # in one prompt, the application's own included: what most providers take
_EMPTY = Toolbox(())


def open_toolbox(
    adapters: Adapters, tenant_id: UUID, servers: Sequence[McpServer], *, taken: Collection[str] = ()
) -> AbstractAsyncContextManager[Toolbox]:
    """Give the tools of a run, and let go at the end of what they hold.

    `taken` are the names of the application's own tools, which win a clash. A server that cannot be reached
    is a problem of the toolbox and raises nothing. Without servers nothing is imported and nothing is asked.
    """
    return _open(adapters, tenant_id, servers, taken) if servers else nullcontext(_EMPTY)


@asynccontextmanager
async def _open(
    adapters: Adapters, tenant_id: UUID, servers: Sequence[McpServer], taken: Collection[str]
) -> AsyncGenerator[Toolbox]:
    async with open_servers(adapters.outside, adapters.sealer, tenant_id, servers) as found:
        left = max(0, TOOLS_MAX - len(taken))
        problems = list(found.problems)
        if len(found.tools) > left:
            problems.append(
                f"{len(found.tools) - left} tools were left out: a model takes {TOOLS_MAX} in all"
            )
        yield Toolbox(named(found.tools[:left], taken), problems)
