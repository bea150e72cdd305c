from __future__ import annotations

from typing import Any

import pytest

from backboard import BackboardClient

from .scripted_server import ScriptedServer, json_answer

ASSISTANT_ID = "018f2b6a-0000-7000-8000-000000000001"
MEMORIES = f"/api/assistants/{ASSISTANT_ID}/memories"
OPERATIONS = "/api/assistants/memories/operations"
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


async def test_memory_of_one_user_is_asked_for_by_every_method_that_takes_one(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.respond = lambda request: json_answer({"memories": [], "total_count": 0, "memory_id": "m1"})

    await client.add_memory(ASSISTANT_ID, "Prefers Python", user_id="ann/1")
    await client.search_memories(ASSISTANT_ID, "language", user_id="ann/1")
    await client.get_memories(ASSISTANT_ID, user_id="ann/1")
    await client.get_memory_stats(ASSISTANT_ID, user_id="ann/1")
    await client.get_memory_insights(ASSISTANT_ID, user_id="ann/1")
    await client.reset_memories(ASSISTANT_ID, user_id="ann/1")

    added, searched, *others = server.requests
    assert added.json == {"content": "Prefers Python", "user_id": "ann/1"}
    assert searched.json == {"query": "language", "limit": 5, "user_id": "ann/1"}
    assert [(request.method, request.path, request.query) for request in others] == [
        ("GET", MEMORIES, {"user_id": "ann/1"}),
        ("GET", f"{MEMORIES}/stats", {"user_id": "ann/1"}),
        ("GET", f"{MEMORIES}/insights", {"user_id": "ann/1"}),
        ("DELETE", MEMORIES, {"user_id": "ann/1"}),
    ]


async def test_no_user_is_asked_for_where_none_is_given(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.respond = lambda request: json_answer({"success": True})

    await client.get_memory_stats(ASSISTANT_ID)
    await client.get_memory_insights(ASSISTANT_ID)
    await client.reset_memories(ASSISTANT_ID)

    assert [request.query for request in server.requests] == [{}, {}, {}]


async def test_search_memories_asks_for_those_with_the_metadata(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"memories": [], "total_count": 0}))

    await client.search_memories(ASSISTANT_ID, "language", metadata={"category": "preference"})

    assert server.last_request.json == {
        "query": "language",
        "limit": 5,
        "metadata": {"category": "preference"},
    }


async def test_update_memory_sends_metadata_where_it_is_given(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(MEMORY))

    await client.update_memory(ASSISTANT_ID, "m1", "Prefers Rust", metadata={"category": "language"})

    assert server.last_request.json == {"content": "Prefers Rust", "metadata": {"category": "language"}}


async def test_get_memory_insights_returns_a_dict(client: BackboardClient, server: ScriptedServer) -> None:
    insights = {
        "snapshot": {"total": 3},
        "contentSignals": {},
        "breakdown": {"kind": {"fact": 3}},
        "operations": {"COMPLETED": 2},
    }
    server.script(json_answer(insights))

    assert await client.get_memory_insights(ASSISTANT_ID) == insights
    assert (server.last_request.method, server.last_request.path) == ("GET", f"{MEMORIES}/insights")


def operation(status: str, **fields: Any) -> dict[str, Any]:
    return {"operation_id": "op 1/2", "status": status, "memory_ids": [], "result_count": 0, **fields}


async def test_get_memory_operation_tells_what_was_done(
    client: BackboardClient, server: ScriptedServer
) -> None:
    changes = [{"event": "ADD", "memory": "Plays violin", "id": "m1"}, {"event": "NONE", "memory": "Plays"}]
    server.script(json_answer(operation("COMPLETED", memory_ids=changes, refused={"no quote": 1})))

    done = await client.get_memory_operation("op 1/2")

    assert (server.last_request.method, server.last_request.path) == ("GET", f"{OPERATIONS}/op%201%2F2")
    assert (done.operation_id, done.status, done.refused) == ("op 1/2", "COMPLETED", {"no quote": 1})
    assert [(change.event, change.id) for change in done.memory_ids] == [("ADD", "m1"), ("NONE", None)]


@pytest.mark.parametrize("outcome", ["COMPLETED", "ERROR"])
async def test_wait_for_memory_asks_until_the_operation_is_over(
    client: BackboardClient, server: ScriptedServer, outcome: str
) -> None:
    server.script(json_answer(operation("IN_PROGRESS")), json_answer(operation(outcome)))

    done = await client.wait_for_memory("op1")

    assert done.status == outcome
    assert [request.path for request in server.requests] == [f"{OPERATIONS}/op1"] * 2


async def test_wait_for_memory_gives_up_after_the_time_that_it_was_given(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.respond = lambda request: json_answer(operation("IN_PROGRESS"))

    with pytest.raises(TimeoutError, match=r"operation op1 is not over after 0\.1 s"):
        await client.wait_for_memory("op1", wait_seconds=0.1)

    assert len(server.requests) == 2


async def test_wait_for_memory_sees_what_is_over_even_without_time_to_wait(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(operation("COMPLETED")))

    assert (await client.wait_for_memory("op1", wait_seconds=0)).status == "COMPLETED"
