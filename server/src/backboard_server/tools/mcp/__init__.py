"""Tools of MCP servers over streamable HTTP: listed when a run begins, called when its model calls."""

from .servers import Found, can_use_mcp, open_servers

__all__ = ["Found", "can_use_mcp", "open_servers"]
