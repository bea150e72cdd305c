"""What processes hold: their memory, and the sessions of Postgres."""

from __future__ import annotations

from pathlib import Path

from .server import children


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds, what it shares with others included (RSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"The kernel does not tell the memory of process {pid}.")


def sessions_of_application(postgres: int) -> list[str]:
    """Return what each session of the application does, as Postgres titles its processes."""
    titles = [words for words in children(postgres).values() if "backboard_app" in words]
    return [title.rpartition("] ")[2].strip(" \0") for title in titles]
