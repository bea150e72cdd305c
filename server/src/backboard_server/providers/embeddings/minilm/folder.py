"""The embedder's folder inside the data folder: its socket, its lock and its log, for this account alone."""

from __future__ import annotations

import fcntl
import os
import stat
import sys
from pathlib import Path

from backboard_server.domain.errors import Unavailable

SOCKET = "socket"
LOG = "embedder.log"
LOCK = "lock"
_NAME = "embedder"
_LOG_BYTES_MAX = 256 * 1024


class EmbedderFolder:
    """The folder, held open: what it is called may change hands meanwhile, what was opened does not.

    As root, the data folder belongs to the account of Postgres, which could put another folder in its place.
    """

    def __init__(self, data_dir: Path) -> None:
        """Make the folder where there is none, and open it. Raises Unavailable where it is not ours alone."""
        self.path = data_dir.expanduser() / _NAME
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise Unavailable(f"{self.path} cannot be used for the local embedder: {error}.") from None
        found = os.fstat(self.descriptor)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            self.close()
            raise Unavailable(
                f"{self.path} must belong to the account of the server and be closed to all others: "
                "remove it, and it is made anew."
            )

    @property
    def socket(self) -> str:
        """The address of the socket; on Linux one that fits into its 107 bytes at any depth of the folder."""
        is_linux = sys.platform == "linux"
        return f"/proc/self/fd/{self.descriptor}/{SOCKET}" if is_linux else str(self.path / SOCKET)

    def take_lock(self) -> bool:
        """Take the lock, which ends with this process however it ends; False where another has it.

        The file tells the number of the process that has it.
        """
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(LOCK, flags, 0o600, dir_fd=self.descriptor)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return True

    def open_log(self) -> int:
        """Return a descriptor that writes behind what the log holds; one that grew too long begins anew."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        log = os.open(LOG, flags, 0o600, dir_fd=self.descriptor)
        if os.fstat(log).st_size > _LOG_BYTES_MAX:
            os.ftruncate(log, 0)
        return log

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self.descriptor)
