"""A child of the server that never outlives it, however the server ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1  # Linux, prctl(2)
_LOOK_SECONDS = 1.0


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent, the process `parent`, ends.

    Killed, not asked: a child that drains would keep the port from the next server.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _die_without(parent)  # it may have ended before it could be bound to us
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _die_without(parent: int) -> None:
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _watch(parent: int) -> None:
    while True:
        _die_without(parent)
        time.sleep(_LOOK_SECONDS)
