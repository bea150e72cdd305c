"""The library's HTTP through the guarded port: nothing goes around it, and every failure is an answer."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from backboard_server.providers.outside import GuardedOutside
from backboard_server.tools.mcp import transport
from backboard_server.tools.mcp.transport import CALL_KEY, RESUMPTIONS_MAX, OutsideTransport
from fake_mcp import FakeMcp, Reply

LIST: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
CALL: dict[str, Any] = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "echo", "arguments": {}},
}


async def sent(
    outside: GuardedOutside, mcp: FakeMcp, message: object = LIST, **headers: str
) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=OutsideTransport(outside), trust_env=False) as client:
        return await client.post(mcp.url, json=message, headers=headers)


async def test_a_request_and_its_answer_pass_through(outside: GuardedOutside) -> None:
    async with FakeMcp(has_sessions=False, token="t") as mcp:
        response = await sent(outside, mcp, Authorization="Bearer t")

    assert response.status_code == 200
    assert response.json()["result"]["tools"][0]["name"] == "echo"
    assert mcp.requests[-1].headers["authorization"] == "Bearer t"


async def test_an_answer_that_comes_compressed_is_unpacked_once(outside: GuardedOutside) -> None:
    async with FakeMcp(has_sessions=False) as mcp:
        mcp.script(Reply(fault="gzip"), method="tools/list")

        response = await sent(outside, mcp)

    assert response.json()["result"]["tools"][0]["name"] == "echo"


async def test_the_key_of_a_call_travels_as_a_header_too(outside: GuardedOutside) -> None:
    meta = {"_meta": {CALL_KEY: "run:1"}, "name": "echo", "arguments": {}}
    async with FakeMcp(has_sessions=False) as mcp:
        await sent(outside, mcp, CALL | {"params": meta})
        await sent(outside, mcp, CALL)

    assert [request.headers.get("idempotency-key") for request in mcp.requests] == ["run:1", None]
    assert mcp.calls[0].call_key == "run:1"


async def test_an_address_that_may_not_be_asked_is_an_answer_that_says_so(mcp: FakeMcp) -> None:
    guarded = GuardedOutside(None)

    response = await sent(guarded, mcp)

    await guarded.aclose()
    assert response.status_code == 502
    assert "address may not be used" in response.json()["error"]["message"]
    assert not mcp.requests


async def test_a_server_that_is_away_is_an_answer_that_says_so(outside: GuardedOutside) -> None:
    async with FakeMcp() as mcp:
        pass

    assert "127.0.0.1 could not be asked" in (await sent(outside, mcp)).json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("<html>No</html>", "it refuses with HTTP status 403"),
        ('{"error": "forbidden"}', "it refuses with HTTP status 403"),
        ("x" * 1_000_000, "it refuses with HTTP status 403"),
        ('{"jsonrpc": "2.0", "id": null, "error": {"code": -32001, "message": "not you"}}', "not you"),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_the_protocol(
    outside: GuardedOutside, body: str, message: str
) -> None:
    async with FakeMcp(has_sessions=False) as mcp:
        mcp.script(Reply(fault="status", status=403, text=body), method="tools/list")

        response = await sent(outside, mcp)

    assert response.status_code == 403
    assert response.json()["error"]["message"] == message


async def test_a_session_that_the_server_does_not_know_is_noticed(outside: GuardedOutside) -> None:
    through = OutsideTransport(outside)
    async with FakeMcp() as mcp, httpx2.AsyncClient(transport=through) as client:
        await client.post(mcp.url + "/elsewhere", json=LIST)
        before = through.has_lost_session
        await client.post(mcp.url, json=LIST, headers={"Mcp-Session-Id": "gone"})

    assert (before, through.has_lost_session) == (False, True)


async def test_nobody_listens_to_what_a_server_says_unasked(outside: GuardedOutside, mcp: FakeMcp) -> None:
    async with httpx2.AsyncClient(transport=OutsideTransport(outside)) as client:
        response = await client.get(mcp.url, headers={"Accept": "text/event-stream"})

    assert response.status_code == 405
    assert not mcp.requests


async def test_a_stream_is_taken_up_again_only_so_often(outside: GuardedOutside, mcp: FakeMcp) -> None:
    async with httpx2.AsyncClient(transport=OutsideTransport(outside)) as client:
        statuses = [
            (await client.get(mcp.url, headers={"Last-Event-Id": "1"})).status_code
            for _ in range(RESUMPTIONS_MAX + 2)
        ]

    assert statuses == [200] * RESUMPTIONS_MAX + [405] * 2
    assert len(mcp.requests) == RESUMPTIONS_MAX


async def test_an_answer_that_is_too_long_is_not_read_to_its_end(
    outside: GuardedOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "ANSWER_BYTES_MAX", 1_000)
    async with FakeMcp(has_sessions=False) as mcp:
        mcp.script(Reply(text="x" * 2_000))

        with pytest.raises(httpx2.StreamError, match="longer than 1,000 bytes"):
            await sent(outside, mcp, CALL)


async def test_what_has_no_answer_is_not_waited_for_as_long(
    outside: GuardedOutside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "COURTESY_SECONDS_MAX", 0.05)
    async with FakeMcp(has_sessions=False) as mcp:
        mcp.script(Reply(fault="hang"), method="notifications/cancelled")

        async with asyncio.timeout(5):
            response = await sent(outside, mcp, {"jsonrpc": "2.0", "method": "notifications/cancelled"})

    assert response.status_code == 502
    assert "in time" in response.json()["error"]["message"]
