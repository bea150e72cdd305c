"""How the MCP library reaches a server: its HTTP goes through the guarded port, and nothing goes around it.

Whatever fails becomes the answer to the one request that failed, as for an exception the library gives up the
whole conversation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import msgspec

from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.outside import OutsideRequest
from backboard_server.domain.ports import Outside, OutsideReply

ANSWER_BYTES_MAX = 8 * 1024 * 1024  # a screenshot as base64 is among the larger answers
REFUSAL_BYTES_MAX = 64 * 1024
ANSWER_SECONDS_MAX = 60.0
COURTESY_SECONDS_MAX = 3.0  # for what has no answer: notifications, and the end of a session
RESUMPTIONS_MAX = 5  # in a conversation: a stream that breaks off is taken up again this often

CALL_KEY = "backboard/call-key"  # in `_meta`, so that a server can tell that it has executed a call before
_KEY_HEADER = "idempotency-key"

_FAILED = -32000  # the first of the codes that JSON-RPC leaves to implementations
_JSON = {"content-type": "application/json"}
_SESSION = "mcp-session-id"
_EVENT = "last-event-id"
_NOT_PASSED_ON = frozenset({"accept-encoding", "connection", "content-length", "host", "transfer-encoding"})
# All that the library reads. The port has unpacked the body, so no word of how it was packed may come along.
_PASSED_BACK = frozenset({"content-type", "location", _SESSION})


class _Meta(msgspec.Struct, frozen=True):
    call_key: str | None = msgspec.field(default=None, name=CALL_KEY)


class _Params(msgspec.Struct, frozen=True):
    meta: _Meta = msgspec.field(default_factory=_Meta, name="_meta")


class _Message(msgspec.Struct, frozen=True):
    """What matters here of a message of ours: only a request has an id, and with it an answer to wait for."""

    id: int | str | None = None
    params: _Params | None = None


class _Problem(msgspec.Struct, frozen=True):
    code: int
    message: str


class _Refusal(msgspec.Struct, frozen=True):
    error: _Problem


class OutsideTransport(httpx2.AsyncBaseTransport):
    """A transport of httpx over the port `Outside`."""

    def __init__(self, outside: Outside) -> None:
        self.has_lost_session = False
        self._outside = outside
        self._resumptions_left = RESUMPTIONS_MAX

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; httpx calls this. Raises nothing but CancelledError."""
        if request.method == "GET" and not self._may_resume(request):
            return httpx2.Response(405)  # the stream of what a server has to say unasked: nobody listens
        connection = AsyncExitStack()
        try:
            asked = _asked(request, await request.aread())
            reply = await connection.enter_async_context(self._outside.open(asked))
        except (Invalid, Upstream) as error:
            return _refusal(502, error.message)
        if reply.status == 404 and _SESSION in request.headers:
            self.has_lost_session = True
        response = httpx2.Response(reply.status, headers=_passed_back(reply), stream=_Body(connection, reply))
        return await _refused(response) if reply.status >= 400 else response

    def _may_resume(self, request: httpx2.Request) -> bool:
        if _EVENT not in request.headers or not self._resumptions_left:
            return False
        self._resumptions_left -= 1
        return True


class _Body(httpx2.AsyncByteStream):
    """The body of an answer; closing it closes the connection."""

    def __init__(self, connection: AsyncExitStack, reply: OutsideReply) -> None:
        self._connection = connection
        self._reply = reply

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._reply.pieces():
                yield piece
        except Upstream as error:
            is_stream = self._reply.headers.get("content-type", "").startswith("text/event-stream")
            if is_stream and error.kind != "truncated":
                raise httpx2.SSEError(error.message) from error  # no use in taking the stream up again
            raise httpx2.StreamError(error.message) from error

    async def aclose(self) -> None:
        await self._connection.aclose()


def _asked(request: httpx2.Request, body: bytes) -> OutsideRequest:
    headers = {name: text for name, text in request.headers.items() if name not in _NOT_PASSED_ON}
    message = msgspec.json.decode(body, type=_Message) if body else _Message()
    if message.params and message.params.meta.call_key:
        headers[_KEY_HEADER] = message.params.meta.call_key
    has_answer = message.id is not None or request.method == "GET"
    seconds = ANSWER_SECONDS_MAX if has_answer else COURTESY_SECONDS_MAX
    return OutsideRequest(
        method=request.method,
        url=str(request.url),
        headers=headers,
        body=body or None,
        timeout_seconds=seconds,
        total_seconds=seconds,
        bytes_max=ANSWER_BYTES_MAX,
    )


def _passed_back(reply: OutsideReply) -> dict[str, str]:
    headers = reply.headers.items()
    # The library breaks on a session that is not ASCII, which the protocol does not allow.
    return {name: text for name, text in headers if name in _PASSED_BACK and text.isascii()}


async def _refused(response: httpx2.Response) -> httpx2.Response:
    """Return a refusal in the protocol's own words, which most servers do not use for what HTTP can say."""
    body = b""
    try:
        async for piece in response.aiter_raw():
            body += piece
            if len(body) > REFUSAL_BYTES_MAX:
                break
    except httpx2.StreamError:
        body = b""
    finally:
        await response.aclose()
    try:
        msgspec.json.decode(body, type=_Refusal)
    except msgspec.MsgspecError:
        return _refusal(response.status_code, f"it refuses with HTTP status {response.status_code}")
    return httpx2.Response(response.status_code, headers=_JSON, content=body)


def _refusal(status: int, message: str) -> httpx2.Response:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": _FAILED, "message": message}}
    return httpx2.Response(status, headers=_JSON, content=msgspec.json.encode(body))
