"""The server's job worker: a child process, started again when it dies, told to stop at the end."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

_RESTARTS_MAX = 20  # without a quiet while between them
_QUIET_SECONDS = 60.0
_PAUSE_SECONDS = 0.5  # before the first restart, doubled before each further one
_PAUSE_SECONDS_MAX = 30.0
_WATCH_SECONDS = 0.25
_KILL_MARGIN_SECONDS = 5.0

_log = logging.getLogger(__name__)


class JobWorker:
    """A supervised `backboard work`, from `with` to the end of its block."""

    def __init__(self, drain_seconds: float) -> None:
        """`drain_seconds` is how long jobs under way may go on at the end."""
        self._drain_seconds = drain_seconds
        self._is_stopping = threading.Event()
        self._watch = threading.Thread(target=self._watch_over, name="job-worker-watch", daemon=True)

    def __enter__(self) -> JobWorker:
        """Start it."""
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it, and wait for that."""
        self._is_stopping.set()
        self._watch.join()

    def _watch_over(self) -> None:
        # On Linux a child dies with the thread that started it: so this one starts it, waits, and stops it.
        restarts, pause_seconds = 0, _PAUSE_SECONDS
        while restarts <= _RESTARTS_MAX:
            started_at = time.monotonic()
            process = _start()
            if self._ends_by_itself(process):
                if time.monotonic() - started_at > _QUIET_SECONDS:
                    restarts, pause_seconds = 0, _PAUSE_SECONDS
                restarts += 1
                _log.error("The job worker ended with %d; restart %d", process.returncode, restarts)
            if self._is_stopping.wait(pause_seconds):
                return
            pause_seconds = min(2 * pause_seconds, _PAUSE_SECONDS_MAX)
        _log.critical(
            "The job worker keeps ending and is given up: no jobs run until the server is restarted"
        )

    def _ends_by_itself(self, process: subprocess.Popen[bytes]) -> bool:
        """Wait until it ends, or we are told to stop and have stopped it."""
        while process.poll() is None:
            if self._is_stopping.wait(_WATCH_SECONDS):
                self._stop(process)
                return False
        return True

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(self._drain_seconds + _KILL_MARGIN_SECONDS)
        except subprocess.TimeoutExpired:
            _log.warning("The job worker does not stop and is killed; its jobs run again later")
            process.kill()
            process.wait()


def _start() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "backboard_server.cli", "work", "--parent", str(os.getpid())]
    return subprocess.Popen(command)  # noqa: S603 - this very program
