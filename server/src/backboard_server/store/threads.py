"""Threads and their messages in Postgres."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.domain.errors import NotFound
from backboard_server.domain.events import RunIds
from backboard_server.domain.messages import Attachment, Message
from backboard_server.domain.threads import Thread

from .database import Connection, Database
from .rows import decoded, encoded

_COLUMNS = "id, assistant_id, metadata, first_user_message, message_count, created_at, updated_at"
_MESSAGE_COLUMNS = """
    m.id, m.role, m.content, m.status, m.metadata, m.run_id, m.tool_calls, m.tool_call_id, m.tool_name,
    m.model_provider, m.model_name, m.input_tokens, m.output_tokens, m.created_at, (
        SELECT json_agg(json_build_object(
            'document_id', d.id, 'filename', d.filename, 'status', d.status,
            'file_size_bytes', d.file_size_bytes, 'summary', d.summary
        ) ORDER BY d.id)
        FROM documents AS d WHERE d.tenant_id = $1 AND d.message_id = m.id
    ) AS attachments
"""


async def insert_thread(
    database: Database,
    tenant_id: UUID,
    thread_id: UUID,
    assistant_id: UUID,
    metadata: dict[str, Any] | None = None,
) -> Thread:
    """Store a new, empty thread of an assistant and return it; one that has this id already stays as it is.

    Raises NotFound for the assistant.
    """
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"""
            INSERT INTO threads (tenant_id, id, assistant_id, metadata)
            SELECT a.tenant_id, $3, a.id, $4 FROM assistants AS a WHERE a.tenant_id = $1 AND a.id = $2
            ON CONFLICT (tenant_id, id) DO UPDATE SET updated_at = threads.updated_at
            RETURNING {_COLUMNS}
            """,
            tenant_id, assistant_id, thread_id, encoded(metadata),
        )  # fmt: skip
    if row is None:
        raise NotFound("Assistant not found")
    return Thread(**decoded(row, "metadata"))


async def get_thread(database: Database, tenant_id: UUID, thread_id: UUID) -> Thread:
    """Return a thread with all its messages, oldest first. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} FROM threads WHERE tenant_id = $1 AND id = $2", tenant_id, thread_id
        )
        if row is None:
            raise NotFound("Thread not found")
        messages = await _list_messages(connection, tenant_id, thread_id)
    return Thread(**decoded(row, "metadata"), messages=messages)


async def list_threads(
    database: Database, tenant_id: UUID, *, skip: int, limit: int, assistant_id: UUID | None = None
) -> list[Thread]:
    """Return a page of threads, newest first, without their messages.

    With `assistant_id` only those of that assistant; raises NotFound if there is no such assistant.
    """
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            f"""
            SELECT {_COLUMNS} FROM threads
            WHERE tenant_id = $1 AND ($2::uuid IS NULL OR assistant_id = $2)
            ORDER BY id DESC OFFSET $3 LIMIT $4
            """,
            tenant_id, assistant_id, skip, limit,
        )  # fmt: skip
        if not rows and assistant_id and not await _has_assistant(connection, tenant_id, assistant_id):
            raise NotFound("Assistant not found")
    return [Thread(**decoded(row, "metadata")) for row in rows]


class SavedMessage(Struct, frozen=True):
    """A message by itself, where it belongs, and the operation that remembers it."""

    ids: RunIds
    message: Message
    memory_operation_id: UUID | None


async def get_saved(database: Database, tenant_id: UUID, message_id: UUID) -> SavedMessage:
    """Return a message that no model was asked to answer. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"""
            SELECT {_MESSAGE_COLUMNS}, m.thread_id, t.assistant_id, o.id AS memory_operation_id
            FROM messages AS m JOIN threads AS t ON t.tenant_id = $1 AND t.id = m.thread_id
            LEFT JOIN memory_operations AS o ON o.tenant_id = $1 AND o.id = m.id
            WHERE m.tenant_id = $1 AND m.id = $2
            """,
            tenant_id, message_id,
        )  # fmt: skip
    if row is None:
        raise NotFound("What this request made was deleted.")
    values = dict(row.items())
    ids = RunIds(str(values.pop("thread_id")), str(values.pop("assistant_id")), None)
    operation_id = values.pop("memory_operation_id")
    return SavedMessage(ids, _message(values), operation_id)


async def delete_thread(database: Database, tenant_id: UUID, thread_id: UUID) -> None:
    """Delete a thread with its messages, runs and documents. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        deleted = await connection.fetchval(
            "DELETE FROM threads WHERE tenant_id = $1 AND id = $2 RETURNING id", tenant_id, thread_id
        )
    if deleted is None:
        raise NotFound("Thread not found")


async def _has_assistant(connection: Connection, tenant_id: UUID, assistant_id: UUID) -> bool:
    query = "SELECT EXISTS (SELECT FROM assistants WHERE tenant_id = $1 AND id = $2)"
    return bool(await connection.fetchval(query, tenant_id, assistant_id))


async def _list_messages(connection: Connection, tenant_id: UUID, thread_id: UUID) -> list[Message]:
    rows = await connection.fetch(
        f"""
        SELECT {_MESSAGE_COLUMNS}
        FROM messages AS m
        WHERE m.tenant_id = $1 AND m.thread_id = $2
        ORDER BY m.sequence, m.id
        """,
        tenant_id, thread_id,
    )  # fmt: skip
    calls_of_run: dict[UUID, list[dict[str, Any]]] = {}
    return [_message(dict(row.items()), calls_of_run) for row in rows]


def _message(values: dict[str, Any], calls_of_run: dict[UUID, list[dict[str, Any]]] | None = None) -> Message:
    """Return a message, with what the server knows added to the application's metadata (contract C.4).

    `calls_of_run` gathers the calls of each run: its last answer, which has none of its own, tells of all.
    """
    values |= {name: _from_json(values[name]) for name in ("metadata", "tool_calls", "attachments")}
    run_id, tool_calls = values.pop("run_id"), values.pop("tool_calls")
    call_id, tool_name = values.pop("tool_call_id"), values.pop("tool_name")
    if run_id and values["role"] != "user":
        known: dict[str, Any] = {"run_id": str(run_id)}
        earlier = (calls_of_run or {}).get(run_id)
        if tool_calls:
            known["tool_calls"] = [_tool_call(call) for call in tool_calls]
            if calls_of_run is not None:
                calls_of_run.setdefault(run_id, []).extend(known["tool_calls"])
        elif values["role"] == "tool":
            known |= {"tool_call_id": call_id, "tool_name": tool_name}
        elif earlier:
            known["all_run_tool_calls"] = earlier
        values["metadata"] = (values["metadata"] or {}) | known
    values["attachments"] = msgspec.convert(values["attachments"] or [], list[Attachment])
    return Message(**values)


def _from_json(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _tool_call(call: dict[str, str]) -> dict[str, Any]:
    """Return a tool call in the shape that clients know from answers and events."""
    function = {"name": call["name"], "arguments": call["arguments"]}
    return {"id": call["id"], "type": "function", "function": function}
