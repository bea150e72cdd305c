"""The life of the embedded Postgres: start, restart, every kind of death, neighbours, a second server."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path

import asyncpg
import pytest

from backboard_server.domain.errors import Conflict, Unavailable
from backboard_server.store.address import Address
from backboard_server.store.embedded import EmbeddedPostgres
from running_server import (
    DEADLINE_SECONDS,
    NOBODY,
    bare_environment,
    eventually,
    is_alive,
    postgres_pid,
    public_python,
)

# A server that holds Postgres up until it is told to stop, or is killed.
SERVER = """
import signal, sys, threading
from pathlib import Path
from backboard_server.store.embedded import EmbeddedPostgres
is_over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: is_over.set())
postgres = EmbeddedPostgres(Path(sys.argv[1]))
postgres.start()
print("ready", flush=True)
is_over.wait()
postgres.stop()
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def postgres(tmp_path: Path) -> Generator[EmbeddedPostgres]:
    running = EmbeddedPostgres(tmp_path / "data")
    running.start()
    yield running
    running.stop()


def test_a_first_start_makes_a_database_with_vectors_and_two_roles_without_power(
    postgres: EmbeddedPostgres,
) -> None:
    rows = {
        role: query(
            postgres.connection(role),
            "SELECT current_user, rolsuper, rolbypassrls, rolcreaterole, pg_get_userbyid(datdba) AS owner, "
            "extname FROM pg_roles, pg_database, pg_extension "
            "WHERE rolname = current_user AND datname = current_database() AND extname = 'vector'",
        )
        for role in ("owner", "app")
    }

    assert [tuple(row) for row in rows["owner"]] == [
        ("backboard_owner", False, False, False, "backboard_owner", "vector")
    ]
    assert [tuple(row) for row in rows["app"]] == [
        ("backboard_app", False, False, False, "backboard_owner", "vector")
    ]


def test_every_commit_is_durable_and_nothing_listens_on_a_network(postgres: EmbeddedPostgres) -> None:
    settings = query(
        postgres.connection("app"),
        "SELECT name, setting FROM pg_settings WHERE name IN "
        "('fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses', 'jit', 'TimeZone')",
    )

    assert {row["name"]: row["setting"] for row in settings} == {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "listen_addresses": "",
        "jit": "off",
        "TimeZone": "UTC",
    }


@pytest.mark.parametrize(
    ("user", "password"), [("backboard_app", "wrong"), ("backboard_app", ""), ("backboard_superuser", "")]
)
def test_nobody_enters_without_the_password_and_the_superuser_not_at_all(
    postgres: EmbeddedPostgres, user: str, password: str
) -> None:
    host = postgres.connection("app").host

    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        query(Address(host=host, user=user, password=password, database="backboard"), "SELECT 1")


def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    first = EmbeddedPostgres(tmp_path)
    first.start()
    query(first.connection("owner"), "CREATE TABLE kept AS SELECT 1 AS one")
    first.stop()
    second = EmbeddedPostgres(tmp_path)
    second.start()

    rows = query(second.connection("owner"), "SELECT one FROM kept")
    second.stop()

    assert [row["one"] for row in rows] == [1]


def test_a_killed_server_leaves_postgres_and_the_next_one_takes_it_over_and_stops_it(
    tmp_path: Path,
) -> None:
    server = start_server(tmp_path)
    pid = postgres_pid(tmp_path)
    server.kill()
    server.communicate()
    assert is_alive(pid)
    postgres = EmbeddedPostgres(tmp_path)

    postgres.start()
    rows = query(postgres.connection("app"), "SELECT 1 AS one")
    adopted = postgres_pid(tmp_path)
    postgres.stop()

    assert [row["one"] for row in rows] == [1]
    assert adopted == pid
    assert not is_alive(pid)


def test_a_killed_postgres_comes_back_with_every_acknowledged_row(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    query(postgres.connection("owner"), "CREATE TABLE kept AS SELECT 1 AS one")
    pid = postgres_pid(tmp_path / "data")

    os.kill(pid, signal.SIGKILL)
    eventually(lambda: is_ready(tmp_path / "data", other_than=pid))
    rows = query(postgres.connection("owner"), "SELECT one FROM kept")

    assert [row["one"] for row in rows] == [1]


def test_a_postgres_that_keeps_dying_is_given_up_and_reported(tmp_path: Path) -> None:
    is_lost = threading.Event()
    postgres = EmbeddedPostgres(tmp_path, on_lost=is_lost.set)
    postgres.start()
    pid = 0

    while not is_lost.is_set():
        eventually(lambda: is_lost.is_set() or is_ready(tmp_path, other_than=pid))  # noqa: B023 - called at once
        if not is_lost.is_set():
            pid = postgres_pid(tmp_path)
            os.kill(pid, signal.SIGKILL)
            eventually(lambda: not is_alive(pid))  # noqa: B023 - called at once
    postgres.stop()

    assert not is_alive(pid)


def test_server_and_postgres_killed_together_recover_although_the_pid_now_belongs_to_another(
    tmp_path: Path,
) -> None:
    server = start_server(tmp_path)
    pid = postgres_pid(tmp_path)
    server.kill()
    server.communicate()
    os.kill(pid, signal.SIGKILL)
    owner = (tmp_path / "postgres").stat().st_uid
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=owner if os.geteuid() == 0 else None)
    for name in ("postmaster.pid", ".s.PGSQL.5432.lock"):
        pid_file = tmp_path / "postgres" / name
        pid_file.write_text(pid_file.read_text().replace(str(pid), str(stranger.pid), 1))
    postgres = EmbeddedPostgres(tmp_path)

    postgres.start()
    rows = query(postgres.connection("app"), "SELECT 1 AS one")
    postgres.stop()
    survived = stranger.poll() is None
    stranger.kill()
    stranger.wait()

    assert [row["one"] for row in rows] == [1]
    assert survived


def test_two_servers_with_two_folders_run_side_by_side(tmp_path: Path) -> None:
    one, other = EmbeddedPostgres(tmp_path / "one"), EmbeddedPostgres(tmp_path / "other")
    one.start()
    other.start()

    query(one.connection("owner"), "CREATE TABLE mine AS SELECT 1 AS one")
    tables = query(other.connection("owner"), "SELECT to_regclass('mine') AS found")
    one.stop()
    rows = query(other.connection("app"), "SELECT 1 AS one")
    other.stop()

    assert tables[0]["found"] is None
    assert rows[0]["one"] == 1


def test_a_second_server_on_the_same_folder_is_told_which_process_has_it(tmp_path: Path) -> None:
    server = start_server(tmp_path)

    with pytest.raises(Conflict) as raised:
        EmbeddedPostgres(tmp_path).start()
    stop_server(server)

    assert raised.value.message == (
        f"Another Backboard server (process {server.pid}) is using {tmp_path}. "
        "Stop it, or choose another --data-dir."
    )


def test_a_command_enters_beside_a_running_server_and_leaves_it_running(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with EmbeddedPostgres.attach(tmp_path / "data") as attached:
        rows = query(attached.connection("owner"), "SELECT 1 AS one")

    assert rows[0]["one"] == 1
    assert query(postgres.connection("app"), "SELECT 2 AS two")[0]["two"] == 2


def test_a_command_without_a_server_runs_postgres_for_its_duration(tmp_path: Path) -> None:
    with EmbeddedPostgres.attach(tmp_path) as attached:
        rows = query(attached.connection("owner"), "SELECT 1 AS one")
        pid = postgres_pid(tmp_path)

    assert rows[0]["one"] == 1
    assert not is_alive(pid)


def test_a_server_waits_for_a_command_that_holds_the_folder(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    starting = threading.Thread(target=server.start)

    with EmbeddedPostgres.attach(tmp_path):
        starting.start()
        starting.join(0.2)
        waited = starting.is_alive()
    starting.join(DEADLINE_SECONDS)
    server.stop()

    assert waited
    assert not starting.is_alive()


def test_a_deep_folder_below_one_that_is_closed_to_others_will_do_and_stays_closed(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o700)
    data_dir = tmp_path / ("deep" * 30) / ("deeper" * 30)
    postgres = EmbeddedPostgres(data_dir)

    postgres.start()
    rows = query(postgres.connection("app"), "SELECT 1 AS one")
    postgres.stop()

    assert rows[0]["one"] == 1
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert data_dir.stat().st_mode & 0o777 == 0o700


def test_a_postgres_that_cannot_start_says_why(tmp_path: Path) -> None:
    with EmbeddedPostgres.attach(tmp_path):
        pass
    with (tmp_path / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("max_connections = many\n")

    with pytest.raises(Unavailable, match=r'(?s)does not start.*parameter "max_connections"'):
        EmbeddedPostgres(tmp_path).start()


def test_an_initialisation_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    server = subprocess.Popen(  # noqa: S603 - this very Python
        [sys.executable, "-c", SERVER, str(tmp_path)], stdout=subprocess.PIPE
    )
    eventually(lambda: any(tmp_path.glob("postgres.*/pg_hba.conf")))
    server.kill()
    server.communicate()

    with EmbeddedPostgres.attach(tmp_path) as attached:
        rows = query(attached.connection("app"), "SELECT 1 AS one")

    assert rows[0]["one"] == 1


def test_a_connection_to_a_folder_without_a_database_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"Restore the file from a backup"):
        EmbeddedPostgres(tmp_path).connection("app")


@pytest.fixture
def everyones_python() -> str:
    python = public_python()
    return python or pytest.skip("no Python of this version that an ordinary user can run")


@needs_root
def test_an_ordinary_user_runs_it_as_itself(everyones_python: str) -> None:
    home = Path(tempfile.mkdtemp())
    os.chown(home, NOBODY, NOBODY)

    server = start_server(home / "data", user=NOBODY, python=everyones_python)
    owner = Path(f"/proc/{postgres_pid(home / 'data')}").stat().st_uid
    stop_server(server)
    shutil.rmtree(home)

    assert owner == NOBODY


@needs_root
def test_an_ordinary_user_is_told_whose_the_folder_is(everyones_python: str) -> None:
    home = Path(tempfile.mkdtemp())
    home.chmod(0o755)
    with EmbeddedPostgres.attach(home / "data"):
        pass

    refused = subprocess.run(  # noqa: S603 - the Python that was looked for above
        [everyones_python, "-c", SERVER, str(home / "data")],
        user=NOBODY,
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(home)

    assert refused.returncode == 1
    assert f"{home / 'data'} belongs to another user." in refused.stderr


@needs_root
def test_root_runs_it_as_the_account_that_was_named(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path / "data", account="nobody")
    postgres.start()
    owners = {
        (tmp_path / "data").stat().st_uid,
        Path(f"/proc/{postgres_pid(tmp_path / 'data')}").stat().st_uid,
    }
    postgres.stop()

    assert owners == {NOBODY}


def query(address: Address, sql: str) -> list[asyncpg.Record]:
    return asyncio.run(_query(address, sql))


async def _query(address: Address, sql: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(**address.connect_arguments())
    try:
        return await connection.fetch(sql)
    finally:
        await connection.close()


def start_server(
    data_dir: Path, *, user: int | None = None, python: str = sys.executable
) -> subprocess.Popen[bytes]:
    server = subprocess.Popen(  # noqa: S603 - this very Python, or its twin
        [python, "-c", SERVER, str(data_dir)],
        stdout=subprocess.PIPE,
        user=user,
        group=user,
        env=bare_environment(),
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    return server


def stop_server(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    server.communicate(timeout=DEADLINE_SECONDS)
    assert server.returncode == 0


def is_ready(data_dir: Path, *, other_than: int) -> bool:
    path = data_dir / "postgres" / "postmaster.pid"
    lines = path.read_text().splitlines() if path.exists() else []
    return len(lines) > 7 and lines[0] != str(other_than) and lines[7].strip() == "ready"
