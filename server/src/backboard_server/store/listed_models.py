"""Models that providers listed when the operator last asked them: the same for every tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import msgspec

from backboard_server.domain.models import Model

from .database import Connection, Database

_DECODED_AT_ONCE = 500


async def replace_listed_models(owner: Connection, provider: str, models: Sequence[Model]) -> None:
    """Store what a provider lists in place of what it listed before. Only the owner of the tables may."""
    async with owner.transaction():
        await owner.execute("DELETE FROM listed_models WHERE provider = $1", provider)
        await owner.execute(
            """
            INSERT INTO listed_models (provider, name, details)
            SELECT $1, name, details::jsonb FROM unnest($2::text[], $3::text[]) AS listed (name, details)
            """,
            provider,
            [model.name for model in models],
            [msgspec.json.encode(model).decode() for model in models],
        )


async def find_listing_time(database: Database) -> str | None:
    """Return a text that is another one whenever any list has changed; None where there is no list."""
    query = "SELECT max(listed_at)::text || count(*) AS version FROM listed_models HAVING count(*) > 0"
    rows = await database.call(query)
    return rows[0]["version"] if rows else None


async def list_listed_models(source: Database | Connection) -> list[Model]:
    """Return every listed model, by provider and name. Rows of another release's shape are left out."""
    ask = source.call if isinstance(source, Database) else source.fetch
    rows = await ask("SELECT details FROM listed_models ORDER BY provider, name")
    models: list[Model] = []
    for start in range(0, len(rows), _DECODED_AT_ONCE):
        decoded = (_decoded(row) for row in rows[start : start + _DECODED_AT_ONCE])
        models += [model for model in decoded if model]
        await asyncio.sleep(0)  # there may be tens of thousands, and requests do not wait for them
    return models


def _decoded(row: asyncpg.Record) -> Model | None:
    try:
        return msgspec.json.decode(row["details"], type=Model)
    except msgspec.ValidationError:
        return None
