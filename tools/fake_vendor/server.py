"""The vendor itself: listens, records what it is asked, and answers from its script."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

import msgspec

from .connection import Connection, Request
from .dialects import DIALECTS, Dialect
from .loopback import Loopback
from .play import exists, steps_of
from .refusals import problem_response
from .script import Answer
from .steps import Steps, json_response
from .terms import Asked, Problem, Refused

_RECORDED_MAX = 1_000


class Recorded(msgspec.Struct, frozen=True):
    """A request as the vendor got it: path, headers by lower-case name, decoded JSON body, and its bytes."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    content: bytes = b""
    method: str = "POST"


class FakeVendor(Loopback):
    """A vendor on a loopback port; `port=0` takes a free one.

    Answers are taken in order and the last one repeats; without a script every answer is an echo.
    `requests` keeps the latest thousand. `impossible` names a scripted fault that does not exist in the
    protocol that was spoken; the vendor answered 501.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        models: tuple[str, ...] = ("fake-model",),
        dialects: tuple[Dialect, ...] = DIALECTS,
    ) -> None:
        """`models` is what GET /v1/models lists; `dialects` is what the vendor speaks at all."""
        super().__init__(port=port)
        self.requests: deque[Recorded] = deque(maxlen=_RECORDED_MAX)
        self.impossible = ""
        self._models = models
        self._dialects = dialects
        self._answers: deque[Answer] = deque([Answer()])
        self._recorded = asyncio.Event()

    @property
    def base_url(self) -> str:
        """Where a client finds the vendor, as `OPENAI_BASE_URL` wants it."""
        return f"{self.root_url}/v1"

    async def wait_for_requests(self, count: int) -> None:
        """Return once this many were recorded; give it a deadline with `asyncio.timeout`."""
        while len(self.requests) < count:
            self._recorded.clear()
            await self._recorded.wait()

    def script(self, *answers: Answer) -> None:
        """Answer like this from now on."""
        self._answers = deque(answers or [Answer()])

    def _connect(self) -> Connection:
        return Connection(self._respond, self.connections)

    def _respond(self, request: Request) -> Steps:
        if (request.method, request.route) == ("POST", "/_script"):
            return iter((self._rescript(request.content),))
        for dialect in self._dialects:
            match dialect.purpose(request):
                case "answer":
                    return self._answer(request, dialect)
                case "models":
                    return iter((json_response(200, dialect.models(self._models, request)),))
                case None:
                    pass
        return iter((json_response(404, {"message": f"No dialect has such a path: {request.path}"}),))

    def _answer(self, request: Request, dialect: Dialect) -> Steps:
        try:
            asked = dialect.parse(request)
        except Refused as refused:
            return iter((problem_response(refused.problem, dialect),))
        except (msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
            return iter((_invalid(repr(error), dialect),))
        self._record(request, asked)
        if reason := dialect.refusal(asked):
            return iter((_invalid(reason, dialect),))
        answer = self._answers.popleft() if len(self._answers) > 1 else self._answers[0]
        if not exists(answer, asked, dialect):
            self.impossible = f"{dialect.name} cannot fail with {answer.fault}"
            return iter((json_response(501, {"message": self.impossible}),))
        return steps_of(answer, asked, dialect, dialect.credential(request.headers))

    def _record(self, request: Request, asked: Asked) -> None:
        recorded = Recorded(request.path, request.headers, asked.body, request.content, request.method)
        self.requests.append(recorded)
        self._recorded.set()

    def _rescript(self, content: bytes) -> bytes:
        """Take a new script over the wire: a JSON array of answers, with the fields of Answer."""
        try:
            self.script(*msgspec.json.decode(content, type=list[Answer]))
        except msgspec.MsgspecError as reason:
            return json_response(400, {"message": str(reason)})
        return json_response(200, {"scripted": len(self._answers)})


def _invalid(reason: str, dialect: Dialect) -> bytes:
    return problem_response(Problem(400, "invalid", reason), dialect)
