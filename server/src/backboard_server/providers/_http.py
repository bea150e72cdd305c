"""The one client for everything that this server asks of the outside: bounded in time and in bytes."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime

import aiohttp
from msgspec import Struct
from yarl import URL

from ._failures import Failure
from ._refusals import kind_of_status, refusal
from ._retry_after import retry_after_seconds

CONNECTIONS_MAX = 4_096
RESPONSE_BYTES_MAX = 64 * 1024 * 1024
_ERROR_BYTES_MAX = 64 * 1024
_AT_ONCE_BYTES_MAX = 512 * 1024
_KEEP_ALIVE_SECONDS = 30.0
_GOODBYE_SECONDS = 1.0


class EgressTimeouts(Struct, frozen=True, kw_only=True):
    """How long a provider may stay silent, phase by phase, in seconds."""

    connect_seconds: float = 5.0
    first_byte_seconds: float = 60.0
    whole_answer_seconds: float = (
        120.0  # to the first byte of a plain answer, which comes when all is written
    )
    between_chunks_seconds: float = 30.0
    thinking_factor: float = 10.0  # how many times as long a model that thinks may stay silent


class Call(Struct, frozen=True, kw_only=True):
    """One request to the outside."""

    url: str
    headers: Mapping[str, str]
    body: bytes | None = None
    is_whole: bool = False
    """Whether the answer comes all at once, when it is written, which may take longer than its beginning."""
    is_thinking: bool = False
    """Whether the model thinks before it speaks, and perhaps in between, without a sign of life."""
    is_encoded: bool = False
    """Whether the address goes out as it is written, as a signature covers it."""

    @property
    def method(self) -> str:
        """POST where there is something to send."""
        return "GET" if self.body is None else "POST"


class Reply:
    """The body of a successful response, as it arrives."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        silence_seconds: float,
        left_seconds: float,
        between_seconds: float,
    ) -> None:
        """`silence_seconds` was the time to the first byte, of which `left_seconds` are left."""
        self.content_type = response.content_type
        self._response = response
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._deadline: float | None = None
        self._limit_seconds = left_seconds
        self._silence_seconds = silence_seconds
        self._between_chunks_seconds = between_seconds
        self._bytes = 0

    async def read(self) -> bytes:
        """Return the next bytes, none at the end.

        Raises Failure: timeout, truncated, or malformed past `RESPONSE_BYTES_MAX` (after decompression).
        """
        self._deadline = self._loop.time() + self._limit_seconds
        if self._alarm is None:
            self._alarm = self._loop.call_at(self._deadline, self._look)
        try:
            block = await self._response.content.readany()
        except TimeoutError:
            raise Failure("timeout", f"silent for {self._silence_seconds:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Failure("truncated", "the connection was lost") from error
        finally:
            self._deadline = None
        if not self._bytes:
            self._silence_seconds = self._between_chunks_seconds
            self._wait_at_most(self._between_chunks_seconds)
        self._bytes += len(block)
        if self._bytes > RESPONSE_BYTES_MAX:
            raise Failure("malformed", f"it is longer than {RESPONSE_BYTES_MAX:,} bytes")
        return block

    async def read_all(self) -> bytes:
        """Return the whole body; raises what `read` raises."""
        blocks: list[bytes] = []
        while block := await self.read():
            blocks.append(block)
        return b"".join(blocks)

    def hurry(self, limit_seconds: float) -> None:
        """Wait no longer than this for each further read."""
        if limit_seconds < self._limit_seconds:
            self._wait_at_most(limit_seconds)

    def close(self) -> None:
        """Watch over no further read."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _wait_at_most(self, limit_seconds: float) -> None:
        self.close()  # the next read sets the alarm anew
        self._limit_seconds = limit_seconds

    def _look(self) -> None:
        """End a read that waits for too long. One alarm serves many reads, as each costs more than a read."""
        self._alarm = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._alarm = self._loop.call_at(self._deadline, self._look)
        else:
            self._response.content.set_exception(TimeoutError())


class Egress:
    """A pool of connections that belongs to one event loop; made at the first call."""

    def __init__(self, timeouts: EgressTimeouts) -> None:
        self._timeouts = timeouts
        self._session: aiohttp.ClientSession | None = None
        self._goodbyes: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[Reply]:
        """Send a request and give the body of its 200 response; leaving early closes the socket at once.

        Raises Failure for every other response, and for none.
        """
        loop = asyncio.get_running_loop()
        started = loop.time()
        patience = self._timeouts.thinking_factor if call.is_thinking else 1.0
        silence = self._timeouts.whole_answer_seconds if call.is_whole else self._timeouts.first_byte_seconds
        silence *= patience
        response = await self._send(call, silence)
        try:
            if response.status != 200:
                raise await self._refused(response)
            left = max(0.0, silence - (loop.time() - started))
            between = self._timeouts.between_chunks_seconds * patience
            with closing(Reply(response, silence, left, between)) as reply:
                yield reply
        except BaseException:
            response.close()
            raise
        if not response.content.at_eof():
            self._say_goodbye(response)

    async def aclose(self) -> None:
        """Close every connection."""
        for goodbye in self._goodbyes:
            goodbye.cancel()
        await asyncio.gather(*self._goodbyes, return_exceptions=True)
        if self._session:
            await self._session.close()

    async def _send(self, call: Call, silence_seconds: float) -> aiohttp.ClientResponse:
        # Large bodies go out piece by piece, so that one of them does not hold up the other streams.
        content = call.body or b""
        body = io.BytesIO(content) if len(content) > _AT_ONCE_BYTES_MAX else call.body
        try:
            async with asyncio.timeout(silence_seconds):
                return await self._opened().request(
                    call.method,
                    URL(call.url, encoded=call.is_encoded),
                    data=body,
                    headers=call.headers,
                    allow_redirects=False,
                )
        except aiohttp.ConnectionTimeoutError:
            limit = self._timeouts.connect_seconds
            raise Failure("unreachable", f"no connection within {limit:g} s") from None
        except TimeoutError:
            raise Failure("timeout", f"silent for {silence_seconds:g} s") from None
        except aiohttp.ClientResponseError as error:
            raise Failure("malformed", f"not HTTP: {error.message}") from error
        except aiohttp.ServerDisconnectedError as error:
            raise Failure("unreachable", "it closed the connection without an answer") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Failure("unreachable", str(error) or type(error).__name__) from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX, keepalive_timeout=_KEEP_ALIVE_SECONDS),
                timeout=aiohttp.ClientTimeout(
                    connect=self._timeouts.connect_seconds, sock_connect=self._timeouts.connect_seconds
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "backboard-server", "Accept-Encoding": "identity"},
            )
        return self._session

    async def _refused(self, response: aiohttp.ClientResponse) -> Failure:
        if response.status < 400:
            where = response.headers.get("Location", "nowhere")
            said = (
                f"a redirect to {where}, and redirects are not followed"
                if response.status >= 300
                else "no answer"
            )
            return Failure(kind_of_status(response.status), said, status=response.status)
        return refusal(
            response.status,
            await self._beginning(response),
            retry_after_seconds=retry_after_seconds(response.headers, datetime.now(UTC)),
            hint=response.headers.get("x-amzn-errortype", ""),
        )

    async def _beginning(self, response: aiohttp.ClientResponse) -> bytes:
        """Read what fits of an error body; an error while reading an error is not worth another message."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._timeouts.connect_seconds):
                while len(body) < _ERROR_BYTES_MAX and (block := await response.content.readany()):
                    body += block
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        return bytes(body[:_ERROR_BYTES_MAX])

    def _say_goodbye(self, response: aiohttp.ClientResponse) -> None:
        """Read a response that has said everything to its end, so that its connection can be used again."""
        goodbye = asyncio.get_running_loop().create_task(_read_to_end(response), name="goodbye")
        self._goodbyes.add(goodbye)

        # Not left to the task itself, which never runs at all if it is cancelled before its first step.
        def end(_: asyncio.Task[None]) -> None:
            self._goodbyes.discard(goodbye)
            response.close()

        goodbye.add_done_callback(end)


async def _read_to_end(response: aiohttp.ClientResponse) -> None:
    try:
        async with asyncio.timeout(_GOODBYE_SECONDS):
            while await response.content.readany():
                pass
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
