"""`python -m torture` runs the programmes, all or those that are named; it ends with 1 where one was hurt.

The same seed does the same to the server; how fast that answers is nobody's to decide.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import uvloop

from . import results
from .programmes import ALONE, SHARED
from .rig.stage import Outcome, Terms, staged

_NAMES = [*SHARED, *ALONE]


def main() -> int:
    """Run what the command line says, and return the exit code."""
    options = _options()
    names = _NAMES if options.only is None else options.only.split(",")
    if unknown := set(names) - set(_NAMES):
        sys.exit(f"There is no programme {', '.join(unknown)}; there are {', '.join(_NAMES)}.")
    folder = Path(tempfile.mkdtemp(prefix="backboard-torture-"))
    is_whole = uvloop.run(_run(Terms(options.seed, options.scale, folder), names, is_kept=options.keep))
    if is_whole:
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    print(f"The logs, and the database, are in {folder}", file=sys.stderr)
    return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="torture", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="how much of everything is done; 1 is all of it"
    )
    parser.add_argument("--only", help=f"programmes, separated by commas: {', '.join(_NAMES)}")
    parser.add_argument("--keep", action="store_true", help="write the results to torture/results")
    return parser.parse_args()


async def _run(terms: Terms, names: list[str], *, is_kept: bool) -> bool:
    outcomes: dict[str, Outcome] = {}

    async def play(name: str, playing: Coroutine[Any, Any, Outcome]) -> None:
        started = time.monotonic()
        outcomes[name] = await playing
        seconds = time.monotonic() - started
        results.show(name, outcomes[name], seconds)
        if is_kept:  # at once: the whole takes hours, and may be broken off
            print(f"Written to {results.write(terms, name, outcomes[name], seconds)}", flush=True)

    if shared := [name for name in names if name in SHARED]:
        async with staged(terms, "shared") as stage:
            for name in shared:
                await play(name, SHARED[name](stage))
    for name in names:
        if name in ALONE:
            await play(name, ALONE[name](terms))
    return not any(outcome.violations for outcome in outcomes.values())


if __name__ == "__main__":
    sys.exit(main())
