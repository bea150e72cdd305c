"""What is left to do for the files of what is deleted."""

from __future__ import annotations

import msgspec

from backboard_server.domain.assistants import AssistantSetup
from backboard_server.domain.ids import new_id
from backboard_server.store.assistants import insert_assistant
from backboard_server.store.database import Connection, Database
from backboard_server.store.documents import enqueue_blob_deletion
from backboard_server.store.turns import open_turn
from conftest import Tenant
from turn_requests import opening, stored_file


async def waiting_keys(connection: Connection) -> list[list[str]]:
    rows = await connection.fetch("SELECT payload FROM jobs WHERE kind = 'delete_blobs' ORDER BY id")
    return [sorted(msgspec.json.decode(row["payload"])["keys"]) for row in rows]


async def test_the_files_of_a_thread_go_into_one_job(database: Database, tenant: Tenant) -> None:
    files = [stored_file(key) for key in ("a", "b", "c")]
    turn = await open_turn(database, tenant.caller.tenant_id, opening(attachments=files))
    await open_turn(database, tenant.caller.tenant_id, opening(attachments=[stored_file("other")]))

    async with database.tenant(tenant.caller.tenant_id) as connection:
        await enqueue_blob_deletion(connection, tenant.caller.tenant_id, thread_id=turn.thread_id)

        assert await waiting_keys(connection) == [["a", "b", "c"]]


async def test_an_assistants_own_files_and_those_of_its_threads_go_into_one_job(
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
        await enqueue_blob_deletion(connection, tenant.caller.tenant_id, assistant_id=made.id)

        assert await waiting_keys(connection) == [["its own", "of a thread"]]


async def test_without_files_nothing_is_left_to_do(database: Database, tenant: Tenant) -> None:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await enqueue_blob_deletion(connection, tenant.caller.tenant_id, thread_id=new_id())
        await enqueue_blob_deletion(connection, tenant.caller.tenant_id, assistant_id=new_id())

        assert await waiting_keys(connection) == []
