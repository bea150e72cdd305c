"""A fake MCP server: speaks streamable HTTP on a loopback port, follows a script, and keeps every call.

async with FakeMcp(tools=(FakeTool("look"),)) as mcp:
    mcp.script(Reply(text="A tree."), Reply(fault="hang"))
    ...  # point a client at mcp.url
    assert mcp.calls[0].arguments == {"at": "the garden"}
    assert mcp.executions[mcp.calls[0].call_key] == 1
"""

from .script import CALL_KEY, ECHO, FakeTool, Fault, Reply
from .server import Called, FakeMcp

__all__ = ["CALL_KEY", "ECHO", "Called", "FakeMcp", "FakeTool", "Fault", "Reply"]
