from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from fake_vendor import Answer, FakeVendor, Fault

REQUEST_BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Hi."}]}'


def _request(body: bytes = REQUEST_BODY) -> bytes:
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: vendor\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )


def _splits(whole: bytes) -> Iterator[tuple[bytes, bytes]]:
    for at in range(1, len(whole), 17):
        yield whole[:at], whole[at:]


async def _connect(vendor: FakeVendor) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = vendor.base_url.removeprefix("http://").removesuffix("/v1").partition(":")
    return await asyncio.open_connection(host, int(port))


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()


async def test_a_request_is_answered_wherever_its_bytes_are_split() -> None:
    async with FakeVendor() as vendor:
        reader, writer = await _connect(vendor)
        for first, second in _splits(_request()):
            writer.write(first)
            await writer.drain()
            writer.write(second)
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
            await reader.readuntil(b"}}}")
        await _close(writer)


async def test_two_requests_at_once_are_answered_one_after_the_other() -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="first", first_byte_delay_seconds=0.01), Answer(text="second"))
        reader, writer = await _connect(vendor)
        writer.write(_request() * 2)

        answers = (await reader.readuntil(b"}}}"), await reader.readuntil(b"}}}"))

        assert [b"first" in answers[0], b"second" in answers[1]] == [True, True]
        await _close(writer)


async def test_a_reset_is_a_reset_and_not_a_goodbye() -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(fault=Fault.TRUNCATED_RESET))
        reader, writer = await _connect(vendor)
        writer.write(_request())

        with pytest.raises(ConnectionResetError):
            await reader.read()

        writer.close()


async def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    async with FakeVendor() as vendor:
        vendor.script(Answer(fault=Fault.SILENCE))
        _, writer = await _connect(vendor)
        writer.write(_request())
        await vendor.wait_for_connections(1)
        await _close(writer)

        async with asyncio.timeout(5):
            await vendor.wait_for_connections(0)

    assert asyncio.all_tasks() == before
