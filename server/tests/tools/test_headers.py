"""Headers for MCP servers: sealed for a tenant and an address, and opened for no other."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import msgspec
import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.domain.tools import McpServer
from backboard_server.store.sealing import Sealer
from backboard_server.tools.headers import open_headers, seal_headers

URL = "https://mcp.example.com/mcp"
HEADERS = {"Authorization": "Bearer canary"}
TENANT = uuid4()


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(["a secret of the server's, long enough"], tmp_path)


@pytest.fixture
def server(sealer: Sealer) -> McpServer:
    return McpServer(name="docs", url=URL, sealed_headers=seal_headers(sealer, TENANT, URL, HEADERS))


def test_headers_come_back_as_they_were_sealed(sealer: Sealer, server: McpServer) -> None:
    assert "canary" not in repr(server)
    assert open_headers(sealer, TENANT, server) == HEADERS


def test_a_server_without_headers_needs_no_seal(sealer: Sealer) -> None:
    assert open_headers(sealer, TENANT, McpServer(name="docs", url=URL)) == {}


def test_headers_do_not_open_at_another_address(sealer: Sealer, server: McpServer) -> None:
    moved = msgspec.structs.replace(server, url="https://elsewhere.example.com/mcp")

    with pytest.raises(Invalid, match="set them again"):
        open_headers(sealer, TENANT, moved)


def test_headers_do_not_open_for_another_tenant(sealer: Sealer, server: McpServer) -> None:
    with pytest.raises(Invalid, match="set them again"):
        open_headers(sealer, uuid4(), server)
