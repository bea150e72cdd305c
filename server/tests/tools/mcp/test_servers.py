"""The MCP servers of a run: all asked at once, and none of them ends it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from uuid import UUID

import pytest

from backboard_server.domain.tools import McpServer
from backboard_server.providers.outside import GuardedOutside
from backboard_server.store.sealing import Sealer
from backboard_server.tools.headers import seal_headers
from backboard_server.tools.mcp import open_servers, source
from fake_mcp import FakeMcp, FakeTool, Reply
from toolboxes import OpenBox, calling, server_of


async def test_the_tools_of_all_servers_are_offered(open_box: OpenBox, mcp: FakeMcp) -> None:
    async with FakeMcp(tools=(FakeTool("look", "Look."),)) as other, open_box(mcp, other) as box:
        results = [
            await box.call(calling("echo", text="hi"), call_key="run:1"),
            await box.call(calling("look"), call_key="run:2"),
        ]

    assert [each["function"]["name"] for each in box.definitions] == ["echo", "look"]
    assert [result.output for result in results] == ['{"text":"hi"}', "{}"]
    assert (len(mcp.calls), len(other.calls)) == (1, 1)
    assert box.problems == ()


async def test_a_server_that_cannot_be_asked_is_a_problem_and_the_others_serve(
    open_box: OpenBox, mcp: FakeMcp
) -> None:
    away = McpServer(name="away", url="http://127.0.0.1:9/mcp")
    private = McpServer(name="private", url="http://10.0.0.1/mcp")

    async with open_box(away, private, mcp) as box:
        assert box.has("echo")

    assert [problem.split(":")[0] for problem in box.problems] == [
        "The MCP server away failed",
        "The MCP server private failed",
    ]


async def test_headers_are_opened_for_the_server_that_they_are_sealed_for(
    open_box: OpenBox, sealer: Sealer, tenant_id: UUID
) -> None:
    async with FakeMcp(token="canary") as mcp:
        sealed = seal_headers(sealer, tenant_id, mcp.url, {"Authorization": "Bearer canary"})
        async with open_box(server_of(mcp, sealed_headers=sealed)) as box:
            assert box.has("echo")
        elsewhere = seal_headers(sealer, tenant_id, "https://other.example", {"Authorization": "x"})
        asked = len(mcp.requests)
        async with open_box(server_of(mcp, sealed_headers=elsewhere)) as box:
            assert not box.has("echo")

    assert len(mcp.requests) == asked
    assert "set them again" in box.problems[0]
    assert "canary" not in str(box.problems)


async def test_without_the_library_every_server_is_left_out(
    open_box: OpenBox, mcp: FakeMcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)

    async with open_box(mcp) as box:
        assert box.definitions == ()

    assert "without the extra mcp" in box.problems[0]


async def test_a_run_that_is_cancelled_while_a_server_lists_is_free_within_a_second(
    open_box: OpenBox, mcp: FakeMcp
) -> None:
    mcp.script(Reply(fault="hang"), method="tools/list")
    before = asyncio.all_tasks()

    async def run() -> None:
        async with open_box(mcp):
            raise AssertionError("it never lists")

    running = asyncio.create_task(run())
    async with asyncio.timeout(5):
        await mcp.wait_for(lambda: mcp.asked("tools/list") > 0)
    running.cancel()
    async with asyncio.timeout(1):
        await asyncio.wait([running])
        await mcp.wait_for_connections(0)

    assert running.cancelled()
    assert asyncio.all_tasks() <= before


async def test_a_run_that_is_cancelled_while_a_tool_works_is_free_within_a_second(
    open_box: OpenBox, mcp: FakeMcp
) -> None:
    mcp.script(Reply(fault="hang"))
    before = asyncio.all_tasks()

    async def run() -> None:
        async with open_box(mcp) as box:
            await box.call(calling("echo"), call_key="run:1")

    running = asyncio.create_task(run())
    async with asyncio.timeout(5):
        await mcp.wait_for_calls(1)
    running.cancel()
    async with asyncio.timeout(1):
        await asyncio.wait([running])
        await mcp.wait_for_connections(0)

    assert running.cancelled()
    assert asyncio.all_tasks() <= before


async def test_a_server_that_hangs_delays_a_run_only_so_long_and_the_next_one_not_at_all(
    open_box: OpenBox, mcp: FakeMcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source, "LIST_SECONDS_MAX", 0.05)
    mcp.script(Reply(fault="hang"), method="server/discover")

    async with open_box(mcp) as box, open_box(mcp) as next_box:
        pass

    assert box.problems == ("The MCP server docs did not list its tools within 0.05 seconds.",)
    assert next_box.problems == box.problems
    assert mcp.asked("server/discover") == 1


async def test_the_library_is_imported_only_when_a_server_is_named() -> None:
    script = (
        "import sys, backboard_server.app, backboard_server.tools;"
        "sys.exit(' '.join({'mcp', 'httpx2', 'uvicorn'} & set(sys.modules)) or 0)"
    )

    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True
    )

    assert (ended.returncode, ended.stderr.strip()) == (0, "")


async def test_no_servers_are_no_tools(outside: GuardedOutside, sealer: Sealer, tenant_id: UUID) -> None:
    async with open_servers(outside, sealer, tenant_id, []) as found:
        assert found.tools == ()
