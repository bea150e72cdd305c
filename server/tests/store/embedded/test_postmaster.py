"""One running Postgres: launched, found again by who has nothing but the folder, stopped."""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from backboard_server.domain.errors import Unavailable
from backboard_server.store.embedded.account import choose_account
from backboard_server.store.embedded.cluster import ensure_cluster
from backboard_server.store.embedded.engine import SHARED_COPIES, Engine, find_engine
from backboard_server.store.embedded.folder import Folder, OpenFolder
from backboard_server.store.embedded.postgres_log import PostgresLog
from backboard_server.store.embedded.postmaster import Postmaster, find_running, launch, prove_entry

DEADLINE_SECONDS = 20.0


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def engine(folder: Folder) -> Engine:
    account = choose_account(folder.cluster, None)
    folder.claim(account)
    engine = find_engine(account, folder.engine, SHARED_COPIES)
    ensure_cluster(engine, folder)
    return engine


@pytest.fixture
def cluster(engine: Engine, folder: Folder) -> Generator[OpenFolder]:
    assert engine
    opened = OpenFolder(folder.cluster)
    yield opened
    opened.close()


@pytest.fixture
def postmaster(engine: Engine, folder: Folder, cluster: OpenFolder) -> Generator[Postmaster]:
    with PostgresLog(folder.postgres_log).opened() as log:
        launched = launch(engine, cluster, log)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not launched.is_ready():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    yield launched
    launched.stop()


def test_a_running_one_is_found_and_stopped_by_who_did_not_launch_it(
    postmaster: Postmaster, cluster: OpenFolder
) -> None:
    found = find_running(cluster)

    assert found is not None
    assert (found.pid, found.is_running(), found.is_ready()) == (postmaster.pid, True, True)
    found.stop()
    assert not postmaster.is_running()
    assert find_running(cluster) is None


def test_a_stop_is_harmless_when_it_has_ended(postmaster: Postmaster) -> None:
    postmaster.stop()
    postmaster.stop()

    assert not postmaster.is_running()
    assert not postmaster.is_ready()


def test_another_process_with_the_recorded_pid_is_not_taken_for_it(cluster: OpenFolder) -> None:
    (cluster.path / "postmaster.pid").write_text(f"{os.getpid()}\n")

    assert find_running(cluster) is None


@pytest.mark.usefixtures("postmaster")
def test_entry_is_proved_by_the_password(engine: Engine, folder: Folder, cluster: OpenFolder) -> None:
    prove_entry(engine, cluster, folder.passwords().owner)

    with pytest.raises(Unavailable, match="password authentication failed"):
        prove_entry(engine, cluster, "wrong")
