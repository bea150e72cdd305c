"""One running Postgres: launched as our child, or found where a server that was killed left it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from backboard_server.domain.errors import Unavailable

from .cluster import DATABASE, OWNER_ROLE
from .engine import Engine
from .folder import OpenFolder

PORT = 5432  # part of the socket's name; nothing listens on a network

_PID_FILE = "postmaster.pid"
_PID_LINE, _STATUS_LINE = 0, 7  # PostgreSQL source, src/include/utils/pidfile.h
_FAST_SECONDS_MAX = 30.0
_IMMEDIATE_SECONDS_MAX = 10.0
_PAUSE_SECONDS = 0.01


class Postmaster:
    """The first process of a running Postgres."""

    def __init__(self, cluster: OpenFolder, pid: int, child: subprocess.Popen[bytes] | None) -> None:
        """`child` is None for one that a server before us launched."""
        self.pid = pid
        self._cluster = cluster
        self._child = child

    def is_running(self) -> bool:
        """Whether the process is there and is the Postgres of our cluster."""
        if self._child is not None:
            return self._child.poll() is None
        return _runs_cluster(self.pid, self._cluster.path)

    def is_ready(self) -> bool:
        """Whether it takes connections, by its own word: not while it recovers."""
        lines = _lines(self._cluster.path / _PID_FILE)
        return (
            len(lines) > _STATUS_LINE
            and lines[_PID_LINE] == str(self.pid)
            and lines[_STATUS_LINE].strip() == "ready"
        )

    def stop(self) -> None:
        """Stop it cleanly, ending sessions that are still open; hurry it when it takes too long.

        Raises Unavailable if it runs on regardless.
        """
        for order, seconds in ((signal.SIGINT, _FAST_SECONDS_MAX), (signal.SIGQUIT, _IMMEDIATE_SECONDS_MAX)):
            deadline = time.monotonic() + seconds
            with contextlib.suppress(ProcessLookupError):
                if self.is_running():
                    os.kill(self.pid, order)
            while self.is_running() and time.monotonic() < deadline:
                time.sleep(_PAUSE_SECONDS)
        if self.is_running():
            raise Unavailable(f"The embedded Postgres (process {self.pid}) does not stop. Look into its log.")


def launch(engine: Engine, cluster: OpenFolder, log: int) -> Postmaster:
    """Start Postgres on the cluster, writing to the open file `log`. It is not ready yet."""
    _disown_reused_pid(cluster.path)
    child = engine.start(
        "postgres",
        "-D",
        cluster.address,
        "-k",
        cluster.address,
        f"--port={PORT}",
        "--listen_addresses=",
        "--unix_socket_permissions=0700",
        # Postgres ignores a setting with a dot in its name; it is for `ps`, and for us to know it again.
        f"--backboard.cluster={cluster.path}",
        folder=cluster,
        log=log,
    )
    return Postmaster(cluster, child.pid, child)


def find_running(cluster: OpenFolder) -> Postmaster | None:
    """Return the Postgres that runs on the cluster, whoever launched it, ready or not."""
    pid = _pid(_lines(cluster.path / _PID_FILE))
    return Postmaster(cluster, pid, None) if pid is not None and _runs_cluster(pid, cluster.path) else None


def prove_entry(engine: Engine, cluster: OpenFolder, password: str) -> None:
    """Enter with our password, which also makes Postgres prove that it knows it. Raises Unavailable."""
    engine.run(
        "psql",
        "--no-psqlrc",
        "--no-password",
        f"--host={cluster.address}",
        f"--port={PORT}",
        f"--username={OWNER_ROLE}",
        f"--dbname={DATABASE}",
        "--command=SELECT 1",
        folder=cluster,
        environment={"PGPASSWORD": password, "PGREQUIREAUTH": "scram-sha-256", "PGCONNECT_TIMEOUT": "10"},
    )


def _disown_reused_pid(cluster: Path) -> None:
    """Let Postgres start although the pid of its killed predecessor belongs to another process, or a zombie.

    Postgres refuses while the recorded process lives, unless it is its own parent: so we write ourselves in.
    No file is removed: one of them also names the shared memory by which Postgres sees surviving sessions.
    """
    for name in (_PID_FILE, f".s.PGSQL.{PORT}.lock"):
        lines = _lines(cluster / name)
        pid = _pid(lines)
        if pid is not None and _is_alive(pid) and not _runs_cluster(pid, cluster):
            lines[_PID_LINE] = str(os.getpid())
            with open(os.open(cluster / name, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW), "w") as file:
                file.write("\n".join(lines) + "\n")


def _pid(lines: list[str]) -> int | None:
    return int(lines[_PID_LINE]) if lines and lines[_PID_LINE].isdigit() else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except FileNotFoundError:
        return []


def _runs_cluster(pid: int, cluster: Path) -> bool:
    """Whether a process is the Postgres of the cluster, by its command line; a zombie has none."""
    if sys.platform != "linux":
        return _is_alive(pid)
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return f"--backboard.cluster={cluster}".encode() in arguments


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
