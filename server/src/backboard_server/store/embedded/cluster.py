"""The cluster: initdb, the roles, the database and the extension, all of it or nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from backboard_server.domain.errors import Invalid
from backboard_server.store.address import APP_ROLE

from .engine import MAJOR_VERSION, Engine
from .folder import UNFINISHED, Folder, OpenFolder, Passwords, sync_folder

DATABASE = "backboard"
OWNER_ROLE = "backboard_owner"

# It has no password and no line in pg_hba.conf: nobody enters as superuser while Postgres runs.
_SUPERUSER = "backboard_superuser"
_CLIENT_AUTHENTICATION = f"local {DATABASE} {OWNER_ROLE},{APP_ROLE} scram-sha-256\n"

# Written to postgresql.conf once; from then on they are the operator's to change.
_SETTINGS = {
    "shared_buffers": "128MB",
    "jit": "off",  # compiling costs more than it saves on queries that take a millisecond
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Errors of statements are the caller's to log; their details would carry what users wrote.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


def ensure_cluster(engine: Engine, folder: Folder) -> None:
    """Make the cluster unless there is one. One that was cut short is made again from the start.

    Raises Invalid for the cluster of another major version, Unavailable when a program fails.
    """
    # An initdb whose server was killed may still be at it: each has a folder of its own, and what cannot be
    # removed now is removed next time.
    for leftover in folder.path.glob(f"postgres.*{UNFINISHED}"):
        shutil.rmtree(leftover, ignore_errors=True)
    if folder.cluster.exists():
        _check_version(folder)
        return
    folder.make_passwords(engine.account)
    unfinished = Path(tempfile.mkdtemp(prefix="postgres.", suffix=UNFINISHED, dir=folder.path))
    if not engine.account.is_ours:
        os.chown(unfinished, engine.account.uid, engine.account.gid)
    opened = OpenFolder(unfinished)
    try:
        _fill(engine, opened, folder.passwords())
    finally:
        opened.close()
    unfinished.rename(folder.cluster)
    sync_folder(folder.path)


def _check_version(folder: Folder) -> None:
    version = (folder.cluster / "PG_VERSION").read_text().strip()
    if version != MAJOR_VERSION:
        raise Invalid(
            f"{folder.cluster} was written by Postgres {version}, and this server brings {MAJOR_VERSION}. "
            "Install the server release that wrote it, dump the database there, and restore the dump here."
        )


def _fill(engine: Engine, cluster: OpenFolder, passwords: Passwords) -> None:
    engine.run(
        "initdb",
        f"--pgdata={cluster.address}",
        f"--username={_SUPERUSER}",
        "--auth=reject",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
        "--no-sync",
        *(f"--set={name}={value}" for name, value in _SETTINGS.items()),
        folder=cluster,
    )
    # Opened for writing, never made: the file stays the account's, as initdb left it.
    with open(os.open(cluster.path / "pg_hba.conf", os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW), "w") as rules:
        rules.write(_CLIENT_AUTHENTICATION)
    _run_sql(
        engine,
        cluster,
        "postgres",
        f"CREATE ROLE {OWNER_ROLE} LOGIN PASSWORD '{passwords.owner}'",
        f"CREATE ROLE {APP_ROLE} LOGIN NOBYPASSRLS PASSWORD '{passwords.app}'",
        f"CREATE DATABASE {DATABASE} OWNER {OWNER_ROLE}",
    )
    _run_sql(engine, cluster, DATABASE, "CREATE EXTENSION vector")
    engine.run("initdb", "--sync-only", f"--pgdata={cluster.address}", folder=cluster)


def _run_sql(engine: Engine, cluster: OpenFolder, database: str, *statements: str) -> None:
    """Run statements as superuser in a Postgres of its own, the only way in for one; one line each."""
    engine.run(
        "postgres",
        "--single",
        "-D",
        cluster.address,
        "-c",
        "exit_on_error=on",
        database,
        folder=cluster,
        text="".join(f"{statement}\n" for statement in statements),
    )
