"""The way to addresses that tenants, models and pages name: checked, pinned, and bounded in time and bytes.

A name is looked up once for each connection, every address that it has is checked, and the connection goes
to one of those. The environment's proxies and passwords have no part in it, and no cookie is kept.
"""

from __future__ import annotations

import asyncio
import io
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.outside import OutsideRequest

from ._addresses import Allowance, allowance_of, checked_url, is_public, refused
from ._failures import Failure
from ._inflate import Inflater

CONNECTIONS_MAX = 512
CONNECTIONS_OF_A_HOST_MAX = 64
LOOK_UPS_AT_ONCE_MAX = 8  # in threads of their own: a slow name of a tenant's holds up no call of a provider
ADDRESSES_MAX = 32

_AT_ONCE_BYTES_MAX = 512 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS_OF_OURS = frozenset(
    {"accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "proxy-authorization"}
    | {"proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)
_HEADERS_FOR_ANYBODY = frozenset({"accept", "accept-language", "user-agent"})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")

LookUp = Callable[[str], list[str]]


def look_up(name: str) -> list[str]:
    """Return every address of a name as this machine knows it, in the order in which to try them.

    Blocks. Raises OSError where there is none.
    """
    found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for _family, _kind, _protocol, _canonical, address in found]


class GuardedOutside:
    """The port `Outside`, on one event loop: each connection is used once, and none is made before a call."""

    def __init__(self, allow: str | None, look_up: LookUp = look_up) -> None:
        """`allow` is what the operator lets be named although it is private. Raises Invalid for it."""
        self._allowance = allowance_of(allow)
        self._resolver = _CheckedResolver(self._allowance, look_up)
        self._session: aiohttp.ClientSession | None = None

    def check(self, url: str) -> None:
        """Refuse what an address's form already tells. Raises Invalid (`address_forbidden`)."""
        checked_url(url, self._allowance)

    @asynccontextmanager
    async def open(self, request: OutsideRequest) -> AsyncGenerator[Reply]:
        """Send a request and give the answer; leaving closes the connection. Raises as the port says."""
        url = checked_url(request.url, self._allowance)
        _check_headers(request.headers)
        deadline = asyncio.get_running_loop().time() + request.total_seconds
        response = await self._answer(request, url, deadline)
        try:
            yield Reply(response, request, deadline)
        finally:
            response.close()

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session:
            await self._session.close()
        await self._resolver.close()

    async def _answer(self, request: OutsideRequest, url: URL, deadline: float) -> aiohttp.ClientResponse:
        """Return the first answer that is not a redirect to be followed."""
        headers = request.headers
        redirects = request.redirects_max if request.method in ("GET", "HEAD") else 0
        while True:
            response = await self._send(request, url, headers, deadline)
            where = response.headers.get("Location")
            if not redirects or response.status not in _REDIRECTS or where is None:
                return response
            response.close()
            redirects -= 1
            target = checked_url(_joined(url, where), self._allowance)
            if target.origin() != url.origin():  # what was meant for one host is not told to another
                headers = {
                    name: text for name, text in headers.items() if name.lower() in _HEADERS_FOR_ANYBODY
                }
            url = target

    async def _send(
        self, request: OutsideRequest, url: URL, headers: Mapping[str, str], deadline: float
    ) -> aiohttp.ClientResponse:
        body = request.body
        left = deadline - asyncio.get_running_loop().time()
        with _told_of(url):
            async with asyncio.timeout(min(request.timeout_seconds, left)):
                return await self._opened().request(
                    request.method,
                    url,
                    data=io.BytesIO(body) if body and len(body) > _AT_ONCE_BYTES_MAX else body,
                    headers=headers,
                    allow_redirects=False,
                )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver,
                    use_dns_cache=False,  # one look-up, one check and one connection belong together
                    force_close=True,
                    limit=CONNECTIONS_MAX,
                    limit_per_host=CONNECTIONS_OF_A_HOST_MAX,
                    ssl=ssl.create_default_context(),
                ),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                headers={"User-Agent": "backboard-server", "Accept-Encoding": "identity"},
            )
        return self._session


class Reply:
    """The port `OutsideReply`: what was answered, within the bounds of the request."""

    def __init__(self, response: aiohttp.ClientResponse, request: OutsideRequest, deadline: float) -> None:
        """`deadline` is when everything has to be there, by the event loop's clock."""
        self.url = str(response.url)
        self.status = response.status
        self.headers: Mapping[str, str] = _joined_headers(response)
        self._response = response
        self._request = request
        self._deadline = deadline

    async def pieces(self) -> AsyncGenerator[bytes]:
        """Give the body as it arrives. Raises Upstream: timeout, truncated, malformed."""
        left = self._request.bytes_max
        inflater: Inflater | None = None
        with _told_of(self._response.url):
            while block := await self._next():
                inflater = inflater or Inflater(self.headers.get("content-encoding", ""))
                for piece in inflater.unpacked(block, left):
                    left -= len(piece)
                    if left < 0:
                        raise Failure("malformed", f"it is longer than {self._request.bytes_max:,} bytes")
                    yield piece
            if inflater and not inflater.is_whole:
                raise Failure("truncated", "it ends too early")

    async def read(self) -> bytes:
        """Return the whole body. Raises what `pieces` raises."""
        return b"".join([piece async for piece in self.pieces()])

    async def _next(self) -> bytes:
        left = self._deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(self._request.timeout_seconds, left)):
                return await self._response.content.readany()
        except (aiohttp.ClientError, ConnectionError) as error:
            raise Failure("truncated", "the connection was lost") from error


class _CheckedResolver(AbstractResolver):
    """Looks names up and lets through only those all of whose addresses may be asked."""

    def __init__(self, allowance: Allowance, look_up: LookUp) -> None:
        self._allowance = allowance
        self._look_up = look_up
        self._threads = ThreadPoolExecutor(LOOK_UPS_AT_ONCE_MAX, thread_name_prefix="look-up")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses to connect to. Raises Invalid (`address_forbidden`) if one of them is ours."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, self._look_up, host)
        is_allowed = self._allowance.has_name(host)
        checked = [self._checked(host, port, text, is_allowed) for text in dict.fromkeys(found)]
        return checked[:ADDRESSES_MAX]

    async def close(self) -> None:
        """Let the threads go; a look-up that is under way ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _checked(self, host: str, port: int, text: str, is_allowed: bool) -> ResolveResult:
        address = ip_address(text)
        if not (is_allowed or is_public(address) or self._allowance.has_address(address)):
            raise refused(f"the name {host} leads into a private or special network")
        return ResolveResult(
            hostname=host,
            host=text,
            port=port,
            family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
            proto=0,
            flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
        )


@contextmanager
def _told_of(url: URL) -> Generator[None]:
    """Turn what went wrong on the way into the one error that the rings above know, with the host's name."""
    try:
        yield
    except (Failure, aiohttp.ClientError, OSError, UnicodeError) as error:
        failure = error if isinstance(error, Failure) else _failure(error)
        host = url.host or ""
        raise Upstream(
            f"{host} could not be asked ({failure.said}). Check the address, and try again.",
            kind=failure.kind,
            provider=host,
        ) from error


def _failure(error: Exception) -> Failure:
    match error:
        case TimeoutError():
            return Failure("timeout", "it did not answer in time")
        case aiohttp.ClientConnectorDNSError():
            return Failure("unreachable", "its name is not known")
        case aiohttp.ClientSSLError():
            return Failure("unreachable", "its certificate is not valid for it, or it does not speak TLS")
        case aiohttp.ClientResponseError():
            return Failure("malformed", "its answer is not HTTP")
        case aiohttp.ServerDisconnectedError():
            return Failure("unreachable", "it closed the connection without an answer")
        case _:
            return Failure("unreachable", "no connection could be made")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, text in headers.items():
        if name.lower() in _HEADERS_OF_OURS:
            raise Invalid(f"The header {name} is set by the server itself. Leave it out.")
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(text):
            raise Invalid(f"The header {name!r} holds characters that no header can. Remove them.")


def _joined(url: URL, where: str) -> str:
    try:
        return str(url.join(URL(where)))
    except ValueError:
        raise refused("a redirect leads to what is not an address") from None


def _joined_headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, text in response.headers.items():
        key = name.lower()
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return joined
