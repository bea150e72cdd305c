"""A Postgres as an operator would bring it: not started by the server, entered by a URL, as any user."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from backboard_server.store.embedded.account import choose_account
from backboard_server.store.embedded.engine import SHARED_COPIES, Engine, find_engine
from backboard_server.store.embedded.folder import OpenFolder
from backboard_server.store.embedded.postmaster import Postmaster, launch

SUPERUSER = "admin"
_READY_SECONDS_MAX = 30.0


class ExternalPostgres:
    """A cluster with one superuser, in a folder that one account may enter: hence no passwords."""

    def __init__(self, engine: Engine, folder: OpenFolder) -> None:
        """`external_postgres` makes the folder."""
        self._engine = engine
        self._folder = folder
        self._postmaster: Postmaster | None = None

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Return the URL by which `user` enters `database`."""
        return f"postgresql://{user}@/{database}?host={self._folder.path}"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        log = os.open(os.devnull, os.O_WRONLY)
        try:
            self._postmaster = launch(self._engine, self._folder, log)
        finally:
            os.close(log)
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while not self._postmaster.is_ready():
            assert time.monotonic() < deadline, "Postgres does not start"
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop it, ending what is under way."""
        if self._postmaster is not None:
            self._postmaster.stop()
            self._postmaster = None


@contextmanager
def external_postgres(programs: Path | None = None) -> Generator[ExternalPostgres]:
    """Run a new cluster for the duration: by the programs in that folder, or by ours, with pgvector."""
    path = Path(tempfile.mkdtemp(prefix="external"))
    account = choose_account(path / "cluster", None)
    engine = Engine(programs, account) if programs else find_engine(account, SHARED_COPIES)
    if not account.is_ours:
        os.chown(path, account.uid, account.gid)
    folder = OpenFolder(path)
    engine.run(
        "initdb",
        f"--pgdata={folder.address}",
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--no-sync",
        folder=folder,
    )
    cluster = ExternalPostgres(engine, folder)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()
        folder.close()
        shutil.rmtree(path)
