"""What is asked of an MCP server: which tools it has, and to execute one."""

from __future__ import annotations

from typing import Any

from mcp.client.session import ClientSession
from mcp.shared.exceptions import MCPError
from mcp_types import (
    HEADER_MISMATCH,
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    PaginatedRequestParams,
    Tool,
)
from pydantic import TypeAdapter

from .transport import CALL_KEY

PAGES_MAX = 20
LISTED_MAX = 1_000

CallResult = CallToolResult | InputRequiredResult

_RESULT: TypeAdapter[CallResult] = TypeAdapter(CallResult)


async def list_tools(session: ClientSession) -> list[Tool]:
    """Return the tools of a server, of all pages within bounds."""
    tools: list[Tool] = []
    cursor: str | None = None
    for _ in range(PAGES_MAX):
        page = await session.list_tools(params=PaginatedRequestParams(cursor=cursor) if cursor else None)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor or len(tools) >= LISTED_MAX:
            break
    return tools[:LISTED_MAX]


async def call_tool(
    session: ClientSession, name: str, arguments: dict[str, Any], call_key: str
) -> CallResult:
    """Return what a tool answers; `call_key` goes along.

    The result is not held to the schema that the tool has for it: that would run a stranger's patterns on a
    stranger's text, without a bound in time, and the model reads it as text.
    """
    request = CallToolRequest(
        params=CallToolRequestParams(name=name, arguments=arguments, _meta={CALL_KEY: call_key})
    )
    try:
        return await session.send_request(request, _RESULT)
    except MCPError as error:
        if error.code != HEADER_MISMATCH:
            raise
    # Since 2026 some arguments travel as headers too, and which ones only a list tells.
    await list_tools(session)
    return await session.send_request(request, _RESULT)
