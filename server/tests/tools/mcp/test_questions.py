"""What is asked of a server, the fake one and the protocol's own: its tools, page by page, and calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from mcp.client.session import ClientSession
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import HEADER_MISMATCH, Tool, ToolAnnotations

from backboard_server.domain.errors import Upstream
from backboard_server.domain.tools import ToolResult
from backboard_server.providers.outside import GuardedOutside
from backboard_server.tools.mcp.conversation import Conversation
from backboard_server.tools.mcp.questions import LISTED_MAX, PAGES_MAX, CallResult, call_tool, list_tools
from backboard_server.tools.mcp.results import tool_result
from backboard_server.tools.mcp.transport import CALL_KEY
from fake_mcp import FakeMcp, FakeTool, Reply


async def listed_by(outside: GuardedOutside, url: str) -> list[Tool]:
    talk = Conversation(outside, "docs", url, {})
    try:
        return await talk.ask(list_tools)
    finally:
        await talk.aclose()


async def called(outside: GuardedOutside, url: str, name: str, **arguments: Any) -> ToolResult:
    async def question(session: ClientSession) -> CallResult:
        return await call_tool(session, name, arguments, "run:call")

    talk = Conversation(outside, "docs", url, {})
    try:
        return tool_result(await talk.ask(question))
    finally:
        await talk.aclose()


async def test_the_tools_of_all_pages_are_listed(outside: GuardedOutside) -> None:
    tools = tuple(FakeTool(f"t{number}") for number in range(7))
    async with FakeMcp(tools=tools, page_size=3) as mcp:
        names = [tool.name for tool in await listed_by(outside, mcp.url)]

    assert names == [f"t{number}" for number in range(7)]
    assert mcp.asked("tools/list") == 3


async def test_pages_without_end_are_not_read_for_ever(outside: GuardedOutside, mcp: FakeMcp) -> None:
    mcp.script(Reply(result={"tools": [], "nextCursor": "more"}), method="tools/list")

    assert await listed_by(outside, mcp.url) == []
    assert mcp.asked("tools/list") == PAGES_MAX


async def test_tools_without_end_are_not_read_for_ever(outside: GuardedOutside) -> None:
    tools = tuple(FakeTool(f"t{number}") for number in range(LISTED_MAX * 2))
    async with FakeMcp(tools=tools, page_size=LISTED_MAX - 1) as mcp:
        assert len(await listed_by(outside, mcp.url)) == LISTED_MAX

    assert mcp.asked("tools/list") == 2


async def test_a_call_carries_its_key_and_is_executed_once(outside: GuardedOutside, mcp: FakeMcp) -> None:
    result = await called(outside, mcp.url, "echo", text="hi")

    assert result == ToolResult(output='{"text":"hi"}')
    assert mcp.calls[0].arguments == {"text": "hi"}
    assert mcp.calls[0].call_key == mcp.calls[0].headers["idempotency-key"] == "run:call"
    assert mcp.executions == {"run:call": 1}
    assert mcp.asked("tools/list") == 0


async def test_a_call_whose_headers_are_not_what_the_list_says_is_made_once_more_after_listing(
    outside: GuardedOutside, mcp: FakeMcp
) -> None:
    mcp.script(Reply(fault="error", code=HEADER_MISMATCH), Reply(text="now"))

    assert await called(outside, mcp.url, "echo") == ToolResult(output="now")
    assert mcp.asked("tools/list") == 1


async def test_a_pattern_of_the_servers_is_never_run(outside: GuardedOutside) -> None:
    evil = {"type": "object", "properties": {"a": {"type": "string", "pattern": "^(a|a)*$"}}}
    async with FakeMcp(tools=(FakeTool("echo", output_schema=evil),)) as mcp:
        mcp.script(Reply(text="done", structured={"a": "a" * 60 + "!"}))
        async with asyncio.timeout(5):
            await listed_by(outside, mcp.url)

            assert (await called(outside, mcp.url, "echo")).output == "done"


@pytest.mark.parametrize("result", [{"content": "none"}, {"contents": []}, {"content": [{"type": "smell"}]}])
async def test_a_result_that_is_not_the_protocols_is_a_failure(
    outside: GuardedOutside, mcp: FakeMcp, result: dict[str, Any]
) -> None:
    mcp.script(Reply(result=result))

    with pytest.raises(Upstream, match="not what the protocol says"):
        await called(outside, mcp.url, "echo")


def real_server() -> MCPServer:
    """The protocol's own server, with a tool of each kind that matters."""
    server = MCPServer("real")

    @server.tool(annotations=ToolAnnotations(read_only_hint=True))
    def add(a: int, b: int) -> int:  # pyright: ignore[reportUnusedFunction] - the server calls it
        """Add two numbers."""
        return a + b

    @server.tool()
    def fail() -> str:  # pyright: ignore[reportUnusedFunction] - the server calls it
        raise ToolError("no luck")

    @server.tool()
    async def key(context: Context) -> str:  # pyright: ignore[reportUnusedFunction] - the server calls it
        meta = context.request_context.meta or {}
        return str(meta.get(CALL_KEY))

    return server


@asynccontextmanager
async def served(*, is_stateless: bool, has_json: bool) -> AsyncGenerator[str]:
    """The address of a real server while it runs."""
    app = real_server().streamable_http_app(stateless_http=is_stateless, json_response=has_json)
    config = uvicorn.Config(app, port=0, log_config=None, ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    serving = asyncio.create_task(server.serve([socket]))
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}/mcp"
    finally:
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
        socket.close()


@pytest.mark.parametrize("is_stateless", [False, True])
@pytest.mark.parametrize("has_json", [False, True])
async def test_the_protocols_own_server_is_understood(
    outside: GuardedOutside, is_stateless: bool, has_json: bool
) -> None:
    async with served(is_stateless=is_stateless, has_json=has_json) as url:
        tools = {tool.name: tool for tool in await listed_by(outside, url)}
        results = [
            await called(outside, url, "add", a=2, b=3),
            await called(outside, url, "fail"),
            await called(outside, url, "key"),
            await called(outside, url, "missing"),
        ]

    assert set(tools) == {"add", "fail", "key"}
    assert tools["add"].annotations == ToolAnnotations(read_only_hint=True)
    assert [result.is_error for result in results] == [False, True, False, True]
    assert [results[0].output, results[2].output] == ["5", "run:call"]
    assert "no luck" in results[1].output
