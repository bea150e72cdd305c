"""One server as a source of tools: its list is kept for a while, its calls are not."""

from __future__ import annotations

import pytest

from backboard_server.domain.tools import ToolResult
from backboard_server.tools import toolbox
from fake_mcp import FakeMcp, FakeTool, Reply
from toolboxes import OpenBox, calling, server_of


async def test_a_list_that_is_kept_is_not_asked_for_again_and_its_tools_work(
    open_box: OpenBox, mcp: FakeMcp
) -> None:
    async with open_box(mcp):
        pass
    asked = len(mcp.requests)

    async with open_box(mcp) as box:
        assert len(mcp.requests) == asked
        result = await box.call(calling("echo", text="hi"), call_key="run:1")

    assert result == ToolResult(output='{"text":"hi"}')
    assert mcp.asked("tools/list") == 1


async def test_a_failure_to_list_is_not_kept(open_box: OpenBox, mcp: FakeMcp) -> None:
    mcp.script(Reply(fault="error", text="boo"), Reply(), method="tools/list")

    async with open_box(mcp) as first, open_box(mcp) as second:
        pass

    assert "boo" in first.problems[0]
    assert second.problems == ()
    assert second.has("echo")


async def test_only_allowed_tools_are_offered_and_callable(open_box: OpenBox) -> None:
    async with FakeMcp(tools=(FakeTool("look"), FakeTool("delete"))) as mcp:
        async with open_box(server_of(mcp, allowed_tools=["look"])) as box:
            refused = await box.call(calling("delete"), call_key="run:1")

        assert refused.is_error
        assert not mcp.calls


async def test_a_hint_of_the_server_says_what_may_be_repeated(open_box: OpenBox) -> None:
    tools = (FakeTool("look", annotations={"readOnlyHint": True}), FakeTool("buy"))
    async with FakeMcp(tools=tools) as mcp, open_box(mcp) as box:
        assert box.is_repeatable("look")
        assert not box.is_repeatable("buy")


async def test_a_tool_that_hangs_is_a_result_and_the_next_call_is_answered(
    open_box: OpenBox, mcp: FakeMcp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolbox, "CALL_SECONDS_MAX", 0.1)
    mcp.script(Reply(fault="hang"), Reply(text="awake"))

    async with open_box(mcp) as box:
        hung = await box.call(calling("echo"), call_key="run:1")
        answered = await box.call(calling("echo"), call_key="run:2")

    assert hung.is_error
    assert "did not answer within" in hung.output
    assert answered == ToolResult(output="awake")


@pytest.mark.parametrize(
    ("reply", "result"),
    [
        (Reply(text="no such file", is_error=True), ToolResult(output="no such file", is_error=True)),
        (
            Reply(fault="error", text="boo\x1b"),
            ToolResult(output="The MCP server docs failed: boo.", is_error=True),
        ),
        (
            Reply(content=[{"type": "image", "data": "AAAA", "mimeType": "image/png"}]),
            ToolResult(output="[image, image/png: it cannot be shown here]"),
        ),
        (Reply(text="slow", after_seconds=0.01), ToolResult(output="slow")),
    ],
)
async def test_whatever_a_tool_answers_is_a_result(
    open_box: OpenBox, mcp: FakeMcp, reply: Reply, result: ToolResult
) -> None:
    mcp.script(reply)

    async with open_box(mcp) as box:
        assert await box.call(calling("echo"), call_key="run:1") == result


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_huge_result_is_cut(open_box: OpenBox, is_stream: bool) -> None:
    async with FakeMcp(delivery="sse" if is_stream else "json") as mcp:
        mcp.script(Reply(text="x" * 3_000_000))

        async with open_box(mcp) as box:
            result = await box.call(calling("echo"), call_key="run:1")

    assert len(result.output) == toolbox.RESULT_CHARACTERS_MAX
    assert result.output.endswith("[cut here, 3,000,000 characters in all]")
