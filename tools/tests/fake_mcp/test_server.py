"""The fake MCP server keeps sessions, lists tools by pages, and counts what it executes."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from fake_mcp import CALL_KEY, FakeMcp, FakeTool, Reply


def message(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


async def post(mcp: FakeMcp, content: dict[str, Any], session: str | None = None) -> httpx.Response:
    headers = {"Mcp-Session-Id": session} if session else {}
    async with httpx.AsyncClient() as client:
        return await client.post(mcp.url, json=content, headers=headers)


async def begin(mcp: FakeMcp) -> str:
    return (await post(mcp, message("initialize"))).headers["mcp-session-id"]


async def test_a_session_is_required_and_must_be_known() -> None:
    async with FakeMcp() as mcp:
        session = await begin(mcp)
        statuses = [
            (await post(mcp, message("tools/list"), sent)).status_code for sent in (None, "other", session)
        ]
        mcp.forget_sessions()
        forgotten = await post(mcp, message("tools/list"), session)

    assert statuses == [400, 404, 200]
    assert forgotten.status_code == 404


async def test_deleting_ends_a_session() -> None:
    async with FakeMcp() as mcp, httpx.AsyncClient() as client:
        session = await begin(mcp)
        await client.delete(mcp.url, headers={"Mcp-Session-Id": session})

        assert mcp.sessions == set()


async def test_tools_are_listed_by_pages() -> None:
    tools = (FakeTool("a", "A."), FakeTool("b", annotations={"readOnlyHint": True}), FakeTool("c"))
    async with FakeMcp(tools=tools, has_sessions=False, page_size=2) as mcp:
        first = (await post(mcp, message("tools/list"))).json()["result"]
        second = (await post(mcp, message("tools/list", cursor=first["nextCursor"]))).json()["result"]

    assert [tool["name"] for tool in first["tools"] + second["tools"]] == ["a", "b", "c"]
    assert first["tools"][1]["annotations"] == {"readOnlyHint": True}
    assert "nextCursor" not in second
    assert mcp.asked("tools/list") == 2


async def test_calls_are_kept_and_counted_by_their_key() -> None:
    call = message("tools/call", name="echo", arguments={"text": "hi"}, _meta={CALL_KEY: "run:1"})
    async with FakeMcp(has_sessions=False) as mcp:
        waiting = asyncio.create_task(mcp.wait_for_calls(2))
        results = [(await post(mcp, call)).json()["result"] for _ in range(2)]
        async with asyncio.timeout(5):
            await waiting

    assert results == [{"content": [{"type": "text", "text": '{"text":"hi"}'}], "isError": False}] * 2
    assert mcp.calls[0].arguments == {"text": "hi"}
    assert mcp.executions == {"run:1": 2}


async def test_replies_are_taken_in_order_and_the_last_one_repeats() -> None:
    call = message("tools/call", name="echo")
    async with FakeMcp(has_sessions=False) as mcp:
        mcp.script(Reply(text="a"), Reply(text="b"))
        texts = [(await post(mcp, call)).json()["result"]["content"][0]["text"] for _ in range(3)]

    assert texts == ["a", "b", "b"]


@pytest.mark.parametrize("method", ["server/discover", "resources/list"])
async def test_a_method_that_it_does_not_have_is_refused(method: str) -> None:
    async with FakeMcp(has_sessions=False) as mcp:
        assert (await post(mcp, message(method))).json()["error"]["code"] == -32601


async def test_without_its_token_every_request_is_refused() -> None:
    async with FakeMcp(token="t") as mcp:
        assert (await post(mcp, message("initialize"))).status_code == 401


async def test_what_it_does_not_serve_has_a_status_of_its_own() -> None:
    async with FakeMcp(has_sessions=False) as mcp, httpx.AsyncClient() as client:
        listening = await client.get(mcp.url)
        elsewhere = await client.post(mcp.url + "/more", json={})
        told = await client.post(mcp.url, json={"jsonrpc": "2.0", "method": "notifications/initialized"})

    assert [response.status_code for response in (listening, elsewhere, told)] == [405, 404, 202]
