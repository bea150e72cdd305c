"""Which process of a server has accepted a connection of ours, as the kernel tells."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

_ESTABLISHED = "01"


def process_of(server_port: int, our_port: int, pids: Iterable[int]) -> int | None:
    """Return the process at the other end, of these; None while it has not accepted."""
    inode = _inode(server_port, our_port)
    if inode is None:
        return None
    link = f"socket:[{inode}]"
    return next((pid for pid in pids if link in _links(pid)), None)


def _inode(local_port: int, remote_port: int) -> str | None:
    ends = (f":{local_port:04X}", f":{remote_port:04X}")
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if words[1].endswith(ends[0]) and words[2].endswith(ends[1]) and words[3] == _ESTABLISHED:
            return words[9]
    return None


def _links(pid: int) -> set[str]:
    links: set[str] = set()
    with contextlib.suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                links.add(os.readlink(descriptor))
    return links
