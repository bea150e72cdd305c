"""The MCP servers of a run, asked all at once; what speaks to them is imported when one is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import Struct

from backboard_server.domain.errors import BackboardError
from backboard_server.domain.ports import Outside
from backboard_server.domain.tools import McpServer
from backboard_server.store.sealing import Sealer
from backboard_server.tools.headers import open_headers
from backboard_server.tools.toolbox import FoundTool

if TYPE_CHECKING:
    from .source import Source


class Found(Struct, frozen=True):
    """The tools of several servers, and a sentence for each thing that is wrong with one."""

    tools: tuple[FoundTool, ...] = ()
    problems: tuple[str, ...] = ()


def can_use_mcp() -> bool:
    """Whether the library that speaks to MCP servers is installed; it is an extra of the server's package."""
    return find_spec("mcp") is not None


@asynccontextmanager
async def open_servers(
    outside: Outside, sealer: Sealer, tenant_id: UUID, servers: Sequence[McpServer]
) -> AsyncGenerator[Found]:
    """Give what the servers have, and end the conversations with them at the end."""
    if not can_use_mcp():
        yield Found(problems=("MCP servers cannot be used: this server is installed without the extra mcp.",))
        return
    # In a thread, as it takes half a second once.
    await asyncio.to_thread(import_module, "backboard_server.tools.mcp.source")
    sources: list[Source] = []
    try:
        found = await asyncio.gather(
            *(_found(outside, sealer, tenant_id, server, sources) for server in servers)
        )
        yield Found(
            tuple(chain.from_iterable(each.tools for each in found)),
            tuple(chain.from_iterable(each.problems for each in found)),
        )
    finally:
        await asyncio.gather(*(source.aclose() for source in sources))


async def _found(
    outside: Outside, sealer: Sealer, tenant_id: UUID, server: McpServer, sources: list[Source]
) -> Found:
    from .source import Source

    try:
        headers = open_headers(sealer, tenant_id, server)
    except BackboardError as error:
        return Found(problems=(f"The MCP server {server.name}: {error.message}",))
    source = Source(outside, tenant_id, server, headers)
    sources.append(source)
    try:
        tools, problems = await source.tools()
    except BackboardError as error:
        return Found(problems=(error.message,))
    return Found(tuple(tools), problems)
