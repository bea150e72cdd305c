"""Bringing the tables to this release: numbered migrations run once, routines are replaced when they changed.

A migration that has run is never edited (its checksum is compared), and there is no way back but a backup.
One server migrates at a time: an advisory lock makes the others wait.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import asyncpg
from msgspec import Struct

from backboard_server.domain.errors import Invalid

from .address import APP_ROLE, SCHEMA, Address
from .database import Connection, connect_owner

POSTGRES_VERSION_MIN = 15
VECTOR_VERSION_MIN = (0, 8)

_FOLDER = Path(__file__).parent
_LOCK = 0x6261636B  # "back", as an advisory lock's number


class Script(Struct, frozen=True):
    """One SQL file of this release."""

    name: str
    sql: str
    is_repeatable: bool

    @property
    def checksum(self) -> str:
        """The SHA-256 of the text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def scripts(folder: Path = _FOLDER) -> list[Script]:
    """Return this release's scripts in the order in which they run: migrations by number, then routines."""
    return [
        Script(f"{kind}/{path.stem}", path.read_text(encoding="utf-8"), kind == "routines")
        for kind in ("migrations", "routines")
        for path in sorted((folder / kind).glob("*.sql"))
    ]


async def migrate(address: Address, *, check_only: bool = False, folder: Path = _FOLDER) -> list[str]:
    """Run what is pending and return its names; with `check_only` return the names and change nothing.

    Raises Invalid, with the remedy, for a Postgres or pgvector that is too old or absent, for a role that
    may not be made, for a migration that was edited after it ran, and for a database of a later release.
    """
    connection = await connect_owner(address)
    try:
        await _check_version(connection)
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        if check_only:
            return [script.name for script in await _pending(connection, folder)]
        await _make_role(connection, is_shared=address.url is not None)
        await _make_extension(connection)
        await _make_schema(connection)
        pending = await _pending(connection, folder)
        for script in pending:
            await _run(connection, script)
        return [script.name for script in pending]
    finally:
        await connection.close()


async def _check_version(connection: Connection) -> None:
    version = connection.get_server_version()
    if version.major < POSTGRES_VERSION_MIN:
        raise Invalid(
            f"Postgres {version.major} is too old: Backboard needs {POSTGRES_VERSION_MIN} or later. "
            "Point BACKBOARD_DATABASE_URL at a newer server, or unset it to use the embedded one."
        )


async def _make_schema(connection: Connection) -> None:
    await connection.execute(
        f"""
        CREATE SCHEMA IF NOT EXISTS {SCHEMA};
        GRANT USAGE ON SCHEMA {SCHEMA} TO {APP_ROLE};
        CREATE TABLE IF NOT EXISTS {SCHEMA}.applied_scripts (
            name       text PRIMARY KEY,
            checksum   text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
        """
    )


async def _make_role(connection: Connection, *, is_shared: bool) -> None:
    """Make the application's role unless it is there; `is_shared`: the user that connects must enter it."""
    is_member: bool | None = await connection.fetchval(
        "SELECT pg_has_role(r.oid, 'MEMBER') FROM pg_roles AS r WHERE r.rolname = $1", APP_ROLE
    )
    try:
        if is_member is None:
            await connection.execute(f"CREATE ROLE {APP_ROLE} NOLOGIN NOSUPERUSER NOBYPASSRLS")
        if is_shared and not is_member:
            await connection.execute(f"GRANT {APP_ROLE} TO CURRENT_USER")
    except asyncpg.InsufficientPrivilegeError as error:
        user = await connection.fetchval("SELECT current_user")
        raise Invalid(
            f"The database user {user} may not make the role that Backboard's requests run as. Once, as a "
            f'superuser, run: CREATE ROLE {APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO "{user}";'
        ) from error


async def _make_extension(connection: Connection) -> None:
    """See to pgvector: made if the server has it, refused if it is too old."""
    query = "SELECT extversion FROM pg_extension WHERE extname = 'vector'"
    version: str | None = await connection.fetchval(query)
    if version is None:
        try:
            await connection.execute("CREATE EXTENSION vector")
        except (asyncpg.UndefinedFileError, asyncpg.FeatureNotSupportedError) as error:
            raise Invalid(
                "This Postgres has no pgvector, which Backboard needs (0.8 or later). Install its package on "
                "the database server, or unset BACKBOARD_DATABASE_URL: the embedded Postgres has it."
            ) from error
        except asyncpg.InsufficientPrivilegeError as error:
            raise Invalid(
                "The database user may not make the extension pgvector. Once, as a superuser, run in "
                "this database: CREATE EXTENSION vector;"
            ) from error
        version = str(await connection.fetchval(query))
    if tuple(int(part) for part in version.split(".")[:2]) < VECTOR_VERSION_MIN:
        raise Invalid(
            f"pgvector {version} is too old: Backboard needs 0.8 or later. Install a newer package on the "
            "database server, then run: ALTER EXTENSION vector UPDATE;"
        )


async def _pending(connection: Connection, folder: Path) -> list[Script]:
    """Return the scripts that have not run, or not in their present form."""
    applied: dict[str, str] = {}
    if await connection.fetchval("SELECT to_regclass($1)", f"{SCHEMA}.applied_scripts"):
        rows = await connection.fetch(f"SELECT name, checksum FROM {SCHEMA}.applied_scripts")
        applied = {row["name"]: row["checksum"] for row in rows}
    ours = scripts(folder)
    ran = {name for name in applied if name.startswith("migrations/")}
    unknown = sorted(ran - {script.name for script in ours})
    if unknown:
        raise Invalid(
            f"The database was migrated by a later release ({unknown[-1]}). Run that release or a newer one; "
            "migrations only go forward."
        )
    for script in ours:
        if not script.is_repeatable and applied.get(script.name, script.checksum) != script.checksum:
            raise Invalid(
                f"{script.name} was changed after it ran on this database. Put the file back as it was, "
                "and make a new migration for the change."
            )
    return [script for script in ours if applied.get(script.name) != script.checksum]


async def _run(connection: Connection, script: Script) -> None:
    async with connection.transaction():
        await connection.execute(script.sql)
        await connection.execute(
            f"""
            INSERT INTO {SCHEMA}.applied_scripts (name, checksum) VALUES ($1, $2)
            ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now()
            """,
            script.name,
            script.checksum,
        )
