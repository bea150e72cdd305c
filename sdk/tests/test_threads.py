from __future__ import annotations

from uuid import UUID

from backboard import BackboardClient, MessageRole

from .scripted_server import ScriptedServer, json_answer

ASSISTANT_ID = "018f2b6a-0000-7000-8000-000000000001"
ID = "018f2b6a-0000-7000-8000-000000000002"
THREAD = {
    "thread_id": ID,
    "assistant_id": ASSISTANT_ID,
    "created_at": "2026-11-23T10:00:00+00:00",
    "messages": [
        {
            "message_id": "018f2b6a-0000-7000-8000-000000000003",
            "role": "user",
            "content": "Hello",
            "created_at": "2026-11-23T10:00:01Z",
            "metadata_": {"source": "test"},
            "attachments": [
                {
                    "document_id": "018f2b6a-0000-7000-8000-000000000004",
                    "filename": "a.pdf",
                    "status": "indexed",
                    "file_size_bytes": 7,
                }
            ],
        },
        {
            "message_id": "018f2b6a-0000-7000-8000-000000000005",
            "role": "narrator",
            "content": None,
            "created_at": "2026-11-23T10:00:02Z",
        },
    ],
    "metadata_": None,
}


async def test_create_thread_posts_an_empty_object(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer({**THREAD, "messages": []}))

    thread = await client.create_thread(UUID(ASSISTANT_ID))

    assert server.last_request.method == "POST"
    assert server.last_request.path == f"/api/assistants/{ASSISTANT_ID}/threads"
    assert server.last_request.json == {}
    assert thread.thread_id == UUID(ID)
    assert thread.messages == []


async def test_list_threads_asks_for_a_page(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer([THREAD]), json_answer([THREAD]))

    everyones = await client.list_threads(skip=1, limit=2)
    assistants = await client.list_threads_for_assistant(ASSISTANT_ID)

    assert [(request.path, request.query) for request in server.requests] == [
        ("/api/threads", {"skip": "1", "limit": "2"}),
        (f"/api/assistants/{ASSISTANT_ID}/threads", {"skip": "0", "limit": "100"}),
    ]
    assert everyones == assistants


async def test_get_thread_returns_its_messages_typed(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer(THREAD))

    thread = await client.get_thread(ID)

    assert (server.last_request.method, server.last_request.path) == ("GET", f"/api/threads/{ID}")
    said, _ = thread.messages
    assert said.role is MessageRole.USER
    assert said.metadata_ == {"source": "test"}
    assert said.attachments is not None
    assert said.attachments[0].filename == "a.pdf"


async def test_a_role_of_a_later_server_does_not_fail_the_whole_thread(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(THREAD))

    thread = await client.get_thread(ID)

    assert thread.messages[1].role == "narrator"


async def test_delete_thread_returns_a_dict(client: BackboardClient, server: ScriptedServer) -> None:
    deleted = {"message": "Thread deleted", "thread_id": ID, "deleted_at": "2026-11-23T10:00:00Z"}
    server.script(json_answer(deleted))

    assert await client.delete_thread(ID) == deleted
    assert (server.last_request.method, server.last_request.path) == ("DELETE", f"/api/threads/{ID}")
