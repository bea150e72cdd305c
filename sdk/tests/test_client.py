from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

import backboard
from backboard import BackboardClient, BackboardConfigurationError, SyncBackboardClient

from .conftest import Connect
from .scripted_server import ScriptedServer, json_answer

IMPORT_SECONDS_MAX = 0.3  # of processor time, the start of the interpreter included


async def test_key_and_address_come_from_the_environment(
    connect: Connect, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKBOARD_API_KEY", "espr_from_environment")
    monkeypatch.setenv("BACKBOARD_BASE_URL", server.url + "/")
    server.script(json_answer([]))

    await connect(api_key=None, base_url=None).list_threads()

    assert server.last_request.path == "/api/threads"
    assert server.last_request.headers["x-api-key"] == "espr_from_environment"


async def test_arguments_win_over_the_environment(
    connect: Connect, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKBOARD_API_KEY", "espr_from_environment")
    monkeypatch.setenv("BACKBOARD_BASE_URL", "http://127.0.0.1:9/api")
    server.script(json_answer([]))

    await connect(api_key="espr_argument").list_threads()

    assert server.last_request.headers["x-api-key"] == "espr_argument"


async def test_a_missing_key_is_named_with_its_variable(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BACKBOARD_API_KEY", raising=False)

    with pytest.raises(BackboardConfigurationError, match="BACKBOARD_API_KEY"):
        connect(api_key=None)


async def test_each_client_says_which_it_is_and_takes_headers_along(
    connect: Connect, server: ScriptedServer, request: pytest.FixtureRequest
) -> None:
    server.script(json_answer([]))

    await connect(default_headers={"X-Team": "blue"}).list_threads()

    kind = request.node.callspec.params["connect"]
    assert (
        server.last_request.headers["user-agent"] == f"backboard-python-sdk/{backboard.__version__} ({kind})"
    )
    assert server.last_request.headers["x-team"] == "blue"


async def test_an_async_client_uses_and_leaves_open_the_connections_it_was_given(
    server: ScriptedServer,
) -> None:
    server.script(json_answer([]))

    async with httpx.AsyncClient(headers={"X-Mine": "yes"}) as http:
        async with BackboardClient("espr_test", server.url, http_client=http) as client:
            await client.list_threads()

        assert not http.is_closed
    assert server.last_request.headers["x-mine"] == "yes"


def test_a_sync_client_uses_and_leaves_open_the_connections_it_was_given(server: ScriptedServer) -> None:
    server.script(json_answer([]))

    with httpx.Client(headers={"X-Mine": "yes"}) as http:
        with SyncBackboardClient("espr_test", server.url, http_client=http) as client:
            client.list_threads()

        assert not http.is_closed
    assert server.last_request.headers["x-mine"] == "yes"


async def test_a_closed_client_has_no_connections_left(connect: Connect, server: ScriptedServer) -> None:
    server.script(json_answer([]))
    client = connect()
    await client.list_threads()

    await client.aclose()

    with pytest.raises(RuntimeError, match="closed"):
        await client.list_threads()


def test_importing_the_package_is_quick_and_leaves_the_http_library_for_later() -> None:
    program = "import sys, time, backboard; print(time.process_time()); sys.exit('httpx' in sys.modules)"
    command = [sys.executable, "-c", program]

    seconds = [float(subprocess.check_output(command)) for _ in range(3)]  # noqa: S603 - this very interpreter

    assert min(seconds) < IMPORT_SECONDS_MAX
