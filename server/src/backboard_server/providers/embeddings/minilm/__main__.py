"""The process of the local embedder: `python -m …minilm <data folder>`; started by who needs it first."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from .folder import SOCKET, EmbedderFolder
from .serving import IDLE_SECONDS, Serving

if TYPE_CHECKING:
    from .model import MiniLM


def main() -> None:
    """Serve, unless another process does already."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS)
    options = parser.parse_args()
    # A Ctrl-C in the terminal is for the server, which may have texts to embed while it stops.
    with contextlib.suppress(OSError):
        os.setsid()
    folder = EmbedderFolder(options.data_dir)
    if not folder.take_lock():
        return
    # Inside the folder, its path is short enough for a socket's, and stays so wherever the folder goes.
    os.fchdir(folder.descriptor)
    os.umask(0o177)
    asyncio.run(Serving(_load, idle_seconds=options.idle_seconds).run(SOCKET))


def _load() -> MiniLM:
    # Imported here, so that who finds the lock taken is gone soon, and that a missing numpy can be told.
    from .model import load_model
    from .weights import find_folder

    return load_model(find_folder())


if __name__ == "__main__":
    main()
