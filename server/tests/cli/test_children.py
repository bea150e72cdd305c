"""No child outlives the server."""

from __future__ import annotations

import subprocess
import sys

from running_server import DEADLINE_SECONDS, bare_environment, eventually, is_alive

# A parent that starts a child, says its pid, and waits.
PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], str(os.getpid())], stdout=subprocess.PIPE)
child.stdout.readline()
print(child.pid, flush=True)
child.wait()
"""
CHILD = """
import sys, threading
from backboard_server.cli.children import die_with_parent
die_with_parent(int(sys.argv[1]))
print("bound", flush=True)
threading.Event().wait()
"""


def test_a_child_ends_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen(  # noqa: S603 - this very Python
        [sys.executable, "-c", PARENT, CHILD], env=bare_environment(), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    was_alive = is_alive(child)

    parent.kill()
    parent.communicate()

    assert was_alive
    eventually(lambda: not is_alive(child))


def test_a_child_whose_parent_is_gone_already_ends_at_once() -> None:
    orphan = subprocess.run(  # noqa: S603 - this very Python
        [sys.executable, "-c", CHILD, "1"],
        env=bare_environment(),
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )

    assert orphan.returncode < 0
    assert orphan.stdout == b""
