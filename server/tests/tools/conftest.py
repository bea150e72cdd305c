"""What the tests of tools share: a way out that may reach the fake MCP server, and a toolbox over it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from backboard_server.domain.tools import McpServer
from backboard_server.providers.outside import GuardedOutside
from backboard_server.store.sealing import Sealer
from backboard_server.tools.mcp import open_servers
from backboard_server.tools.names import named
from backboard_server.tools.toolbox import Toolbox
from fake_mcp import FakeMcp
from toolboxes import OpenBox, server_of


@pytest.fixture
async def outside() -> AsyncGenerator[GuardedOutside]:
    outside = GuardedOutside("127.0.0.1")
    yield outside
    await outside.aclose()


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(["a secret of the server's, long enough"], tmp_path)


@pytest.fixture
async def mcp() -> AsyncGenerator[FakeMcp]:
    async with FakeMcp() as mcp:
        yield mcp


@pytest.fixture
def tenant_id() -> UUID:
    return uuid4()


@pytest.fixture
def open_box(outside: GuardedOutside, sealer: Sealer, tenant_id: UUID) -> OpenBox:
    """Opens a toolbox over servers, each a noun or a fake one."""

    @asynccontextmanager
    async def open_box(*servers: McpServer | FakeMcp) -> AsyncGenerator[Toolbox]:
        nouns = [server_of(server) if isinstance(server, FakeMcp) else server for server in servers]
        async with open_servers(outside, sealer, tenant_id, nouns) as found:
            yield Toolbox(named(found.tools, ()), found.problems)

    return open_box
