"""The log that Postgres itself writes: bounded, and quoted when Postgres does not start."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_BYTES_MAX = 10_000_000
_BYTES_KEPT = 1_000_000
_BYTES_SHOWN = 1_000


class PostgresLog:
    """A log file that Postgres appends to, also when we are gone: that is why it is no pipe."""

    def __init__(self, path: Path) -> None:
        """`path` is made when it is first opened."""
        self._path = path

    @contextmanager
    def opened(self) -> Generator[int]:
        """Open the file for Postgres to inherit. Appending is what lets us shorten it under its hands."""
        # O_NOFOLLOW: the account owns the folder, and must not lead root elsewhere by a link.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def trim(self) -> None:
        """Keep the newest part of a file that has grown too long."""
        if not self._path.exists() or self._path.stat().st_size <= _BYTES_MAX:
            return
        with self.opened() as descriptor:
            kept = _end(descriptor, _BYTES_KEPT)
            os.ftruncate(descriptor, 0)
            os.write(descriptor, kept)

    def end(self) -> str:
        """Return the last lines."""
        with self.opened() as descriptor:
            return _end(descriptor, _BYTES_SHOWN).decode(errors="replace").strip()


def _end(descriptor: int, byte_count: int) -> bytes:
    """Return the last whole lines within `byte_count`."""
    size = os.fstat(descriptor).st_size
    end = os.pread(descriptor, byte_count, max(0, size - byte_count))
    return end if size <= byte_count else end.partition(b"\n")[2]
