"""The toolbox of a run is filled from every source that it names."""

from __future__ import annotations

from uuid import UUID

import msgspec
import pytest

from backboard_server.adapters import Adapters
from backboard_server.providers.outside import GuardedOutside
from backboard_server.tools import open_toolbox
from backboard_server.tools.fill import TOOLS_MAX
from fake_mcp import FakeMcp, FakeTool
from toolboxes import server_of


@pytest.fixture
def reaching(adapters: Adapters, outside: GuardedOutside) -> Adapters:
    """Adapters whose way out may reach the fake server."""
    return msgspec.structs.replace(adapters, outside=outside)


async def test_without_servers_the_toolbox_is_empty(adapters: Adapters, tenant_id: UUID) -> None:
    async with open_toolbox(adapters, tenant_id, []) as box:
        assert (box.definitions, box.problems, box.has("echo")) == ((), (), False)


async def test_an_applications_tool_keeps_its_name(reaching: Adapters, tenant_id: UUID, mcp: FakeMcp) -> None:
    async with open_toolbox(reaching, tenant_id, [server_of(mcp)], taken={"echo"}) as box:
        assert not box.has("echo")
        assert box.has("docs_echo")


async def test_no_more_tools_are_offered_than_a_model_takes(reaching: Adapters, tenant_id: UUID) -> None:
    tools = tuple(FakeTool(f"t{number}") for number in range(100))
    taken = [f"own{number}" for number in range(50)]
    async with FakeMcp(tools=tools) as mcp:
        servers = [server_of(mcp)]
        async with open_toolbox(reaching, tenant_id, servers, taken=taken) as box:
            assert len(box.definitions) + len(taken) == TOOLS_MAX

    assert box.problems == (f"22 tools were left out: a model takes {TOOLS_MAX} in all",)
