"""Documents in Postgres: the files that came with messages; their bytes lie in the blob store."""

from __future__ import annotations

from uuid import UUID

from backboard_server.domain.ids import new_id

from .database import Connection
from .rows import encoded

_IN_THREAD = "thread_id = $2"
_IN_ASSISTANT = """(
    assistant_id = $2
    OR thread_id IN (SELECT t.id FROM threads AS t WHERE t.tenant_id = $1 AND t.assistant_id = $2)
)"""


async def enqueue_blob_deletion(
    connection: Connection,
    tenant_id: UUID,
    *,
    thread_id: UUID | None = None,
    assistant_id: UUID | None = None,
) -> None:
    """Leave a job that deletes the blobs of everything that is about to be deleted in this transaction.

    One such job is enough where two requests delete the same thing at the same moment.
    """
    scope, subject = (_IN_THREAD, thread_id) if thread_id else (_IN_ASSISTANT, assistant_id)
    rows = await connection.fetch(
        f"SELECT blob_key FROM documents WHERE tenant_id = $1 AND {scope}", tenant_id, subject
    )
    if not rows:
        return
    await connection.execute(
        """
        INSERT INTO jobs (tenant_id, id, kind, subject, payload) VALUES ($1, $2, 'delete_blobs', $3, $4)
        ON CONFLICT (tenant_id, kind, subject) WHERE status = 'queued' DO NOTHING
        """,
        tenant_id, new_id(), str(subject), encoded({"keys": [row["blob_key"] for row in rows]}),
    )  # fmt: skip
