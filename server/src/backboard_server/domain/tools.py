"""Tools that the server executes itself: where they come from, and what calling one gives."""

from __future__ import annotations

from msgspec import Struct

SERVERS_MAX = 8  # MCP servers of an assistant or a message: each is asked for its tools before the model is


class McpServer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An MCP server whose tools a model may use.

    `name` is a label that may stand before the names of its tools. `allowed_tools` are names as the server
    gives them, None for all. `sealed_headers` is base64 of the sealed JSON of further headers, which are
    written and never shown; `header_names` are their names, which are.
    """

    name: str
    url: str
    allowed_tools: list[str] | None = None
    sealed_headers: str | None = None
    header_names: list[str] = []


class ToolResult(Struct, frozen=True, kw_only=True):
    """What the model is given back for a call: bounded text, and whether it tells of a failure."""

    output: str
    is_error: bool = False
