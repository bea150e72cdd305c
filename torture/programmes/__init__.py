"""The programmes, a file each: what is done to the server, and what must hold all the same."""

from collections.abc import Awaitable, Callable

from torture.rig.stage import Outcome, Stage

from . import cancels, cuts, keys, kills, postgres, tools

SHARED: dict[str, Callable[[Stage], Awaitable[Outcome]]] = {
    "kills": kills.run,
    "postgres": postgres.run,
    "cuts": cuts.run,
    "tools": tools.run,
    "cancels": cancels.run,
    "keys": keys.run,
}
