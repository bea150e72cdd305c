"""The lock of a data folder: one server at a time, named in the message that the second one gets."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import Literal

from backboard_server.domain.errors import Conflict

Purpose = Literal["server", "command"]

_COMMAND_SECONDS_MAX = 30.0
_PAUSE_SECONDS = 0.05


class FolderLock:
    """A lock that ends with the process however it ends. Children do not inherit it."""

    def __init__(self, path: Path) -> None:
        """`path` is the lock file; it is made when the lock is first taken."""
        self._path = path
        self._descriptor: int | None = None

    def take(self, purpose: Purpose) -> bool:
        """Take the lock, waiting for a command that holds it, and say whether we have it.

        A server that holds it is not waited for: False. Raises Conflict when a command does not end.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        deadline = time.monotonic() + _COMMAND_SECONDS_MAX
        try:
            while not _try_lock(descriptor):
                holder = self.holder()
                if holder[1] == "server":
                    os.close(descriptor)
                    return False
                if time.monotonic() > deadline:
                    raise Conflict(
                        f"The command with process {holder[0]} is using {self._path.parent}. Stop it."
                    )
                time.sleep(_PAUSE_SECONDS)
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {purpose}\n".encode(), 0)
        self._descriptor = descriptor
        return True

    def holder(self) -> tuple[str, str]:
        """Return the process number and the purpose of the holder, empty while it is writing them."""
        process, _, purpose = self._path.read_text().strip().partition(" ")
        return process, purpose

    def release(self) -> None:
        """Let the next one in; nothing happens when we do not hold it."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
