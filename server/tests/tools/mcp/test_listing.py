"""What a server says of its tools is held to bounds before any model sees it."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import Tool, ToolAnnotations

from backboard_server.domain.tools import McpServer
from backboard_server.tools.mcp.listing import (
    DESCRIPTION_CHARACTERS_MAX,
    SCHEMA_BYTES_MAX,
    TOOLS_BYTES_MAX,
    TOOLS_OF_SERVER_MAX,
    listed,
)


def server(allowed: list[str] | None = None) -> McpServer:
    return McpServer(name="docs", url="https://mcp.example.com", allowed_tools=allowed)


def tool(name: str = "look", **fields: Any) -> Tool:
    return Tool.model_validate({"name": name, "inputSchema": {"type": "object"}} | fields)


def names(tools: list[Tool], allowed: list[str] | None = None) -> list[str]:
    return [each.name for each in listed(server(allowed), tools).tools]


def nested(depth: int) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"items": schema}
    return schema


def test_all_tools_are_taken_unless_some_are_allowed() -> None:
    tools = [tool("a"), tool("b"), tool("c")]

    assert names(tools) == ["a", "b", "c"]
    assert names(tools, ["c", "a", "c"]) == ["c", "a"]
    assert names(tools, []) == []


def test_an_allowed_tool_that_does_not_exist_is_a_problem() -> None:
    found = listed(server(["a", "gone\x1b"]), [tool("a")])

    assert found.problems == ("The MCP server docs: it has no tool named gone.",)


def test_of_two_tools_with_one_name_the_first_counts() -> None:
    found = listed(server(), [tool("a", description="first"), tool("a", description="second")])

    assert [each.description for each in found.tools] == ["first"]
    assert found.problems == ()


@pytest.mark.parametrize(
    ("hints", "is_repeatable"),
    [
        (None, False),
        (ToolAnnotations(), False),
        (ToolAnnotations(read_only_hint=True), True),
        (ToolAnnotations(idempotent_hint=True), True),
        (ToolAnnotations(read_only_hint=False, idempotent_hint=False), False),
    ],
)
def test_what_only_reads_or_can_be_done_twice_may_be_repeated(
    hints: ToolAnnotations | None, is_repeatable: bool
) -> None:
    assert listed(server(), [tool(annotations=hints)]).tools[0].is_repeatable is is_repeatable


def test_what_cannot_be_seen_is_taken_out_of_everything_that_a_model_reads() -> None:
    schema = {"properties": {"at\0": {"description": "\u202ewhere", "enum": ["a\x1b", 1, None]}}}

    found = listed(server(), [tool(description="Looks\x1b[2J", inputSchema=schema)]).tools[0]

    assert found.description == "Looks[2J"
    assert found.parameters == {
        "type": "object",
        "properties": {"at": {"description": "where", "enum": ["a", 1, None]}},
    }


def test_parameters_are_always_an_object() -> None:
    assert listed(server(), [tool(inputSchema={})]).tools[0].parameters == {
        "type": "object",
        "properties": {},
    }


def test_a_title_serves_where_there_is_no_description() -> None:
    tools = [tool("a", title="A"), tool("b", annotations=ToolAnnotations(title="B")), tool("c")]

    assert [each.description for each in listed(server(), tools).tools] == ["A", "B", ""]


def test_a_long_description_is_cut() -> None:
    found = listed(server(), [tool(description="x" * 100_000)]).tools[0]

    assert len(found.description) == DESCRIPTION_CHARACTERS_MAX


@pytest.mark.parametrize(
    "unfit",
    [
        tool(""),
        tool("x" * 129),
        tool("bell\a"),
        tool(inputSchema={"description": "x" * SCHEMA_BYTES_MAX}),
        tool(inputSchema=nested(200)),
    ],
)
def test_a_tool_that_does_not_fit_is_left_out_and_said_to_be(unfit: Tool) -> None:
    found = listed(server(), [tool("a"), unfit])

    assert [each.name for each in found.tools] == ["a"]
    assert "1 of its tools" in found.problems[0]


def test_tools_beyond_the_limit_are_left_out_and_said_to_be() -> None:
    found = listed(server(), [tool(f"t{number}") for number in range(TOOLS_OF_SERVER_MAX + 5)])

    assert len(found.tools) == TOOLS_OF_SERVER_MAX
    assert "5 of its tools" in found.problems[0]


def test_tools_that_are_too_large_together_are_left_out() -> None:
    large = {"description": "x" * (SCHEMA_BYTES_MAX - 100)}

    found = listed(server(), [tool(f"t{number}", inputSchema=large) for number in range(20)])

    assert len(found.tools) == TOOLS_BYTES_MAX // SCHEMA_BYTES_MAX - 1  # there is more to a tool
