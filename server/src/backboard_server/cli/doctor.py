"""What the server needs, looked at one by one, with a remedy for what is missing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from msgspec import Struct

from backboard_server.bootstrap import open_models, own_rows
from backboard_server.domain.errors import BackboardError
from backboard_server.providers.configured import describe
from backboard_server.providers.table import Row, list_rows
from backboard_server.settings import Settings
from backboard_server.store.address import Address
from backboard_server.store.database import connect_owner
from backboard_server.store.migrate import migrate

from .database import entered_database


class Finding(Struct, frozen=True):
    """One thing that was looked at: fine, worth knowing, or wrong; with what to do about it."""

    kind: Literal["fine", "note", "wrong"]
    subject: str
    sentence: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.kind:5}  {self.subject}: {self.sentence}"


async def examine(settings: Settings) -> list[Finding]:
    """Look at the database and the models. Nothing is changed, and no secret is shown."""
    findings = await _examine_database(settings)
    try:
        rows = own_rows(settings)
    except BackboardError as error:
        return [*findings, Finding("wrong", "own providers", error.message)]
    own = [_examine_own(row) for row in rows]
    return [*findings, *own, _examine_keys(rows), await _examine_default_model(settings)]


async def _examine_database(settings: Settings) -> list[Finding]:
    where = "the database of BACKBOARD_DATABASE_URL" if settings.database_url else f"{settings.data_dir}"
    if not settings.database_url and not _is_initialised(settings.data_dir):
        return [Finding("note", "database", f"{where} holds none yet; `backboard serve` makes it.")]
    try:
        with entered_database(settings) as owner:
            return await _examine_tables(owner, where)
    except BackboardError as error:
        return [Finding("wrong", "database", error.message)]


def _is_initialised(data_dir: Path) -> bool:
    return (data_dir / "postgres").exists()


async def _examine_tables(owner: Address, where: str) -> list[Finding]:
    connection = await connect_owner(owner)
    try:
        version = await connection.fetchval("SHOW server_version")
        vector = await connection.fetchval("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    finally:
        await connection.close()
    pending = await migrate(owner, check_only=True)
    return [
        Finding("fine", "database", f"Postgres {version} answers ({where})."),
        Finding("fine", "pgvector", f"version {vector}.")
        if vector
        else Finding("wrong", "pgvector", "missing. Install pgvector 0.8 or later beside that Postgres."),
        Finding(
            "note",
            "tables",
            f"{len(pending)} migrations pending: run `backboard migrate` or `backboard serve`.",
        )
        if pending
        else Finding("fine", "tables", "up to date."),
    ]


def _examine_own(row: Row) -> Finding:
    subject = f"own provider {row.id}"
    try:
        return Finding("fine", subject, describe(row, os.environ))
    except BackboardError as error:
        return Finding("note", subject, error.message)


def _examine_keys(own: tuple[Row, ...]) -> Finding:
    variables = {name for row in (*own, *list_rows()) for name in row.key_variables}
    names = sorted(name for name in variables if os.environ.get(name))
    if names:
        return Finding("fine", "provider keys", f"{', '.join(names)}.")
    return Finding(
        "note", "provider keys", "none. Set one, such as OPENAI_API_KEY, to use that provider's models."
    )


async def _examine_default_model(settings: Settings) -> Finding:
    models = open_models(settings)
    try:
        choice = await models.choose(None, None)
    except BackboardError as error:
        return Finding("wrong", "default model", error.message)
    finally:
        await models.aclose()
    if choice.provider == "local":
        remedy = "Set a provider's key or start Ollama to have a language model answer."
        return Finding("note", "default model", f"local, which quotes and is not a language model. {remedy}")
    return Finding("fine", "default model", f"{choice.model} of {choice.provider}.")
