"""Addresses that tenants name: what is connected to, what is told to whom, and where it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest
from aiohttp import web
from msgspec.structs import replace

from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.outside import OutsideRequest
from backboard_server.providers.outside import GuardedOutside, LookUp
from certificates import tls_context
from receiver import Receiver, answer_with, drip, redirect_to, silence

Make = Callable[..., GuardedOutside]
NAME = "hooks.example.com"


@pytest.fixture
async def outside_of() -> AsyncGenerator[Make]:
    """Make the way outside, with what the operator allows and what the names of the world lead to."""
    made: list[GuardedOutside] = []

    def make(allow: str | None = None, look_up: LookUp | None = None) -> GuardedOutside:
        made.append(GuardedOutside(allow, look_up) if look_up else GuardedOutside(allow))
        return made[-1]

    yield make
    for outside in made:
        await outside.aclose()


def _get(url: str, **fields: object) -> OutsideRequest:
    return replace(OutsideRequest(method="GET", url=url), **fields)


async def _read(outside: GuardedOutside, request: OutsideRequest) -> tuple[int, bytes]:
    async with outside.open(request) as reply:
        return reply.status, await reply.read()


async def _failure(outside: GuardedOutside, request: OutsideRequest) -> Upstream:
    with pytest.raises(Upstream) as caught:
        await _read(outside, request)
    return caught.value


async def _refusal(outside: GuardedOutside, request: OutsideRequest) -> Invalid:
    with pytest.raises(Invalid) as caught:
        await _read(outside, request)
    return caught.value


def _leads_to(*addresses: str) -> LookUp:
    return lambda _name: list(addresses)


async def test_a_request_arrives_and_its_answer_comes_back(outside_of: Make) -> None:
    async with Receiver() as receiver:
        receiver.status = 418
        request = OutsideRequest(
            method="POST", url=f"{receiver.url}/a?b=c#d", headers={"X-Mark": "1"}, body=b"{}"
        )
        async with outside_of("127.0.0.1").open(request) as reply:
            answered = (reply.status, reply.headers["content-length"], await reply.read(), reply.url)
        (received,) = receiver.received

    assert answered == (418, "6", b"Taken.", f"{receiver.url}/a?b=c")
    assert (received.method, received.path, received.body) == ("POST", "/a?b=c", b"{}")
    assert received.headers["x-mark"] == "1"
    assert received.headers["accept-encoding"] == "identity"


async def test_an_address_of_our_own_is_refused_before_anything_is_sent(outside_of: Make) -> None:
    async with Receiver() as receiver:
        for url in (receiver.url, f"https://127.0.0.1:{receiver.port}", f"https://localhost:{receiver.port}"):
            assert (await _refusal(outside_of(), _get(url))).error_code == "address_forbidden"

        assert receiver.received == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["2606:4700::1111", "::1"],
        ["8.8.8.8", "::ffff:127.0.0.1"],
        ["8.8.8.8", "fe80::1%eth0"],
        ["169.254.169.254"],
        ["64:ff9b::a9fe:a9fe"],
        [*(f"8.8.8.{last}" for last in range(100)), "10.0.0.1"],
    ],
)
async def test_a_name_is_refused_if_one_of_its_addresses_is_not_public(
    outside_of: Make, addresses: list[str]
) -> None:
    async with Receiver() as receiver:
        outside = outside_of(look_up=_leads_to(*addresses))

        refusal = await _refusal(outside, _get(f"https://{NAME}:{receiver.port}/"))

        assert receiver.received == []
    assert "private or special network" in refusal.message
    assert addresses[-1] not in refusal.message


async def test_a_name_that_means_something_else_each_time_is_checked_each_time(outside_of: Make) -> None:
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["127.0.0.1"]])
    asked: list[str] = []

    def look_up(name: str) -> list[str]:
        asked.append(name)
        return next(answers)

    outside = outside_of("127.0.0.0/8", look_up)
    async with Receiver(tls=None) as receiver:
        url = f"https://{NAME}:{receiver.port}/"
        first = await _failure(outside, _get(url))  # it is let through, and the receiver speaks no TLS
        await _refusal(outside, _get(url))

    assert first.kind == "unreachable"
    assert asked == [NAME, NAME]


async def test_a_connection_goes_to_the_address_that_was_checked_and_names_the_host(
    outside_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    async with Receiver(tls=tls_context(tmp_path, NAME)) as receiver:
        outside = outside_of("127.0.0.1/32", _leads_to("127.0.0.1"))

        assert await _read(outside, _get(f"https://{NAME}:{receiver.port}/")) == (200, b"Taken.")

    (received,) = receiver.received
    assert received.headers["host"] == f"{NAME}:{receiver.port}"
    assert received.server_name == NAME


async def test_a_certificate_of_somebody_else_is_not_taken(
    outside_of: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    async with Receiver(tls=tls_context(tmp_path, "other.example.com")) as receiver:
        outside = outside_of("127.0.0.1/32", _leads_to("127.0.0.1"))

        failure = await _failure(outside, _get(f"https://{NAME}:{receiver.port}/"))

    assert (failure.kind, receiver.received) == ("unreachable", [])
    assert "certificate" in failure.message


async def test_a_name_that_the_operator_allows_may_lead_anywhere(outside_of: Make) -> None:
    async with Receiver() as receiver:
        outside = outside_of(NAME, _leads_to("127.0.0.1"))

        assert (await _read(outside, _get(f"http://{NAME}:{receiver.port}/")))[0] == 200
        assert receiver.received[0].headers["host"] == f"{NAME}:{receiver.port}"


async def test_the_names_of_this_machine_are_looked_up(outside_of: Make) -> None:
    async with Receiver() as receiver:
        assert (await _read(outside_of("localhost"), _get(f"http://localhost:{receiver.port}/")))[0] == 200


async def test_the_environment_and_cookies_have_no_part_in_it(
    outside_of: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for variable in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")

    async def set_a_cookie(_request: web.Request) -> web.StreamResponse:
        return web.Response(headers={"Set-Cookie": "canary=1; Path=/"})

    outside = outside_of("127.0.0.1")
    async with Receiver(set_a_cookie) as receiver:
        for _ in range(2):
            await _read(outside, _get(receiver.url))

    assert [set(received.headers) & {"cookie", "authorization"} for received in receiver.received] == [
        set()
    ] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_unless_following_is_asked_for(outside_of: Make, status: int) -> None:
    outside = outside_of("127.0.0.1")
    async with Receiver(redirect_to("/there", status)) as receiver:
        start = _get(f"{receiver.url}/start")

        assert (await _read(outside, start))[0] == status
        assert await _read(outside, replace(start, redirects_max=1)) == (200, b"Arrived.")
        assert (await _read(outside, replace(start, method="POST", body=b"", redirects_max=1)))[0] == status


async def test_redirects_end_after_as_many_as_were_asked_for(outside_of: Make) -> None:
    async with Receiver(redirect_to("/start")) as receiver:
        request = _get(f"{receiver.url}/start", redirects_max=3)

        assert (await _read(outside_of("127.0.0.1"), request))[0] == 302
        assert len(receiver.received) == 4


@pytest.mark.parametrize(
    "where",
    [
        "http://127.0.0.2:{port}/there",
        "http://localhost:{port}/there",
        "http://[::1]:{port}/there",
        "http://2130706433:{port}/there",
        "//127.0.0.2:{port}/there",
        "https://metadata.example.com:{port}/",
        "file:///etc/passwd",
        "http://[::1",
        "http://user@127.0.0.1:{port}/there",
    ],
)
async def test_a_redirect_into_our_own_network_is_refused(outside_of: Make, where: str) -> None:
    async with Receiver(lambda request: redirect_to(where.format(port=receiver.port))(request)) as receiver:
        outside = outside_of("127.0.0.1/32", _leads_to("169.254.169.254"))

        refusal = await _refusal(outside, _get(f"{receiver.url}/start", redirects_max=5))

        assert [received.path for received in receiver.received] == ["/start"]
    assert refusal.error_code == "address_forbidden"


@pytest.mark.parametrize(("is_same", "expected"), [(True, "secret"), (False, None)])
async def test_a_redirect_to_another_host_takes_no_secret_along(
    outside_of: Make, is_same: bool, expected: str | None
) -> None:
    async with Receiver() as target:
        where = "/there" if is_same else f"{target.url}/there"
        async with Receiver(redirect_to(where)) as receiver:
            headers = {"Authorization": "secret", "Accept": "text/html"}
            request = _get(f"{receiver.url}/start", headers=headers, redirects_max=1)

            await _read(outside_of("127.0.0.1"), request)

    arrived = (receiver.received[1:] or target.received)[0].headers
    assert (arrived.get("authorization"), arrived["accept"]) == (expected, "text/html")


@pytest.mark.parametrize(
    "header", ["Host", "content-length", "Transfer-Encoding", "Proxy-Authorization", "TE"]
)
async def test_headers_that_steer_the_connection_are_not_the_tenants(outside_of: Make, header: str) -> None:
    request = _get("http://127.0.0.1:9/", headers={header: "1"})

    assert header in (await _refusal(outside_of("127.0.0.1"), request)).message


@pytest.mark.parametrize(("name", "text"), [("X", "a\r\nHost: b"), ("X\n", "a"), ("X Y", "a"), ("", "a")])
async def test_headers_that_break_out_of_their_line_are_refused(
    outside_of: Make, name: str, text: str
) -> None:
    request = _get("http://127.0.0.1:9/", headers={name: text})

    assert "characters" in (await _refusal(outside_of("127.0.0.1"), request)).message


async def test_a_silent_host_is_given_up_in_time(outside_of: Make) -> None:
    async with Receiver(silence) as receiver:
        for limits in ({"timeout_seconds": 0.05}, {"total_seconds": 0.05}):
            failure = await _failure(outside_of("127.0.0.1"), _get(receiver.url, **limits))

            assert (failure.kind, failure.provider) == ("timeout", "127.0.0.1")


@pytest.mark.parametrize("limits", [{"timeout_seconds": 0.05}, {"total_seconds": 0.3}])
async def test_a_body_that_does_not_end_is_given_up_in_time(
    outside_of: Make, limits: dict[str, float]
) -> None:
    async with Receiver(drip) as receiver:
        failure = await _failure(outside_of("127.0.0.1"), _get(receiver.url, **limits))

    assert failure.kind == "timeout"


async def test_a_slow_name_is_given_up_in_time(outside_of: Make) -> None:
    gate = asyncio.Event()
    loop = asyncio.get_running_loop()

    def look_up(_name: str) -> list[str]:
        asyncio.run_coroutine_threadsafe(gate.wait(), loop).result()
        return ["8.8.8.8"]

    failure = await _failure(outside_of(None, look_up), _get(f"https://{NAME}/", timeout_seconds=0.05))
    gate.set()

    assert failure.kind == "timeout"


@pytest.mark.parametrize("is_packed", [False, True])
async def test_a_body_is_read_no_further_than_it_may_be_long(outside_of: Make, is_packed: bool) -> None:
    answering = answer_with(bytes(5_000_000), is_packed=is_packed)
    async with Receiver(answering) as receiver:
        outside = outside_of("127.0.0.1")

        failure = await _failure(outside, _get(receiver.url, bytes_max=1_000_000))

        assert (failure.kind, "1,000,000 bytes" in failure.message) == ("malformed", True)
        assert len((await _read(outside, _get(receiver.url, bytes_max=5_000_000)))[1]) == 5_000_000


async def test_an_answer_that_was_compressed_unasked_is_unpacked(outside_of: Make) -> None:
    async with Receiver(answer_with(b"Hello.", is_packed=True)) as receiver:
        assert (await _read(outside_of("127.0.0.1"), _get(receiver.url)))[1] == b"Hello."
        assert (await _read(outside_of("127.0.0.1"), _get(receiver.url, method="HEAD")))[1] == b""


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "truncated"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx", "malformed"),
        (b"", "unreachable"),
    ],
)
async def test_what_is_no_answer_is_told_as_what_it_is(outside_of: Make, content: bytes, kind: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(content)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        failure = await _failure(outside_of("127.0.0.1"), _get(f"http://127.0.0.1:{port}/"))

    assert failure.kind == kind


async def test_a_closed_port_and_an_unknown_name_are_unreachable(outside_of: Make) -> None:
    def unknown(_name: str) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = await _failure(outside_of("127.0.0.1"), _get(f"http://127.0.0.1:{taken.getsockname()[1]}/"))
    nameless = await _failure(outside_of(None, unknown), _get(f"https://{NAME}/"))

    assert (closed.kind, nameless.kind) == ("unreachable", "unreachable")
    assert "name is not known" in nameless.message


async def test_leaving_closes_the_connection(outside_of: Make) -> None:
    is_closed = asyncio.Event()

    async def drip_and_tell(request: web.Request) -> web.StreamResponse:
        try:
            return await drip(request)
        finally:
            is_closed.set()

    async with Receiver(drip_and_tell) as receiver:
        async with outside_of("127.0.0.1").open(_get(receiver.url)) as reply:
            async for piece in reply.pieces():
                assert piece == b"drip"
                break
        async with asyncio.timeout(5):
            await is_closed.wait()


async def test_a_large_body_arrives_whole(outside_of: Make) -> None:
    async with Receiver() as receiver:
        request = OutsideRequest(method="PUT", url=receiver.url, body=b"x" * 900_000)

        await _read(outside_of("127.0.0.1"), request)

    assert receiver.received[0].body == request.body


def test_an_address_is_checked_by_its_form_alone(outside_of: Make) -> None:
    outside = outside_of()

    outside.check("https://a-name-that-nobody-has.example/")
    with pytest.raises(Invalid):
        outside.check("https://[::1]/")
