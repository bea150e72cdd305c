"""One MCP server as a source of tools for one run."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import UUID

from mcp.client.session import ClientSession

from backboard_server.domain.errors import Upstream
from backboard_server.domain.ports import Outside
from backboard_server.domain.tools import McpServer, ToolResult
from backboard_server.tools.toolbox import FoundTool

from .conversation import Conversation
from .listing import listed
from .lists import KEPT_SECONDS, SILENCE_KEPT_SECONDS, Listed, Lists, key_of
from .questions import CallResult, call_tool, list_tools
from .results import tool_result

LIST_SECONDS_MAX = 10.0

_lists = Lists()


class Source:
    """What a server has, and the conversation with it, which begins when nothing that is kept will do."""

    def __init__(
        self, outside: Outside, tenant_id: UUID, server: McpServer, headers: Mapping[str, str]
    ) -> None:
        """`headers` go with every request. Nothing is asked yet."""
        self._server = server
        self._key = key_of(tenant_id, server, headers)
        self._conversation = Conversation(outside, server.name, server.url, headers)

    async def tools(self) -> tuple[list[FoundTool], tuple[str, ...]]:
        """Return the tools, and what is wrong with them. Raises Upstream if the server cannot be asked."""
        found = _lists.find(self._key) or await self._listed()
        tools = [
            FoundTool(
                source=self._server.name,
                name=tool.name,
                description=tool.description,
                parameters=tool.parameters,
                is_repeatable=tool.is_repeatable,
                call=partial(self._call, tool.name),
            )
            for tool in found.tools
        ]
        return tools, found.problems

    async def aclose(self) -> None:
        """End the conversation, within a second."""
        await self._conversation.aclose()

    async def _listed(self) -> Listed:
        try:
            async with asyncio.timeout(LIST_SECONDS_MAX):
                tools = await self._conversation.ask(list_tools)
        except TimeoutError:
            name = self._server.name
            silence = f"The MCP server {name} did not list its tools within {LIST_SECONDS_MAX:g} seconds."
            _lists.keep(self._key, Listed(problems=(silence,)), SILENCE_KEPT_SECONDS)
            raise Upstream(silence, kind="timeout", provider=name) from None
        found = listed(self._server, tools)
        _lists.keep(self._key, found, KEPT_SECONDS)
        return found

    async def _call(self, name: str, arguments: dict[str, Any], call_key: str) -> ToolResult:
        async def question(session: ClientSession) -> CallResult:
            return await call_tool(session, name, arguments, call_key)

        return tool_result(await self._conversation.ask(question))
