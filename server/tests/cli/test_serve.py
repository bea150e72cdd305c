"""A start that does not come to its end; what a whole one does is tested in flows/test_processes.py."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from running_server import COMMAND, DEADLINE_SECONDS, bare_environment, eventually, is_alive, postgres_pid


@pytest.mark.parametrize("order", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_in_the_middle_of_the_first_start_leaves_nothing_running(
    tmp_path: Path, order: signal.Signals
) -> None:
    server = subprocess.Popen(  # noqa: S603 - this very program
        [*COMMAND, "serve", "--port", "0", "--data-dir", str(tmp_path)],
        env=bare_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    eventually((tmp_path / "postgres" / "postmaster.pid").exists)
    postgres = postgres_pid(tmp_path)

    server.send_signal(order)
    _, log = server.communicate(timeout=DEADLINE_SECONDS)

    assert (server.returncode, b"Traceback" in log) == (0, False)
    assert not is_alive(postgres)
