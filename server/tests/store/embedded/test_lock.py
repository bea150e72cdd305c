"""One server per data folder: the lock, its holder, and its end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from backboard_server.store.embedded.lock import FolderLock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "server.lock"


def test_the_first_one_has_it_and_is_named(path: Path) -> None:
    lock = FolderLock(path)

    assert lock.take("server")
    assert FolderLock(path).holder() == (str(os.getpid()), "server")
    lock.release()


def test_a_second_one_does_not_get_it_from_a_server(path: Path) -> None:
    lock = FolderLock(path)
    lock.take("server")

    assert not FolderLock(path).take("server")
    assert not FolderLock(path).take("command")
    lock.release()


def test_a_released_one_is_free(path: Path) -> None:
    lock = FolderLock(path)
    lock.take("server")
    lock.release()
    second = FolderLock(path)

    assert second.take("server")
    second.release()


def test_a_command_is_waited_for(path: Path) -> None:
    command = FolderLock(path)
    command.take("command")
    server = FolderLock(path)
    taken: list[bool] = []
    waiting = threading.Thread(target=lambda: taken.append(server.take("server")))

    waiting.start()
    waiting.join(0.2)
    before = list(taken)
    command.release()
    waiting.join()
    server.release()

    assert before == []
    assert taken == [True]


def test_a_child_does_not_keep_it(path: Path) -> None:
    lock = FolderLock(path)
    lock.take("server")
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False)
    lock.release()
    second = FolderLock(path)

    assert second.take("server")
    second.release()
    child.communicate(b"\n")


def test_a_killed_holder_lets_it_go(path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from backboard_server.store.embedded.lock import FolderLock; "
        "FolderLock(Path(sys.argv[1])).take('server'); print('taken', flush=True); input()"
    )
    holder = subprocess.Popen(  # noqa: S603 - this very Python
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    lock = FolderLock(path)
    before = lock.take("server")
    holder.kill()
    holder.communicate()

    assert not before
    assert lock.take("server")
    lock.release()
