"""The server itself: listens, keeps sessions, lists its tools and executes calls as its script says."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from fake_vendor.connection import Connection, Request
from fake_vendor.loopback import Loopback
from fake_vendor.steps import Steps, json_response, whole

from .script import CALL_KEY, ECHO, FakeTool, Reply
from .wire import Delivery, Message, answered, failure, response, result_of

PATH = "/mcp"
VERSION = "2025-11-25"
_METHOD_NOT_FOUND = -32601
_INITIALIZED: Message = {
    "protocolVersion": VERSION,
    "capabilities": {"tools": {}},
    "serverInfo": {"name": "fake", "version": "1"},
}
_RECORDED_MAX = 1_000


class Called(Struct, frozen=True):
    """A call of a tool as the server got it; `call_key` is what `_meta` says, None if nothing."""

    name: str
    arguments: dict[str, Any]
    call_key: str | None
    headers: Mapping[str, str]


class FakeMcp(Loopback):
    """An MCP server on a loopback port.

    Calls are answered by the script in order, and the last reply repeats; without one they echo their
    arguments. `calls` are executed calls, `executions` counts them by their key, `requests` are all HTTP
    requests, and `sessions` are the sessions that are open.
    """

    def __init__(
        self,
        *,
        tools: tuple[FakeTool, ...] = (ECHO,),
        delivery: Delivery = "json",
        has_sessions: bool = True,
        page_size: int = 100,
        token: str | None = None,
        session: str | None = None,
    ) -> None:
        """`token` is the bearer token without which every request is refused; every session is `session`."""
        super().__init__()
        self.tools = tools
        self.calls: deque[Called] = deque(maxlen=_RECORDED_MAX)
        self.requests: deque[Request] = deque(maxlen=_RECORDED_MAX)
        self.executions: Counter[str | None] = Counter()
        self.sessions: set[str] = set()
        self._delivery: Delivery = delivery
        self._has_sessions = has_sessions
        self._page_size = page_size
        self._token = token
        self._session = session
        self._replies: dict[str, deque[Reply]] = {}
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """Where a client finds the server."""
        return self.root_url + PATH

    async def wait_for(self, is_so: Callable[[], bool]) -> None:
        """Return once something is so that requests change; give it a deadline with `asyncio.timeout`."""
        while not is_so():
            self._changed.clear()
            await self._changed.wait()

    async def wait_for_calls(self, count: int) -> None:
        """Return once this many calls came in; give it a deadline with `asyncio.timeout`."""
        await self.wait_for(lambda: len(self.calls) >= count)

    def script(self, *replies: Reply, method: str = "tools/call") -> None:
        """Answer a method, or `DELETE`, like this from now on; the last reply repeats."""
        self._replies[method] = deque(replies or [Reply()])

    def asked(self, method: str) -> int:
        """Return how often a method was asked for."""
        return sum(message.get("method") == method for message in map(_message, self.requests))

    def forget_sessions(self) -> None:
        """Know no session any more, as after a restart."""
        self.sessions.clear()

    def _connect(self) -> Connection:
        return Connection(self._respond, self.connections)

    def _respond(self, request: Request) -> Steps:
        self.requests.append(request)
        self._changed.set()
        if self._token is not None and request.headers.get("authorization") != f"Bearer {self._token}":
            return iter((json_response(401, {"error": "unauthorized"}),))
        if request.route != PATH:
            return iter((whole(404, b""),))
        session = request.headers.get("mcp-session-id")
        match request.method:
            case "POST":
                return self._respond_to_post(_message(request), request, session)
            case "DELETE":
                self.sessions.discard(session or "")
                return answered(self._next_reply("DELETE"), {}, "json")
            case "GET" if "last-event-id" in request.headers:
                return answered(Reply(fault="dropped"), {}, "sse")
            case _:
                return iter((whole(405, b""),))

    def _respond_to_post(self, message: Message, request: Request, session: str | None) -> Steps:
        method = message.get("method", "")
        if method not in ("initialize", "server/discover") and self._has_sessions:
            if session is None:
                return iter((json_response(400, failure(None, -32600, "A session is required")),))
            if session not in self.sessions:
                return iter((json_response(404, failure(None, -32600, "Session not found")),))
        if "id" not in message or not method:
            silence = self._next_reply(method) if method in self._replies else Reply(fault="accepted")
            return answered(silence, {}, self._delivery)
        reply = self._next_reply(method)
        lines: list[str] = []
        if method == "initialize" and self._has_sessions and reply.fault is None:
            lines.append(f"Mcp-Session-Id: {self._opened_session()}")
        return answered(reply, self._answer(message, request, reply), self._delivery, *lines)

    def _answer(self, message: Message, request: Request, reply: Reply) -> Message:
        params: Message = message.get("params", {})
        match message["method"]:
            case "tools/call":
                result = self._executed(params, request, reply)
            case _ if reply.result is not None:
                result = reply.result
            case "initialize":
                result = _INITIALIZED
            case "tools/list":
                result = self._page(int(params.get("cursor", 0)))
            case method:
                return failure(message["id"], _METHOD_NOT_FOUND, f"Method not found: {method}")
        return response(message["id"], reply, result)

    def _executed(self, params: Message, request: Request, reply: Reply) -> Message:
        arguments: Message = params.get("arguments", {})
        meta: Message = params.get("_meta", {})
        key: str | None = meta.get(CALL_KEY)
        self.calls.append(Called(params["name"], arguments, key, request.headers))
        self.executions[key] += 1
        return result_of(reply, arguments)

    def _page(self, start: int) -> Message:
        end = start + self._page_size
        page: Message = {"tools": [_listed(tool) for tool in self.tools[start:end]]}
        return page | {"nextCursor": str(end)} if end < len(self.tools) else page

    def _next_reply(self, method: str) -> Reply:
        replies = self._replies.get(method)
        if not replies:
            return Reply()
        return replies.popleft() if len(replies) > 1 else replies[0]

    def _opened_session(self) -> str:
        session = self._session or uuid4().hex
        self.sessions.add(session)
        return session


def _message(request: Request) -> Message:
    return msgspec.json.decode(request.content or b"{}", type=dict[str, Any])


def _listed(tool: FakeTool) -> Message:
    listed: Message = {"name": tool.name, "inputSchema": tool.input_schema}
    extras = {
        "description": tool.description or None,
        "annotations": tool.annotations,
        "outputSchema": tool.output_schema,
    }
    return listed | {name: value for name, value in extras.items() if value is not None}
