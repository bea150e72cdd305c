"""Assistants in Postgres."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from backboard_server.domain.assistants import Assistant, AssistantSetup
from backboard_server.domain.errors import NotFound
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.tools import McpServer

from .database import Database
from .rows import decoded, encoded

_COLUMNS = """
    id, name, description, system_prompt, tools, tok_k, embedding_provider, embedding_model_name,
    embedding_dims, custom_fact_extraction_prompt, custom_update_memory_prompt, fallbacks, mcp_servers,
    created_at, updated_at
"""
_JSON_COLUMNS = ("tools", "fallbacks", "mcp_servers")
_CHANGEABLE = (
    "name",
    "description",
    "system_prompt",
    "tools",
    "tok_k",
    "custom_fact_extraction_prompt",
    "custom_update_memory_prompt",
    "fallbacks",
    "mcp_servers",
)


async def insert_assistant(
    database: Database, tenant_id: UUID, assistant_id: UUID, setup: AssistantSetup
) -> Assistant:
    """Store a new assistant and return it; one that has this id already stays as it is."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"""
            INSERT INTO assistants (
                tenant_id, id, name, description, system_prompt, tools, tok_k,
                embedding_provider, embedding_model_name, embedding_dims,
                custom_fact_extraction_prompt, custom_update_memory_prompt, fallbacks, mcp_servers
            ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            ON CONFLICT (tenant_id, id) DO NOTHING
            RETURNING {_COLUMNS}
            """,
            tenant_id, assistant_id, setup.name, setup.description, setup.system_prompt, encoded(setup.tools),
            setup.tok_k, setup.embedding_provider, setup.embedding_model_name, setup.embedding_dims,
            setup.custom_fact_extraction_prompt, setup.custom_update_memory_prompt, encoded(setup.fallbacks),
            encoded(setup.mcp_servers),
        )  # fmt: skip
    return await get_assistant(database, tenant_id, assistant_id) if row is None else _assistant(row)


async def get_assistant(database: Database, tenant_id: UUID, assistant_id: UUID) -> Assistant:
    """Return an assistant. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM assistants WHERE tenant_id = $1 AND id = $2", tenant_id, assistant_id
        )
    if row is None:
        raise NotFound("Assistant not found")
    return _assistant(row)


async def list_assistants(
    database: Database, tenant_id: UUID, *, skip: int, limit: int, name: str | None = None
) -> list[Assistant]:
    """Return a page of assistants, newest first; `name` selects exactly that name."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            f"""
            SELECT {_COLUMNS} FROM assistants
            WHERE tenant_id = $1 AND ($2::text IS NULL OR name = $2)
            ORDER BY id DESC OFFSET $3 LIMIT $4
            """,
            tenant_id, name, skip, limit,
        )  # fmt: skip
    return [_assistant(row) for row in rows]


async def update_assistant(
    database: Database, tenant_id: UUID, assistant_id: UUID, changes: dict[str, Any]
) -> Assistant:
    """Change the given fields, which must be changeable ones, and return the assistant. Raises NotFound."""
    changes |= {name: encoded(changes[name]) for name in _JSON_COLUMNS if name in changes}
    names = [name for name in _CHANGEABLE if name in changes]
    assignments = "".join(f", {name} = ${number}" for number, name in enumerate(names, start=3))
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"""
            UPDATE assistants SET updated_at = now(){assignments}
            WHERE tenant_id = $1 AND id = $2
            RETURNING {_COLUMNS}
            """,
            tenant_id, assistant_id, *(changes[name] for name in names),
        )  # fmt: skip
    if row is None:
        raise NotFound("Assistant not found")
    return _assistant(row)


async def delete_assistant(database: Database, tenant_id: UUID, assistant_id: UUID) -> None:
    """Delete an assistant with its threads, messages, runs and documents. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        deleted = await connection.fetchval(
            "DELETE FROM assistants WHERE tenant_id = $1 AND id = $2 RETURNING id", tenant_id, assistant_id
        )
    if deleted is None:
        raise NotFound("Assistant not found")


def _assistant(row: asyncpg.Record) -> Assistant:
    values = decoded(row, *_JSON_COLUMNS)
    values["fallbacks"] = msgspec.convert(values["fallbacks"], list[ModelChoice] | None)
    values["mcp_servers"] = msgspec.convert(values["mcp_servers"], list[McpServer] | None)
    return Assistant(**values)
