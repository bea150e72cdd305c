from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backboard_server.domain.errors import Unavailable
from backboard_server.providers.embeddings.minilm.folder import LOCK, LOG, EmbedderFolder

TAKE = """
import sys
from pathlib import Path
from backboard_server.providers.embeddings.minilm.folder import EmbedderFolder
print(EmbedderFolder(Path(sys.argv[1])).take_lock())
"""


def _taken_elsewhere(data_dir: Path) -> str:
    return subprocess.check_output([sys.executable, "-c", TAKE, str(data_dir)], text=True).strip()  # noqa: S603 - this very Python


def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "embedder").mkdir(mode=0o755)

    with pytest.raises(Unavailable, match="closed to all others"):
        EmbedderFolder(tmp_path)


def test_a_link_to_another_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "embedder").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Unavailable, match="cannot be used"):
        EmbedderFolder(tmp_path)


def test_one_process_at_a_time_has_the_lock_and_its_end_frees_it(tmp_path: Path) -> None:
    assert _taken_elsewhere(tmp_path) == "True"

    folder = EmbedderFolder(tmp_path)
    assert folder.take_lock()
    assert (tmp_path / "embedder" / LOCK).read_text() == f"{os.getpid()}\n"
    assert _taken_elsewhere(tmp_path) == "False"
    folder.close()


def test_the_log_goes_on_until_it_is_too_long(tmp_path: Path) -> None:
    folder = EmbedderFolder(tmp_path)
    log = tmp_path / "embedder" / LOG
    for content in (b"first\n", b"second\n"):
        descriptor = folder.open_log()
        os.write(descriptor, content)
        os.close(descriptor)
    assert log.read_bytes() == b"first\nsecond\n"

    log.write_bytes(b"x" * 300_000)
    os.close(folder.open_log())

    assert log.read_bytes() == b""
    folder.close()
