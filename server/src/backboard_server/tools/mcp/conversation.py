"""A conversation with one MCP server: begun when it is first needed, and held by a task of its own.

The library's scopes must be left in the task that entered them, and it may take seconds to say goodbye. So it
runs in tasks that belong to the conversation, and whoever is cancelled while asking waits for none of them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from typing import Any, TypeVar, cast

import httpx2
from mcp.client.client import Client
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import Implementation
from msgspec import Struct
from pydantic import ValidationError

from backboard_server import __version__
from backboard_server.domain.errors import Upstream
from backboard_server.domain.ports import Outside
from backboard_server.tools.texts import one_line

from .transport import ANSWER_BYTES_MAX, OutsideTransport

OPENING_SECONDS_MAX = 20.0
GOODBYE_SECONDS_MAX = 0.5
ENDING_SECONDS_MAX = 0.3
REDIRECTS_MAX = 3  # within the server's own origin; the library follows no others
REASON_CHARACTERS_MAX = 500

Answer = TypeVar("Answer")
Question = Callable[[ClientSession], Awaitable[Answer]]

_log = logging.getLogger(__name__)
_CLIENT = Implementation(name="backboard-server", version=__version__)

# They log what servers say, their sessions and their addresses, any of which may hold a secret.
logging.getLogger("mcp").setLevel(logging.CRITICAL)
logging.getLogger("httpx2").setLevel(logging.WARNING)


class _Line(Struct, frozen=True, eq=False):
    """A session that is open: the task that holds it does so until it is over."""

    client: Client
    transport: OutsideTransport
    holder: asyncio.Task[None]
    is_over: asyncio.Event


class Conversation:
    """Asks one server, and begins anew where it has forgotten the session or the line is dead."""

    def __init__(self, outside: Outside, name: str, url: str, headers: Mapping[str, str]) -> None:
        """`name` is how messages call the server, `headers` go with every request. Nothing is asked yet."""
        self._outside = outside
        self._name = name
        self._url = url
        self._headers = httpx2.Headers({**headers})
        self._headers.setdefault("user-agent", "backboard-server")
        self._tasks: set[asyncio.Task[Any]] = set()
        self._beginning = asyncio.Lock()
        self._line: _Line | None = None
        self._is_closed = False

    async def ask(self, question: Question[Answer]) -> Answer:
        """Return what the server answers. Raises Upstream, which names the server and says what is wrong."""
        if self._is_closed:
            raise self._failure("the conversation with it is over")
        asking = self._start(self._asked(question))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            if asking.cancelled() and not _is_being_cancelled():
                raise self._failure("the conversation with it is over") from None
            asking.cancel()
            raise
        except Exception as error:  # the library lets out whatever it meets
            raise self._failure(_reason(error)) from error

    async def aclose(self) -> None:
        """Say goodbye, within a second, and end every task; afterwards nothing can be asked."""
        self._is_closed = True
        line = self._line
        if line:
            line.is_over.set()
        for task in self._tasks:
            if not line or task is not line.holder:
                task.cancel()
        try:
            await _wait(self._tasks, GOODBYE_SECONDS_MAX)
        finally:
            for task in self._tasks:
                task.cancel()
        await _wait(self._tasks, ENDING_SECONDS_MAX)
        if self._tasks:
            _log.error("%d tasks of an MCP conversation do not end", len(self._tasks))

    async def _asked(self, question: Question[Answer]) -> Answer:
        line = await self._open_line()
        try:
            return await question(line.client.session)
        except MCPError:
            if not line.transport.has_lost_session:
                raise
        # The server forgot the session, so it has not looked at the question.
        line.is_over.set()
        return await question((await self._open_line()).client.session)

    async def _open_line(self) -> _Line:
        async with self._beginning:
            line = self._line
            if not line or line.is_over.is_set() or line.holder.done():
                line = self._line = await self._begun()
            return line

    async def _begun(self) -> _Line:
        transport = OutsideTransport(self._outside)
        opened: asyncio.Future[Client] = asyncio.get_running_loop().create_future()
        is_over = asyncio.Event()
        holder = self._start(self._hold(transport, opened, is_over))
        try:
            client = await opened
        except asyncio.CancelledError:
            holder.cancel()
            raise
        return _Line(client, transport, holder, is_over)

    async def _hold(
        self, transport: OutsideTransport, opened: asyncio.Future[Client], is_over: asyncio.Event
    ) -> None:
        try:
            async with AsyncExitStack() as stack:
                async with asyncio.timeout(OPENING_SECONDS_MAX):
                    client = await self._entered(stack, transport)
                opened.set_result(client)
                await is_over.wait()
        except Exception as error:  # noqa: BLE001 - the library lets out whatever it meets
            if opened.done():
                _log.info("the conversation with an MCP server broke off: %s", type(error).__name__)
            else:
                opened.set_exception(error)

    async def _entered(self, stack: AsyncExitStack, transport: OutsideTransport) -> Client:
        http = httpx2.AsyncClient(
            transport=transport, headers=self._headers, trust_env=False, max_redirects=REDIRECTS_MAX
        )
        await stack.enter_async_context(http)
        streams = streamable_http_client(self._url, http_client=http, max_sse_event_size=ANSWER_BYTES_MAX)
        return await stack.enter_async_context(Client(streams, cache=None, client_info=_CLIENT))

    def _start(self, work: Coroutine[Any, Any, Answer]) -> asyncio.Task[Answer]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _failure(self, reason: str) -> Upstream:
        return Upstream(f"The MCP server {self._name} failed: {reason}.", kind="failed", provider=self._name)


async def _wait(tasks: set[asyncio.Task[Any]], seconds: float) -> None:
    if tasks:
        await asyncio.wait(set(tasks), timeout=seconds)


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _reason(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):  # of which the library makes one around the other
        return _reason(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])
    match error:
        case MCPError():
            if "validation error" in error.message:  # the library's words for JSON that is none of its own
                return "its answer is not what the protocol says"
            return one_line(error.message, REASON_CHARACTERS_MAX).rstrip(".") or "it gives no reason"
        case TimeoutError():
            return "it did not answer in time"
        case ValidationError():
            return "its answer is not what the protocol says"
        case _:
            return f"the conversation broke off ({type(error).__name__})"
