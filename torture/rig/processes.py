"""Which process of a server has accepted a connection of ours, as the kernel tells."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path

from .wire import Broken, Line, connected

_ESTABLISHED = "01"
_LINES_TRIED_MAX = 40
_ACCEPT_SECONDS_MAX = 0.1
_LOOK_SECONDS = 0.005


async def line_to(server_port: int, pids: Collection[int]) -> Line:
    """Connect to one of these processes: the kernel deals connections out, and others are hung up on.

    Raises Broken where none of them accepts.
    """
    for _ in range(_LINES_TRIED_MAX):
        line = await connected(server_port)
        deadline = time.monotonic() + _ACCEPT_SECONDS_MAX
        while time.monotonic() < deadline:
            if process_of(server_port, line.local_port, pids) is not None:
                return line
            await asyncio.sleep(_LOOK_SECONDS)
        line.break_off()
    raise Broken("none of the processes that were meant accepts")


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
