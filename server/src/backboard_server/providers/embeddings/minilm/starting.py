"""The asking side's way to a process that serves: started when there is none, and never waited for here."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Mapping

from backboard_server.domain.errors import Unavailable

from .folder import EmbedderFolder

_MODULE = __package__ or ""
# What Python needs to find itself; keys of providers are nothing to the embedder.
_PASSED_ON = ("PATH", "HOME", "PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_THREADS = "OPENBLAS_NUM_THREADS"
_THREADS_MAX = 4  # more have nothing to do in a text of a few words, and wait for it by spinning
# glibc gives arrays of megabytes back to the kernel at once, which costs a third of the time of long texts.
_MEMORY_IS_KEPT = {"MALLOC_MMAP_THRESHOLD_": "67108864", "MALLOC_TRIM_THRESHOLD_": "268435456"}


class Child:
    """A process that we started; a thread takes leave of it, so that it does not stay on as a zombie."""

    def __init__(self, process_id: int) -> None:
        self.status: int | None = None
        """None while it runs, 0 when it ended as it should, such as when it found another serving."""
        self.has_served = False
        """Whether it was reached: what ends before that would end again."""
        self._process_id = process_id
        threading.Thread(target=self._wait, name="wait for embedder", daemon=True).start()

    def _wait(self) -> None:
        status = 0
        with contextlib.suppress(ChildProcessError):  # somebody else has waited for it
            status = os.waitstatus_to_exitcode(os.waitpid(self._process_id, 0)[1])
        self.status = status


class Starter:
    """Starts the process, at most one at a time from here; its lock sees to those that others start."""

    def __init__(self, folder: EmbedderFolder, idle_seconds: float) -> None:
        """`folder` stays its owner's to close."""
        self._folder = folder
        self._idle_seconds = idle_seconds
        self._child: Child | None = None

    def ensure(self) -> Child:
        """Return the process that we started and that runs, or start one. Raises Unavailable."""
        if self._child is None or self._child.status is not None:
            self._child = Child(self._spawn())
        return self._child

    def note_served(self) -> None:
        """Take note that somebody serves now; if it is the process that we started, it has proved itself."""
        if self._child is not None:
            self._child.has_served = True

    def _spawn(self) -> int:
        data_dir = str(self._folder.path.parent)
        command = [sys.executable, "-P", "-m", _MODULE, data_dir, "--idle-seconds", str(self._idle_seconds)]
        log = self._folder.open_log()
        try:
            return os.posix_spawn(
                sys.executable,
                command,
                _environment(os.environ),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, log, 2),
                ],
                setsigmask=[],
            )
        except OSError as error:
            raise Unavailable(f"The local embedder cannot be started: {error.strerror}.") from None
        finally:
            os.close(log)


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    # Half of the cores: a thread that has to wait for its core holds up all the others of a computation.
    threads = str(min(_THREADS_MAX, max(1, (os.cpu_count() or 1) // 2)))
    passed_on = {name: ours[name] for name in _PASSED_ON if name in ours}
    own = {_THREADS: ours.get(_THREADS, threads), "TOKENIZERS_PARALLELISM": "false"}
    return passed_on | own | _MEMORY_IS_KEPT
