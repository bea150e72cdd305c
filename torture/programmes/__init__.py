"""The programmes, a file each: what is done to the server, and what must hold all the same."""

from collections.abc import Callable, Coroutine
from typing import Any

from torture.rig.stage import Outcome, Stage, Terms

from . import cancels, cuts, idle, keys, kills, load, postgres, tools, zombies

# They play one after the other on the same server, which each leaves as it found it.
SHARED: dict[str, Callable[[Stage], Coroutine[Any, Any, Outcome]]] = {
    "kills": kills.run,
    "postgres": postgres.run,
    "cuts": cuts.run,
    "tools": tools.run,
    "cancels": cancels.run,
    "zombies": zombies.run,
    "keys": keys.run,
}

# Each has a server of its own, with one web process.
ALONE: dict[str, Callable[[Terms], Coroutine[Any, Any, Outcome]]] = {
    "idle": idle.run,
    "load": load.run,
}
