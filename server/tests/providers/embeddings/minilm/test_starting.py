from __future__ import annotations

import os
import signal
from collections.abc import Generator
from pathlib import Path

import pytest

from backboard_server.domain.errors import Unavailable
from backboard_server.providers.embeddings.minilm.folder import LOCK, EmbedderFolder
from backboard_server.providers.embeddings.minilm.starting import Starter
from waiting import wait_until


@pytest.fixture
def folder(data_dir: Path) -> Generator[EmbedderFolder]:
    folder = EmbedderFolder(data_dir)
    yield folder
    folder.close()


def _process(folder: EmbedderFolder) -> int:
    lock = folder.path / LOCK
    return int(lock.read_text().strip() or 0) if lock.exists() else 0


def _environment_of(process: int) -> str:
    return Path(f"/proc/{process}/environ").read_text()


async def test_one_is_started_and_not_another_while_it_runs(folder: EmbedderFolder) -> None:
    starter = Starter(folder, idle_seconds=60)

    child = starter.ensure()

    assert starter.ensure() is child
    await wait_until(lambda: _process(folder) > 0)
    os.kill(_process(folder), signal.SIGKILL)
    await wait_until(lambda: child.status is not None)
    assert child.status == -signal.SIGKILL


async def test_who_finds_the_lock_taken_ends_without_complaint(folder: EmbedderFolder) -> None:
    assert folder.take_lock()

    child = Starter(folder, idle_seconds=60).ensure()

    await wait_until(lambda: child.status is not None)
    assert child.status == 0


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="only Linux shows environments")
async def test_keys_of_providers_are_not_passed_on(
    folder: EmbedderFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")

    Starter(folder, idle_seconds=60).ensure()

    await wait_until(lambda: _process(folder) > 0)
    environment = _environment_of(_process(folder))
    os.kill(_process(folder), signal.SIGKILL)
    assert "sk-secret" not in environment
    assert "OPENBLAS_NUM_THREADS=3" in environment


async def test_what_cannot_be_started_is_unavailable(
    folder: EmbedderFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")

    with pytest.raises(Unavailable, match="cannot be started: No such file"):
        Starter(folder, idle_seconds=60).ensure()
