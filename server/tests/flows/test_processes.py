"""One machine's processes: what a start brings up, what a stop leaves behind, and the deaths between."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import httpx
import msgspec
import pytest

from fake_vendor import Answer, FakeVendor, Fault
from running_server import (
    NOBODY,
    RunningServer,
    eventually,
    is_alive,
    postgres_pid,
    public_python,
    run_command,
)

HEADER_SECONDS_MAX = 15.0
KEY = "espr_a-key-of-the-operators-own"


@pytest.fixture
def server(tmp_path: Path) -> Generator[RunningServer]:
    with RunningServer(tmp_path / "data") as running:
        yield running


def test_a_start_prints_a_working_key_once_and_a_stop_leaves_nothing_running(tmp_path: Path) -> None:
    with RunningServer(tmp_path) as first:
        children = [*first.children(), postgres_pid(tmp_path)]
        listed = httpx.get(f"{first.base_url}/api/assistants", headers={"X-API-Key": first.api_key})
        code = first.stop()
    eventually(lambda: not any(is_alive(pid) for pid in children))

    with RunningServer(tmp_path) as second:
        again = httpx.get(f"{second.base_url}/api/assistants", headers={"X-API-Key": first.api_key})

    assert (listed.status_code, code) == (200, 0)
    assert (second.api_key, again.status_code) == ("", 200)


def test_it_is_ready_soon_after_a_warm_start(tmp_path: Path) -> None:
    with RunningServer(tmp_path):
        pass

    started = time.monotonic()
    with RunningServer(tmp_path):
        seconds = time.monotonic() - started

    assert seconds < 10, "2.5 s is the aim on an idle machine"


async def test_a_stream_that_is_under_way_comes_to_its_end_before_the_server_stops(tmp_path: Path) -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="one two three four five six", chunk_delay_seconds=0.2))
        with RunningServer(tmp_path, environment=openai_at(vendor)) as server:
            async with server.client() as client, say_hello(client) as response:
                lines = response.aiter_lines()
                async for line in lines:
                    if "content_streaming" in line:
                        break
                server.process.send_signal(signal.SIGTERM)
                rest = [line async for line in lines]
            code = await asyncio.to_thread(server.process.wait)

    assert any("run_ended" in line for line in rest)
    assert code == 0


async def test_a_run_that_does_not_end_is_stopped_when_the_time_to_drain_is_over(tmp_path: Path) -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="one two three", fault=Fault.HANG_BETWEEN_CHUNKS))
        environment = openai_at(vendor) | {"BACKBOARD_DRAIN_SECONDS": "1"}
        with RunningServer(tmp_path, environment=environment) as server:
            async with server.client() as client, say_hello(client) as response:
                lines = response.aiter_lines()
                async for line in lines:
                    if "content_streaming" in line:
                        break
                started = time.monotonic()
                server.process.send_signal(signal.SIGTERM)
                event = [json_of(line[6:]) async for line in lines if line.startswith("data:")][-1]
            code = await asyncio.to_thread(server.process.wait)
            seconds = time.monotonic() - started
        with RunningServer(tmp_path, environment={"BACKBOARD_API_KEY": server.api_key}) as again:
            async with again.client() as client:
                thread = await client.get(f"/threads/{event['thread_id']}")

    assert code == 0
    assert seconds < 5
    assert [message["status"] for message in thread.json()["messages"]] == ["COMPLETED", "FAILED"]


def test_a_killed_server_takes_its_processes_along_and_leaves_postgres_to_the_next_one(
    tmp_path: Path,
) -> None:
    with RunningServer(tmp_path) as first:
        postgres = postgres_pid(tmp_path)
        children = [pid for pid in first.children() if pid != postgres]
        first.process.kill()
        first.process.wait()
        eventually(lambda: not any(is_alive(pid) for pid in children))
        survived = is_alive(postgres)

    with RunningServer(tmp_path) as second:
        adopted = postgres_pid(tmp_path)
        listed = httpx.get(f"{second.base_url}/api/assistants", headers={"X-API-Key": first.api_key})

    assert len(children) >= 2
    assert survived
    assert (adopted, listed.status_code) == (postgres, 200)
    assert not is_alive(postgres)


def test_a_killed_web_process_is_replaced(server: RunningServer) -> None:
    os.kill(server.child("spawn_main"), signal.SIGKILL)

    eventually(lambda: is_ready(server))


def test_a_killed_job_worker_is_replaced(server: RunningServer) -> None:
    killed = server.child(" work ")

    os.kill(killed, signal.SIGKILL)

    eventually(lambda: any(" work " in words for pid, words in server.children().items() if pid != killed))
    assert is_ready(server)


def test_a_killed_postgres_comes_back_and_requests_succeed_again(server: RunningServer) -> None:
    os.kill(postgres_pid(server.data_dir), signal.SIGKILL)

    eventually(lambda: "The embedded Postgres is back" in server.log)
    eventually(lambda: is_ready(server))


def test_a_server_without_job_worker_runs_none(tmp_path: Path) -> None:
    with RunningServer(tmp_path, "--no-worker") as server:
        assert not any(" work " in words for words in server.children().values())


def test_several_web_processes_share_the_port(tmp_path: Path) -> None:
    with RunningServer(tmp_path, "--workers", "2") as server:
        web = [pid for pid, words in server.children().items() if "spawn_main" in words]
        for _ in range(50):
            httpx.get(f"{server.base_url}/health")
        server.stop()

    assert len(web) == 2
    assert all(f"web[{pid}]" in server.log for pid in web)


def test_half_sent_headers_are_not_waited_for_longer_than_15_seconds(server: RunningServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: backboard\r\nX-Half")
        client.settimeout(HEADER_SECONDS_MAX)
        while client.recv(1024):
            continue


def test_a_key_made_beside_the_server_works_at_once_until_it_is_revoked(
    server: RunningServer,
) -> None:
    data_dir = str(server.data_dir)
    made = run_command("keys", "create", "--tenant", "team", "--data-dir", data_dir, "--json")
    key = json_of(made.stdout)
    headers = {"X-API-Key": str(key["api_key"])}
    before = httpx.get(f"{server.base_url}/api/assistants", headers=headers).status_code

    revoked = run_command("keys", "revoke", str(key["key_id"]), "--data-dir", data_dir)

    eventually(lambda: httpx.get(f"{server.base_url}/api/assistants", headers=headers).status_code == 401)
    assert (before, revoked.returncode) == (200, 0)


def test_a_port_in_use_is_an_error_with_a_remedy(server: RunningServer, tmp_path: Path) -> None:
    port = str(server.port)

    refused = run_command("serve", "--data-dir", str(tmp_path / "other"), "--port", port)

    assert refused.returncode == 1
    assert refused.stderr == (
        f"backboard: Port {port} on 127.0.0.1 is in use. Stop what uses it, or choose another port with "
        "--port (0 takes a free one).\n"
    )
    assert not (tmp_path / "other").exists()


def test_a_second_server_on_the_same_folder_is_told_which_process_has_it(server: RunningServer) -> None:
    refused = run_command("serve", "--data-dir", str(server.data_dir), "--port", "0")

    assert refused.returncode == 1
    assert refused.stderr == (
        f"backboard: Another Backboard server (process {server.process.pid}) is using {server.data_dir}. "
        "Stop it, or choose another --data-dir.\n"
    )


def test_a_database_that_cannot_be_reached_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    refused = run_command(
        "serve",
        "--port",
        "0",
        "--data-dir",
        str(tmp_path),
        environment={"BACKBOARD_DATABASE_URL": "postgresql://nobody:secret-canary@127.0.0.1:1/none"},
    )

    assert refused.returncode == 1
    assert refused.stderr.startswith("backboard: ")
    assert "Traceback" not in refused.stderr
    assert "canary" not in refused.stderr


def test_the_world_is_not_let_in_with_a_generated_key_alone(tmp_path: Path) -> None:
    refused = run_command("serve", "--data-dir", str(tmp_path), "--port", "0", "--host", "0.0.0.0")  # noqa: S104 - meant
    assert refused.returncode == 1
    assert "--allow-generated-key" in refused.stderr
    assert "espr_" not in refused.stdout

    with RunningServer(tmp_path, "--host", "0.0.0.0", environment={"BACKBOARD_API_KEY": KEY}) as server:  # noqa: S104 - meant
        answer = httpx.get(f"http://127.0.0.1:{server.port}/api/assistants", headers={"X-API-Key": KEY})

    assert answer.status_code == 200


def test_the_world_is_let_in_with_a_generated_key_where_that_is_allowed(tmp_path: Path) -> None:
    with RunningServer(tmp_path, "--host", "0.0.0.0", "--allow-generated-key") as server:  # noqa: S104 - meant
        assert server.api_key


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_an_ordinary_user_serves_from_its_home(tmp_path: Path) -> None:
    python = public_python() or pytest.skip("no Python of this version that an ordinary user can run")
    home = Path(tempfile.mkdtemp())
    os.chown(home, NOBODY, NOBODY)

    with RunningServer(home / "data", user=NOBODY, python=python) as server:
        listed = httpx.get(f"{server.base_url}/api/assistants", headers={"X-API-Key": server.api_key})
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in server.children()}
        code = server.stop()
    shutil.rmtree(home)

    assert (listed.status_code, code, owners) == (200, 0, {NOBODY})


def openai_at(vendor: FakeVendor) -> dict[str, str]:
    return {"OPENAI_API_KEY": "sk-vendor-canary", "OPENAI_BASE_URL": vendor.base_url}


def say_hello(client: httpx.AsyncClient) -> contextlib.AbstractAsyncContextManager[httpx.Response]:
    return client.stream("POST", "/threads/messages", json={"content": "Hello", "stream": True})


def json_of(text: str) -> dict[str, object]:
    return msgspec.json.decode(text, type=dict[str, object])


def is_ready(server: RunningServer) -> bool:
    try:
        return httpx.get(f"{server.base_url}/ready").status_code == 200
    except httpx.TransportError:
        return False
