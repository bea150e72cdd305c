from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from msgspec.structs import replace

from backboard_server.providers._failures import Failure
from backboard_server.providers._http import Call, Egress, EgressTimeouts
from fake_vendor import Answer, FakeVendor, Fault

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "Hi."}]}'
STREAMED = BODY[:-1] + b', "stream": true}'
QUICK = EgressTimeouts(connect_seconds=0.3, first_byte_seconds=0.2, between_chunks_seconds=0.2)


@pytest.fixture
async def egress() -> AsyncGenerator[Egress]:
    egress = Egress(EgressTimeouts())
    yield egress
    await egress.aclose()


@pytest.fixture
async def quick() -> AsyncGenerator[Egress]:
    egress = Egress(QUICK)
    yield egress
    await egress.aclose()


def _call(vendor: FakeVendor, body: bytes = BODY) -> Call:
    return Call(url=f"{vendor.base_url}/chat/completions", headers={"X-Mark": "1"}, body=body)


async def _read(egress: Egress, call: Call) -> bytes:
    async with egress.open(call) as reply:
        return await reply.read_all()


async def _failure(egress: Egress, call: Call) -> Failure:
    with pytest.raises(Failure) as caught:
        await _read(egress, call)
    return caught.value


async def test_a_call_sends_its_body_and_headers_and_asks_for_no_compression(
    egress: Egress, vendor: FakeVendor
) -> None:
    assert b"Hello from the vendor." in await _read(egress, _call(vendor))

    headers = vendor.requests[0].headers
    assert (headers["x-mark"], headers["accept-encoding"]) == ("1", "identity")


async def test_an_address_that_a_signature_covers_goes_out_as_it_is_written(
    egress: Egress, vendor: FakeVendor
) -> None:
    url = f"{vendor.base_url}/chat/completions?model=a%3Ab%2Fc"

    await _read(egress, Call(url=url, headers={}, body=BODY, is_encoded=True))

    assert vendor.requests[0].path == "/v1/chat/completions?model=a%3Ab%2Fc"


async def test_a_large_body_arrives_whole(egress: Egress, vendor: FakeVendor) -> None:
    content = "x" * 3_000_000
    body = BODY.replace(b"Hi.", content.encode())

    await _read(egress, _call(vendor, body))

    assert vendor.requests[0].body["messages"][0]["content"] == content


@pytest.mark.parametrize("body", [BODY, STREAMED])
async def test_a_connection_is_used_again(egress: Egress, vendor: FakeVendor, body: bytes) -> None:
    for _ in range(3):
        await _read(egress, _call(vendor, body))

    assert vendor.connections_made == 1


async def test_a_stream_that_was_left_after_its_last_event_is_read_to_its_end_for_the_next(
    egress: Egress, vendor: FakeVendor
) -> None:
    vendor.script(Answer(fault=Fault.SLOW_CLOSE), Answer())
    async with egress.open(_call(vendor, STREAMED)) as reply:
        await reply.read()

    async with asyncio.timeout(5):
        await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "goodbye"))
    await _read(egress, _call(vendor))

    assert vendor.connections_made == 1


async def test_leaving_with_an_error_closes_the_socket_at_once(egress: Egress, vendor: FakeVendor) -> None:
    vendor.script(Answer(text="a b c d", fault=Fault.HANG_BETWEEN_CHUNKS))

    async def leave() -> None:
        async with egress.open(_call(vendor, STREAMED)) as reply:
            await reply.read()
            raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        await leave()

    async with asyncio.timeout(5):
        await vendor.wait_for_connections(0)


async def test_a_closed_port_is_unreachable(egress: Egress) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        failure = await _failure(egress, Call(url=f"http://127.0.0.1:{port}/v1", headers={}))

    assert failure.kind == "unreachable"


@pytest.mark.parametrize(
    "url", ["localhost:11434/v1", "ftp://localhost/v1", "http://no-such-host.invalid/v1"]
)
async def test_an_address_that_is_none_is_unreachable(egress: Egress, url: str) -> None:
    assert (await _failure(egress, Call(url=url, headers={}))).kind == "unreachable"


async def test_a_host_that_does_not_accept_is_unreachable_in_the_time_to_connect(quick: Egress) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # One connection fills the queue; the kernel then leaves the next one waiting.
        with socket.create_connection(full.getsockname()), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(full.getsockname())

            egress = Egress(EgressTimeouts(connect_seconds=0.2))
            failure = await _failure(
                egress, Call(url=f"http://127.0.0.1:{full.getsockname()[1]}/", headers={})
            )
            await egress.aclose()

    assert (failure.kind, failure.said) == ("unreachable", "no connection within 0.2 s")


async def test_a_server_that_does_not_speak_http_is_malformed(
    egress: Egress, serve_bytes: Callable[[bytes], Awaitable[str]]
) -> None:
    url = await serve_bytes(b"220 mail.example ESMTP\r\n\r\n")

    assert (await _failure(egress, Call(url=url, headers={}))).kind == "malformed"


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.HANG_AFTER_HEADERS, Fault.HANG_BETWEEN_CHUNKS])
async def test_silence_ends_with_a_timeout_in_every_phase(
    quick: Egress, vendor: FakeVendor, fault: Fault
) -> None:
    vendor.script(Answer(text="a b c d", fault=fault))

    failure = await _failure(quick, _call(vendor, STREAMED))

    assert (failure.kind, failure.said) == ("timeout", "silent for 0.2 s")


async def test_slow_chunks_within_the_limit_are_waited_for_however_many_there_are(
    quick: Egress, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="a b c d e f g h", chunk_delay_seconds=0.05))

    assert b"[DONE]" in await _read(quick, _call(vendor, STREAMED))


async def test_a_body_that_opens_to_more_than_the_limit_is_refused(
    egress: Egress, vendor: FakeVendor
) -> None:
    vendor.script(Answer(fault=Fault.GZIP_BOMB))

    failure = await _failure(egress, _call(vendor))

    assert (failure.kind, failure.said) == ("malformed", "it is longer than 67,108,864 bytes")


async def test_a_redirect_is_not_followed(egress: Egress, vendor: FakeVendor) -> None:
    vendor.script(Answer(fault=Fault.REDIRECT))

    failure = await _failure(egress, _call(vendor))

    assert (failure.kind, failure.status) == ("malformed", 307)
    assert "http://127.0.0.1:9/" in failure.said


async def test_a_proxy_of_the_environment_is_not_used(
    egress: Egress, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    assert await _read(egress, _call(vendor))


async def test_an_error_body_that_never_ends_is_not_waited_for(
    serve_bytes: Callable[[bytes], Awaitable[str]],
) -> None:
    url = await serve_bytes(b'HTTP/1.1 500 Oh\r\nContent-Length: 1000\r\n\r\n{"error": "half')
    egress = Egress(EgressTimeouts(connect_seconds=0.2))

    failure = await _failure(egress, Call(url=url, headers={}))
    await egress.aclose()

    assert (failure.kind, failure.status, failure.said) == ("failed", 500, '{"error": "half')


@pytest.mark.parametrize("fault", [Fault.SILENCE, Fault.HANG_BETWEEN_CHUNKS])
async def test_a_model_that_thinks_may_stay_silent_for_longer(vendor: FakeVendor, fault: Fault) -> None:
    timeouts = EgressTimeouts(first_byte_seconds=0.02, between_chunks_seconds=0.02, thinking_factor=5)
    vendor.script(Answer(text="a b c d", fault=fault))
    egress = Egress(timeouts)

    failure = await _failure(egress, replace(_call(vendor, STREAMED), is_thinking=True))

    await egress.aclose()
    assert (failure.kind, failure.said) == ("timeout", "silent for 0.1 s")


async def test_an_answer_that_comes_all_at_once_has_a_time_of_its_own() -> None:
    timeouts = EgressTimeouts(first_byte_seconds=30, whole_answer_seconds=0.05)
    async with FakeVendor() as vendor:
        vendor.script(Answer(fault=Fault.SILENCE))
        egress = Egress(timeouts)
        call = Call(url=f"{vendor.base_url}/chat/completions", headers={}, body=BODY, is_whole=True)

        failure = await _failure(egress, call)

        await egress.aclose()
    assert (failure.kind, failure.said) == ("timeout", "silent for 0.05 s")
