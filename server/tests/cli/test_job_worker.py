"""The server's job worker: there from the start to the end of its block, whatever happens to it between."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

import pytest

from backboard_server.cli.job_worker import JobWorker
from backboard_server.store.embedded import EmbeddedPostgres
from running_server import eventually, is_alive


@pytest.fixture(autouse=True)
def environment(postgres: EmbeddedPostgres, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert postgres.connection("app")
    monkeypatch.setenv("BACKBOARD_DATA_DIR", str(data_dir))


def test_it_runs_inside_its_block_and_is_stopped_at_the_end() -> None:
    with JobWorker(drain_seconds=5):
        eventually(lambda: len(workers()) == 1)
        (pid,) = workers()

    assert not is_alive(pid)


def test_one_that_dies_is_reported_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    with JobWorker(drain_seconds=5):
        eventually(lambda: len(workers()) == 1)
        (killed,) = workers()
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: len(workers() - {killed}) == 1)

    assert "The job worker ended with -9; restart 1" in caplog.messages


def workers() -> set[int]:
    """Return the job workers that are children of this process."""
    found: set[int] = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[-3:-1] == [b"--parent", str(os.getpid()).encode()]:
            found.add(int(folder.name))
    return found
