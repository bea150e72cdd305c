"""A server on a loopback port: listens in its block alone, counts its clients, and hangs up on them."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

from fake_mcp import FakeMcp
from fake_vendor import FakeVendor
from fake_vendor.loopback import Loopback

DEADLINE_SECONDS = 5.0


async def _connect(server: Loopback) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    url = urlsplit(server.root_url)
    return await asyncio.open_connection(url.hostname, url.port)


@pytest.fixture(params=[FakeVendor, FakeMcp])
def server(request: pytest.FixtureRequest) -> Loopback:
    """One of our doubles, which does not listen yet."""
    return request.param()


async def test_the_address_is_on_loopback_at_the_port_that_was_taken(server: Loopback) -> None:
    async with server:
        url = urlsplit(server.root_url)
        _, writer = await _connect(server)
        peer = writer.get_extra_info("peername")
        writer.close()

    assert (url.scheme, url.hostname, url.path) == ("http", "127.0.0.1", "")
    assert peer == ("127.0.0.1", url.port)
    assert url.port


async def test_a_port_that_is_asked_for_is_listened_to(server: Loopback) -> None:
    async with server:
        port = urlsplit(server.root_url).port or 0

    async with FakeVendor(port=port) as again:
        assert again.root_url == server.root_url
        _, writer = await _connect(again)
        writer.close()


async def test_a_port_that_is_taken_is_refused(server: Loopback) -> None:
    async with server:
        port = urlsplit(server.root_url).port or 0

        with pytest.raises(OSError, match="in use"):
            async with FakeVendor(port=port):
                pass


async def test_clients_are_counted_now_and_since_the_start(server: Loopback) -> None:
    async with server, asyncio.timeout(DEADLINE_SECONDS):
        clients = [await _connect(server) for _ in range(3)]
        await server.wait_for_connections(3)
        before = (server.open_connections, server.connections_made)
        clients[0][1].close()
        await server.wait_for_connections(2)
        after = (server.open_connections, server.connections_made)

    assert (before, after) == ((3, 3), (2, 3))
    for _, writer in clients:
        writer.close()


async def test_who_waits_for_connections_waits_until_there_are_so_many(server: Loopback) -> None:
    async with server, asyncio.timeout(DEADLINE_SECONDS):
        waiting = asyncio.create_task(server.wait_for_connections(2))
        _, first = await _connect(server)
        await server.wait_for_connections(1)
        was_waiting = not waiting.done()
        _, second = await _connect(server)

        await waiting

    assert was_waiting
    for writer in (first, second):
        writer.close()


async def test_the_end_hangs_up_on_everybody_and_leaves_no_task(server: Loopback) -> None:
    before = asyncio.all_tasks()
    async with server, asyncio.timeout(DEADLINE_SECONDS):
        clients = [await _connect(server) for _ in range(2)]
        await server.wait_for_connections(2)

    async with asyncio.timeout(DEADLINE_SECONDS):
        for reader, writer in clients:
            assert await reader.read() == b""
            writer.close()
    assert server.open_connections == 0
    assert asyncio.all_tasks() == before
    with pytest.raises(ConnectionRefusedError):
        await _connect(server)


async def test_many_clients_at_once_are_let_in(server: Loopback) -> None:
    many = 300

    async with server, asyncio.timeout(DEADLINE_SECONDS):
        clients = await asyncio.gather(*[_connect(server) for _ in range(many)])
        await server.wait_for_connections(many)

    assert server.connections_made == many
    for _, writer in clients:
        writer.close()
