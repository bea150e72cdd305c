"""What is left to do for the files of what is deleted (routines/documents.sql)."""

from __future__ import annotations

import msgspec

from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.ids import new_id
from backboard_server.store.assistants import delete_assistant, insert_assistant
from backboard_server.store.database import Database
from backboard_server.store.threads import delete_thread
from backboard_server.store.turns import open_turn
from tenants import Tenant
from turn_requests import opening, stored_file, turn_of


async def waiting_keys(database: Database, tenant: Tenant) -> list[str]:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        rows = await connection.fetch("SELECT payload FROM jobs WHERE kind = 'delete_blobs'")
    return sorted(key for row in rows for key in msgspec.json.decode(row["payload"])["keys"])


async def test_the_files_of_a_deleted_thread_are_to_be_deleted(database: Database, tenant: Tenant) -> None:
    files = [stored_file(key) for key in ("a", "b", "c")]
    turn = await turn_of(database, tenant, opening(attachments=files))
    await open_turn(database, tenant.caller.tenant_id, opening(attachments=[stored_file("other")]))

    await delete_thread(database, tenant.caller.tenant_id, turn.thread_id)

    assert await waiting_keys(database, tenant) == ["a", "b", "c"]


async def test_an_assistants_own_files_and_those_of_its_threads_are_to_be_deleted(
    database: Database, tenant: Tenant
) -> None:
    made = await insert_assistant(database, tenant.caller.tenant_id, new_id(), AssistantSetup(name="Ada"))
    request = opening(assistant_id=made.id, attachments=[stored_file("of a thread")])
    await open_turn(database, tenant.caller.tenant_id, request)
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            """
            INSERT INTO documents (tenant_id, id, assistant_id, filename, file_size_bytes, blob_key, status)
            VALUES ($1, $2, $3, 'notes.txt', 3, 'its own', 'pending')
            """,
            tenant.caller.tenant_id, new_id(), made.id,
        )  # fmt: skip

    await delete_assistant(database, tenant.caller.tenant_id, made.id)

    assert await waiting_keys(database, tenant) == ["its own", "of a thread"]


async def test_without_files_nothing_is_left_to_do(database: Database, tenant: Tenant) -> None:
    turn = await turn_of(database, tenant, opening())

    await delete_thread(database, tenant.caller.tenant_id, turn.thread_id)

    assert await waiting_keys(database, tenant) == []
