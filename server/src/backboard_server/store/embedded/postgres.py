"""The embedded Postgres as the rest of the server sees it: start it, watch over it, enter it, stop it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from backboard_server.domain.errors import Conflict, Unavailable
from backboard_server.store.address import APP_ROLE, Address

from .account import choose_account
from .cluster import DATABASE, OWNER_ROLE, ensure_cluster
from .engine import SHARED_COPIES, Engine, find_engine
from .folder import Folder, OpenFolder, Role
from .lock import FolderLock, Purpose
from .postgres_log import PostgresLog
from .postmaster import PORT, Postmaster, find_running, launch, prove_entry

# Sessions that survive a killed Postgres keep the next one out until they notice.
_START_PAUSES_SECONDS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6)
_REVIVAL_PAUSES_SECONDS = (*_START_PAUSES_SECONDS, 3.2, 5.0, 5.0, 5.0, 5.0, 5.0)
_RECOVERY_SECONDS_MAX = 3600.0
_TELLING_SECONDS = 5.0
_POLL_SECONDS = 0.01
_WATCH_SECONDS = 0.25
_REVIVALS_MAX = 10  # without a quiet while between them
_QUIET_SECONDS = 60.0
_ATTACH_SECONDS_MAX = 60.0

_logger = logging.getLogger(__name__)


class EmbeddedPostgres:
    """The Postgres of one data folder.

    `start` and `stop` are for the one process that supervises it; `connection` is for every process beside.
    """

    def __init__(
        self, data_dir: Path, *, account: str | None = None, on_lost: Callable[[], None] | None = None
    ) -> None:
        """`account` is the system account to use when we are root and the folder is new.

        `on_lost` is called from a thread when Postgres died and cannot be brought back.
        """
        self._folder = Folder(data_dir)
        self._wanted_account = account
        self._on_lost = on_lost
        self._lock = FolderLock(self._folder.lock)
        self._log = PostgresLog(self._folder.postgres_log)
        self._cluster: OpenFolder | None = None
        self._postmaster: Postmaster | None = None
        self._is_stopping = threading.Event()
        self._watch: threading.Thread | None = None

    @classmethod
    @contextmanager
    def attach(cls, data_dir: Path, *, account: str | None = None) -> Generator[EmbeddedPostgres]:
        """Enter the database beside a running server, or without one: then it runs for the duration.

        Raises what `start` raises, and Unavailable when the server that holds the folder does not get ready.
        """
        postgres = cls(data_dir, account=account)
        if not postgres._start("command"):
            postgres._wait_for_server()
        try:
            yield postgres
        finally:
            postgres.stop()

    def start(self) -> None:
        """Bring Postgres up: initialise an empty folder, re-attach to one that runs, recover a killed one.

        Blocks until it takes connections, and watches it from then on in a thread. Raises Conflict when
        another server uses the folder, Invalid for a folder that is not ours, Unavailable for the rest.
        """
        if not self._start("server"):
            process, _ = self._lock.holder()
            raise Conflict(
                f"Another Backboard server (process {process}) is using {self._folder.path}. "
                "Stop it, or choose another --data-dir."
            )

    def stop(self) -> None:
        """Stop Postgres cleanly and let the data folder go; harmless when it is not running."""
        self._is_stopping.set()
        if self._watch is not None:
            self._watch.join()
            self._watch = None
        if self._postmaster is not None:
            self._postmaster.stop()
            self._postmaster = None
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None
        self._lock.release()

    def connection(self, role: Role) -> Address:
        """Return how to enter it from this process, for as long as this object lives and is not stopped.

        Raises Unavailable when there is no database in the folder or its passwords cannot be read.
        """
        passwords = self._folder.passwords()
        return Address(
            host=self._open_cluster().address,
            port=PORT,
            user=OWNER_ROLE if role == "owner" else APP_ROLE,
            password=passwords.owner if role == "owner" else passwords.app,
            database=DATABASE,
        )

    def _start(self, purpose: Purpose) -> bool:
        """Start unless a server holds the folder; say whether we did."""
        account = choose_account(self._folder.cluster, self._wanted_account)
        self._folder.claim(account)
        if not self._lock.take(purpose):
            return False
        try:
            engine = find_engine(account, self._folder.engine, SHARED_COPIES)
            ensure_cluster(engine, self._folder)
            self._adopt_or_launch(engine)
        except BaseException:
            self.stop()
            raise
        self._watch = threading.Thread(
            target=self._watch_over, args=(engine,), name="postgres-watch", daemon=True
        )
        self._watch.start()
        return True

    def _adopt_or_launch(self, engine: Engine) -> None:
        cluster = self._open_cluster()
        found = find_running(cluster)
        if found is None or not self._is_ready_in_time(found):
            self._launch(engine, _START_PAUSES_SECONDS)
            return
        prove_entry(engine, cluster, self._folder.passwords().owner)
        self._postmaster = found
        _logger.info("Re-attached to the embedded Postgres (process %d)", found.pid)

    def _launch(self, engine: Engine, pauses_seconds: Sequence[float]) -> None:
        """Launch Postgres, after each pause once, until it is ready.

        Raises Unavailable with the end of its log when it never is.
        """
        for pause_seconds in pauses_seconds:
            if self._is_stopping.wait(pause_seconds):
                return
            with self._log.opened() as log:
                self._postmaster = launch(engine, self._open_cluster(), log)
            if self._is_ready_in_time(self._postmaster):
                return
        raise Unavailable(
            f"The embedded Postgres does not start. The end of its log, {self._folder.postgres_log}:\n"
            + self._log.end()
        )

    def _is_ready_in_time(self, postmaster: Postmaster) -> bool:
        """Wait while it starts or recovers; False if it ends, or if we are asked to stop meanwhile."""
        started_at = time.monotonic()
        has_told = False
        while postmaster.is_running():
            if postmaster.is_ready():
                return True
            seconds = time.monotonic() - started_at
            if seconds > _RECOVERY_SECONDS_MAX:
                raise Unavailable(
                    f"The embedded Postgres is not ready after {_RECOVERY_SECONDS_MAX:.0f} s. "
                    f"The end of its log, {self._folder.postgres_log}:\n{self._log.end()}"
                )
            if seconds > _TELLING_SECONDS and not has_told:
                _logger.warning("Waiting for the embedded Postgres to recover; its log tells how far it is")
                has_told = True
            if self._is_stopping.wait(_POLL_SECONDS):
                return False
        return False

    def _watch_over(self, engine: Engine) -> None:
        """Bring Postgres back whenever it dies, until we stop or it dies too often."""
        revivals, revived_at = 0, 0.0
        while not self._is_stopping.wait(_WATCH_SECONDS):
            self._log.trim()
            if self._postmaster is None or self._postmaster.is_running():
                continue
            if time.monotonic() - revived_at > _QUIET_SECONDS:
                revivals = 0
            revivals, revived_at = revivals + 1, time.monotonic()
            try:
                self._revive(engine, revivals)
            except Unavailable as error:
                _logger.critical("The embedded Postgres is lost: %s", error.message)
                self._postmaster = None
                if self._on_lost is not None:
                    self._on_lost()
                return

    def _revive(self, engine: Engine, revivals: int) -> None:
        if revivals > _REVIVALS_MAX:
            raise Unavailable(f"it died {revivals} times in a row. The end of its log:\n{self._log.end()}")
        _logger.error("The embedded Postgres died; starting it again (%d of %d)", revivals, _REVIVALS_MAX)
        self._launch(engine, _REVIVAL_PAUSES_SECONDS)
        _logger.info("The embedded Postgres is back")

    def _open_cluster(self) -> OpenFolder:
        if self._cluster is None:
            try:
                self._cluster = OpenFolder(self._folder.cluster)
            except OSError as error:
                raise Unavailable(
                    f"There is no database in {self._folder.path} that we may enter: {error.strerror}. "
                    "Start the server on it first, as the same user."
                ) from error
        return self._cluster

    def _wait_for_server(self) -> None:
        """Wait for the server that holds the folder to have Postgres ready."""
        deadline = time.monotonic() + _ATTACH_SECONDS_MAX
        while not self._is_served():
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"The server (process {self._lock.holder()[0]}) that is using {self._folder.path} "
                    "does not get ready. Look into its log."
                )
            time.sleep(_POLL_SECONDS)

    def _is_served(self) -> bool:
        if not self._folder.cluster.exists():
            return False
        running = find_running(self._open_cluster())
        return running is not None and running.is_ready()
