"""The process as it is started by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from backboard_server.providers.embeddings.minilm.folder import SOCKET, EmbedderFolder

COMMAND = [sys.executable, "-m", "backboard_server.providers.embeddings.minilm"]


def test_it_leaves_when_another_serves_already(data_dir: Path) -> None:
    folder = EmbedderFolder(data_dir)
    assert folder.take_lock()

    subprocess.run([*COMMAND, str(data_dir)], check=True, timeout=30)  # noqa: S603 - this very Python

    assert not (data_dir / "embedder" / SOCKET).exists()
    folder.close()


def test_it_ends_by_itself_when_nobody_comes(data_dir: Path) -> None:
    command = [*COMMAND, str(data_dir), "--idle-seconds", "0.1"]

    subprocess.run(command, check=True, timeout=30)  # noqa: S603 - this very Python

    assert (data_dir / "embedder" / SOCKET).is_socket()
