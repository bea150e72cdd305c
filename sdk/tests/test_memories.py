from __future__ import annotations

from backboard import BackboardClient

from .scripted_server import ScriptedServer, json_answer

ASSISTANT_ID = "018f2b6a-0000-7000-8000-000000000001"
MEMORIES = f"/api/assistants/{ASSISTANT_ID}/memories"
MEMORY = {
    "id": "mem 1/2",
    "content": "User prefers Python programming",
    "metadata": {"category": "preference"},
    "score": None,
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
}


async def test_add_memory_returns_a_dict_and_takes_201_for_success(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"success": True, "memory_id": "m1"}, 201))

    added = await client.add_memory(ASSISTANT_ID, "Prefers Python", metadata={"category": "preference"})

    assert (server.last_request.method, server.last_request.path) == ("POST", MEMORIES)
    assert server.last_request.json == {"content": "Prefers Python", "metadata": {"category": "preference"}}
    assert added["memory_id"] == "m1"


async def test_get_memories_asks_for_a_page_only_where_one_is_given(
    client: BackboardClient, server: ScriptedServer
) -> None:
    page = {"memories": [MEMORY], "total_count": 26, "page": 2, "page_size": 25, "total_pages": 2}
    server.script(json_answer(page), json_answer({"memories": [MEMORY], "total_count": 1}))

    second = await client.get_memories(ASSISTANT_ID, page=2, page_size=25)
    everything = await client.get_memories(ASSISTANT_ID)

    assert [request.query for request in server.requests] == [{"page": "2", "page_size": "25"}, {}]
    assert (second.total_pages, second.memories[0].content) == (2, MEMORY["content"])
    assert (everything.total_count, everything.page) == (1, None)


async def test_a_memory_is_addressed_by_its_escaped_id(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(MEMORY), json_answer(MEMORY), json_answer({"success": True, "message": "Gone"}))

    memory = await client.get_memory(ASSISTANT_ID, "mem 1/2")
    updated = await client.update_memory(ASSISTANT_ID, memory_id=memory.id, content="Updated content")
    deleted = await client.delete_memory(ASSISTANT_ID, memory.id)

    assert [(request.method, request.path) for request in server.requests] == [
        ("GET", f"{MEMORIES}/mem%201%2F2"),
        ("PUT", f"{MEMORIES}/mem%201%2F2"),
        ("DELETE", f"{MEMORIES}/mem%201%2F2"),
    ]
    assert server.requests[1].json == {"content": "Updated content"}
    assert updated.created_at == "2026-11-23T10:00:00Z"
    assert deleted["success"] is True


async def test_get_memory_stats_counts(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer({"total_memories": 3, "total_count": 3, "last_updated": None, "limits": {}}))

    stats = await client.get_memory_stats(ASSISTANT_ID)

    assert (server.last_request.method, server.last_request.path) == ("GET", f"{MEMORIES}/stats")
    assert stats.total_memories == 3


async def test_search_memories_returns_a_dict(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(
        json_answer({"memories": [{"id": "m1", "content": "Python", "score": 0.9}], "total_count": 1})
    )

    found = await client.search_memories(ASSISTANT_ID, "language", limit=3)

    assert (server.last_request.method, server.last_request.path) == ("POST", f"{MEMORIES}/search")
    assert server.last_request.json == {"query": "language", "limit": 3}
    assert found["memories"][0]["score"] == 0.9


async def test_reset_memories_deletes_the_collection(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer({"success": True, "message": "All memories deleted"}))

    assert (await client.reset_memories(ASSISTANT_ID))["success"] is True
    assert (server.last_request.method, server.last_request.path) == ("DELETE", MEMORIES)
