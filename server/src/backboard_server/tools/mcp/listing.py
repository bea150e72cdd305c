"""What a server says of its tools, held to our bounds: it is part of every prompt, and may be hostile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from mcp_types import Tool

from backboard_server.domain.tools import McpServer
from backboard_server.tools.texts import one_line, plain, shortened

from .lists import Listed, ListedTool

TOOLS_OF_SERVER_MAX = 128
NAME_CHARACTERS_MAX = 128
DESCRIPTION_CHARACTERS_MAX = 4_000
SCHEMA_BYTES_MAX = 32 * 1024
SCHEMA_DEPTH_MAX = 32
TOOLS_BYTES_MAX = 256 * 1024  # of one server, all together

_QUOTED_CHARACTERS_MAX = 200
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}}


def listed(server: McpServer, tools: Sequence[Tool]) -> Listed:
    """Return those tools of a server that are allowed and fit, and say of the others why they are missing."""
    by_name = {tool.name: tool for tool in reversed(tools)}  # of two alike, the first
    wanted = list(dict.fromkeys(server.allowed_tools)) if server.allowed_tools is not None else None
    names = [tool.name for tool in tools] if wanted is None else [name for name in wanted if name in by_name]
    fitting = [tool for name in dict.fromkeys(names) if (tool := _fitting(by_name[name]))]
    kept = _within_bytes(fitting[:TOOLS_OF_SERVER_MAX])
    problems: list[str] = []
    if missing := [name for name in wanted or () if name not in by_name]:
        problems.append(f"it has no tool named {one_line(', '.join(missing), _QUOTED_CHARACTERS_MAX)}")
    if left_out := len(set(names)) - len(kept):
        problems.append(f"{left_out} of its tools are too large or too many: name fewer in allowed_tools")
    return Listed(tuple(kept), tuple(f"The MCP server {server.name}: {problem}." for problem in problems))


def _fitting(tool: Tool) -> ListedTool | None:
    if not 0 < len(tool.name) <= NAME_CHARACTERS_MAX or plain(tool.name) != tool.name:
        return None
    try:
        schema = _NO_PARAMETERS | _plain_schema(tool.input_schema, SCHEMA_DEPTH_MAX)
        if len(msgspec.json.encode(schema)) > SCHEMA_BYTES_MAX:
            return None
    except RecursionError:
        return None
    hints = tool.annotations
    description = tool.description or tool.title or (hints.title if hints else None) or ""
    return ListedTool(
        name=tool.name,
        description=shortened(plain(description), DESCRIPTION_CHARACTERS_MAX),
        parameters=schema | {"type": "object"},
        is_repeatable=bool(hints and (hints.read_only_hint or hints.idempotent_hint)),
    )


def _within_bytes(tools: Sequence[ListedTool]) -> list[ListedTool]:
    kept: list[ListedTool] = []
    left = TOOLS_BYTES_MAX
    for tool in tools:
        left -= len(msgspec.json.encode(tool))
        if left >= 0:
            kept.append(tool)
    return kept


def _plain_schema(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    return {plain(name): _plain_value(value, depth - 1) for name, value in schema.items()}


def _plain_value(value: object, depth: int) -> object:
    """Return a value of a schema without what cannot be seen. Raises RecursionError where it is too deep."""
    if depth < 0:
        raise RecursionError
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return _plain_schema(cast("dict[str, Any]", value), depth)
    if isinstance(value, list):
        return [_plain_value(item, depth - 1) for item in cast("list[object]", value)]
    return value
