"""Toolboxes in tests: the fake MCP server as a noun, and calls as a model makes them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import msgspec

from backboard_server.domain.prompts import ToolCall
from backboard_server.domain.tools import McpServer
from backboard_server.tools import Toolbox
from fake_mcp import FakeMcp

OpenBox = Callable[..., AbstractAsyncContextManager[Toolbox]]


def server_of(mcp: FakeMcp, name: str = "docs", **fields: Any) -> McpServer:
    """Return the fake server as an assistant names it."""
    return McpServer(name=name, url=mcp.url, **fields)


def calling(name: str, **arguments: Any) -> ToolCall:
    """Return a model's call of a tool."""
    return ToolCall("call_1", name, msgspec.json.encode(arguments).decode())
