from __future__ import annotations

import io
from pathlib import Path

from backboard import BackboardClient, DocumentStatus

from .scripted_server import Part, ScriptedServer, json_answer

OWNER_ID = "018f2b6a-0000-7000-8000-000000000001"
ID = "018f2b6a-0000-7000-8000-000000000006"
DOCUMENT = {
    "document_id": ID,
    "filename": "notes.txt",
    "status": "pending",
    "created_at": "2026-11-23T10:00:00Z",
}


async def test_upload_to_an_assistant_sends_the_file_of_a_path(
    client: BackboardClient, server: ScriptedServer, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"remember")
    server.script(json_answer(DOCUMENT))

    document = await client.upload_document_to_assistant(assistant_id=OWNER_ID, file_path=str(path))

    assert server.last_request.path == f"/api/assistants/{OWNER_ID}/documents"
    assert server.last_request.parts == [Part("file", "notes.txt", "text/plain", b"remember")]
    assert document.status is DocumentStatus.PENDING


async def test_upload_to_a_thread_sends_bytes_with_a_name(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(DOCUMENT), json_answer(DOCUMENT))

    await client.upload_document_to_thread(
        thread_id=OWNER_ID, file_path=("notes.md", b"# Notes", "text/markdown")
    )
    await client.upload_document_to_thread(OWNER_ID, ("notes.bin", io.BytesIO(b"\x00\x01")))

    assert [request.path for request in server.requests] == [f"/api/threads/{OWNER_ID}/documents"] * 2
    assert server.requests[0].parts == [Part("file", "notes.md", "text/markdown", b"# Notes")]
    assert server.requests[1].parts == [Part("file", "notes.bin", "application/octet-stream", b"\x00\x01")]


async def test_documents_are_listed_by_owner(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer([DOCUMENT]), json_answer([]))

    of_assistant = await client.list_assistant_documents(OWNER_ID)
    of_thread = await client.list_thread_documents(OWNER_ID)

    assert [request.path for request in server.requests] == [
        f"/api/assistants/{OWNER_ID}/documents",
        f"/api/threads/{OWNER_ID}/documents",
    ]
    assert (of_assistant[0].filename, of_thread) == ("notes.txt", [])


async def test_a_status_of_a_later_server_stays_text(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer({**DOCUMENT, "status": "quarantined", "chunk_count": 4}))

    document = await client.get_document_status(ID)

    assert server.last_request.path == f"/api/documents/{ID}/status"
    assert (document.status, document.chunk_count) == ("quarantined", 4)


async def test_delete_document_returns_a_dict(client: BackboardClient, server: ScriptedServer) -> None:
    deleted = {
        "message": "Document deleted",
        "document_id": ID,
        "filename": "notes.txt",
        "document_type": "txt",
        "deleted_at": "2026-11-23T10:00:00Z",
    }
    server.script(json_answer(deleted))

    assert await client.delete_document(ID) == deleted
    assert (server.last_request.method, server.last_request.path) == ("DELETE", f"/api/documents/{ID}")
