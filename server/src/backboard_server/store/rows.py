"""Rows to nouns: jsonb arrives as text and is decoded here, everything else is taken as it is."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec


def decoded(row: asyncpg.Record, *json_columns: str) -> dict[str, Any]:
    """Return the row's columns by name, with the named jsonb columns decoded."""
    values = dict(row.items())
    for column in json_columns:
        if values[column] is not None:
            values[column] = msgspec.json.decode(values[column])
    return values


def encoded(value: object) -> str | None:
    """Return a value as jsonb takes it: JSON text, or None for SQL's NULL."""
    return None if value is None else msgspec.json.encode(value).decode()
