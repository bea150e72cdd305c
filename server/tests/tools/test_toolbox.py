"""The toolbox of a run: it executes what it has, and every failure is a result."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from backboard_server.domain.errors import Upstream
from backboard_server.domain.prompts import ToolCall
from backboard_server.domain.tools import ToolResult
from backboard_server.tools import toolbox
from backboard_server.tools.toolbox import RESULT_CHARACTERS_MAX, Call, FoundTool, Toolbox


async def echo(arguments: dict[str, Any], call_key: str) -> ToolResult:
    return ToolResult(output=f"{arguments} {call_key}")


def box_of(call: Call = echo, *, is_repeatable: bool = False) -> Toolbox:
    found = FoundTool(
        source="docs",
        name="look",
        description="Looks.",
        parameters={"type": "object"},
        is_repeatable=is_repeatable,
        call=call,
    )
    return Toolbox([found.offered_as("look")])


async def called(box: Toolbox, arguments: str = "{}", name: str = "look") -> ToolResult:
    return await box.call(ToolCall("call_1", name, arguments), call_key="run:call_1")


async def test_a_call_reaches_the_tool_with_its_key() -> None:
    assert await called(box_of(), '{"at": 1}') == ToolResult(output="{'at': 1} run:call_1")


async def test_no_arguments_are_an_empty_object() -> None:
    assert (await called(box_of(), "")).output == "{} run:call_1"


@pytest.mark.parametrize("arguments", ["{", "[]", '"text"', "null", "[" * 100_000])
async def test_arguments_that_are_no_object_are_given_back_to_the_model(arguments: str) -> None:
    result = await called(box_of(), arguments)

    assert result.is_error
    assert "JSON object" in result.output


def test_it_knows_what_it_has_and_what_may_be_repeated() -> None:
    box = box_of(is_repeatable=True)

    assert box.has("look")
    assert not box.has("other")
    assert box.is_repeatable("look")
    assert not box.is_repeatable("other")
    assert not box_of().is_repeatable("look")
    assert box.definitions == (
        {
            "type": "function",
            "function": {"name": "look", "description": "Looks.", "parameters": {"type": "object"}},
        },
    )


async def test_a_tool_that_it_does_not_have_is_a_result() -> None:
    assert (await called(box_of(), name="other")).is_error


async def test_a_tool_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(arguments: dict[str, Any], call_key: str) -> ToolResult:
        return await asyncio.Event().wait() and ToolResult(output="never")

    monkeypatch.setattr(toolbox, "CALL_SECONDS_MAX", 0.02)

    result = await called(box_of(hang))

    assert result == ToolResult(
        output="The tool did not answer within 0.02 seconds and was given up.", is_error=True
    )


@pytest.mark.parametrize(
    ("error", "output"),
    [
        (Upstream("docs is away.", kind="unreachable", provider="docs"), "docs is away."),
        (ValueError("a secret of the inside"), "The tool failed inside the server."),
    ],
)
async def test_whatever_a_tool_raises_is_a_result(error: Exception, output: str) -> None:
    async def fail(arguments: dict[str, Any], call_key: str) -> ToolResult:
        raise error

    assert await called(box_of(fail)) == ToolResult(output=output, is_error=True)


async def test_being_cancelled_is_no_result() -> None:
    started = asyncio.Event()

    async def hang(arguments: dict[str, Any], call_key: str) -> ToolResult:
        started.set()
        return await asyncio.Event().wait() and ToolResult(output="never")

    calling = asyncio.create_task(called(box_of(hang)))
    await started.wait()
    calling.cancel()

    with pytest.raises(asyncio.CancelledError):
        await calling


async def test_a_huge_result_is_cut_and_control_characters_are_gone() -> None:
    async def shout(arguments: dict[str, Any], call_key: str) -> ToolResult:
        return ToolResult(output="\0\x1b" + "x" * 1_000_000, is_error=True)

    result = await called(box_of(shout))

    assert result.is_error
    assert len(result.output) == RESULT_CHARACTERS_MAX
    assert result.output.startswith("xxx")
    assert result.output.endswith("[cut here, 1,000,000 characters in all]")
