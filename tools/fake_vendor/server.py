"""The vendor itself: listens, records what it is asked, and answers from its script."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import msgspec

from .connection import Connection, Connections, Request
from .play import steps_of
from .render import Asked, error, models
from .script import Answer
from .steps import Steps, json_response

_RECORDED_MAX = 1_000


class Recorded(msgspec.Struct, frozen=True):
    """A request as the vendor got it: path, headers by lower-case name, decoded JSON body."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


class FakeVendor:
    """A vendor on a loopback port; `port=0` takes a free one.

    Answers are taken in order and the last one repeats; without a script every answer is an echo.
    `requests` keeps the latest thousand.
    """

    _server: asyncio.Server

    def __init__(self, *, port: int = 0, models: tuple[str, ...] = ("fake-model",)) -> None:
        """`models` is what GET /v1/models lists."""
        self.requests: deque[Recorded] = deque(maxlen=_RECORDED_MAX)
        self._port = port
        self._models = models
        self._answers: deque[Answer] = deque([Answer()])
        self._connections = Connections()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._respond, self._connections), "127.0.0.1", self._port
        )
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        await self._connections.aclose()
        await self._server.wait_closed()

    @property
    def base_url(self) -> str:
        """Where a client finds the vendor, as `OPENAI_BASE_URL` wants it."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def open_connections(self) -> int:
        """How many clients are connected now."""
        return len(self._connections)

    @property
    def connections_made(self) -> int:
        """How many clients have connected since the start."""
        return self._connections.made

    async def wait_for_connections(self, count: int) -> None:
        """Return once this many clients are connected; give it a deadline with `asyncio.timeout`."""
        await self._connections.wait_for(count)

    def script(self, *answers: Answer) -> None:
        """Answer like this from now on."""
        self._answers = deque(answers or [Answer()])

    def _respond(self, request: Request) -> Steps:
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                return self._complete(request)
            case "GET", "/v1/models":
                return iter((json_response(200, models(self._models)),))
            case "POST", "/_script":
                return iter((self._rescript(request.content),))
            case _:
                return iter((json_response(404, error(f"No such path: {request.path}", "not_found")),))

    def _complete(self, request: Request) -> Steps:
        try:
            asked = msgspec.json.decode(request.content, type=Asked)
        except msgspec.MsgspecError as reason:
            return iter((json_response(400, error(str(reason), "invalid_request_error")),))
        self.requests.append(Recorded(request.path, request.headers, msgspec.json.decode(request.content)))
        answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        return steps_of(answer, asked, request.headers.get("authorization", ""))

    def _rescript(self, content: bytes) -> bytes:
        """Take a new script over the wire: a JSON array of answers, with the fields of Answer."""
        try:
            self.script(*msgspec.json.decode(content, type=list[Answer]))
        except msgspec.MsgspecError as reason:
            return json_response(400, error(str(reason), "invalid_request_error"))
        return json_response(200, {"scripted": len(self._answers)})
