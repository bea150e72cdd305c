"""A server as its operator runs it: `backboard serve` in processes of its own, on a free port."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

DEADLINE_SECONDS = 30.0
NOBODY = 65534
COMMAND = (sys.executable, "-m", "backboard_server.cli")


class RunningServer:
    """Started and ready inside `with`; asked to stop at its end, unless it has ended by then."""

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        user: int | None = None,
        python: str = sys.executable,
    ) -> None:
        """`environment` is added to a bare one; `user` is whom it runs as, if we are root."""
        self.data_dir = data_dir
        self.base_url = ""
        self.api_key = ""
        self.log = ""
        self._command = (python, *COMMAND[1:], "serve", "--port", "0", "--data-dir", str(data_dir), *options)
        self._environment = bare_environment() | dict(environment or {})
        self._user = user

    def __enter__(self) -> Self:
        self.process = subprocess.Popen(  # noqa: S603 - this very program
            self._command,
            env=self._environment,
            user=self._user,
            group=self._user,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reading = threading.Thread(target=self._read_log)
        self._reading.start()
        self._read_until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()
        self._reading.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def client(self) -> httpx.AsyncClient:
        """Return a client with the key that the first start printed, or that of the environment."""
        key = self.api_key or self._environment["BACKBOARD_API_KEY"]
        return httpx.AsyncClient(base_url=f"{self.base_url}/api", headers={"X-API-Key": key}, timeout=30)

    @property
    def port(self) -> int:
        return httpx.URL(self.base_url).port or 80

    def stop(self) -> int:
        """Ask it to stop, wait for that, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE_SECONDS)

    def children(self) -> dict[int, str]:
        """Return the command line of each of its child processes, by pid."""
        found: dict[int, str] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                words = (status.parent / "cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == self.process.pid:
                found[int(status.parent.name)] = words
        return found

    def child(self, word: str) -> int:
        """Return the pid of the one child with `word` in its command line."""
        (pid,) = [pid for pid, words in self.children().items() if word in words]
        return pid

    def _read_until_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if key := re.search(r"espr_\S+", line):
                self.api_key = key[0]
            if address := re.search(r"ready on (\S+)", line):
                self.base_url = address[1]
                return
        self._reading.join()
        raise AssertionError(f"the server did not start:\n{self.log}")

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as log:
            for line in log:
                self.log += line


def bare_environment() -> dict[str, str]:
    """Return what a program needs to run, without a setting or a provider's key of this machine."""
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def run_command(
    *words: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a `backboard` command to its end."""
    return subprocess.run(  # noqa: S603 - this very program
        (*COMMAND, *words),
        env=bare_environment() | dict(environment or {}),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def postgres_pid(data_dir: Path) -> int:
    """Return the process of the embedded Postgres in a data folder."""
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.02)


def public_python() -> str | None:
    """Return a Python of our version that everyone can run: that of the tests may lie below /root."""
    for python in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(OSError):
            found = subprocess.run(  # noqa: S603 - this very Python, or its twin
                [python, "-c", "import sys; print(*sys.version_info[:2])"],
                user=NOBODY,
                capture_output=True,
                check=False,
            )
            if found.stdout.split() == [b"%d" % part for part in sys.version_info[:2]]:
                return python
    return None
