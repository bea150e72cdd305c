"""Memories over HTTP: kept word for word, found at once, in one scope, and gone when they are deleted."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx
import pytest

from fake_vendor import Answer, FakeVendor

RABBIT = "My rabbit is called Möhre and lives in Łódź."


@pytest.fixture
async def memories(client: httpx.AsyncClient) -> str:
    """The path of the memories of a new assistant."""
    made = await client.post("/assistants", json={"name": "Keeper"})
    return f"/assistants/{made.json()['assistant_id']}/memories"


async def add(client: httpx.AsyncClient, path: str, content: str, **fields: Any) -> str:
    response = await client.post(path, json={"content": content} | fields)
    assert response.status_code == 201, response.text
    return response.json()["memory_id"]


async def found(client: httpx.AsyncClient, path: str, query: str, **fields: Any) -> list[str]:
    response = await client.post(f"{path}/search", json={"query": query} | fields)
    assert response.status_code == 200, response.text
    return [memory["content"] for memory in response.json()["memories"]]


async def listed(client: httpx.AsyncClient, path: str, **query: Any) -> list[str]:
    response = await client.get(path, params=query)
    assert response.status_code == 200, response.text
    return [memory["content"] for memory in response.json()["memories"]]


async def test_a_memory_is_kept_word_for_word(client: httpx.AsyncClient, memories: str) -> None:
    content = '  {"type": "note",\n "text": "Don\'t  touch   this"}  '

    response = await client.post(memories, json={"content": content, "metadata": {"type": "note"}})

    added = response.json()
    assert (response.status_code, added["success"], added["content"]) == (201, True, content)
    assert added["id"] == added["memory_id"]
    read = (await client.get(f"{memories}/{added['id']}")).json()
    assert (read["content"], read["metadata"]) == (content, {"type": "note"})


async def test_equal_memories_are_two(client: httpx.AsyncClient, memories: str) -> None:
    first, second = await add(client, memories, RABBIT), await add(client, memories, RABBIT)

    assert first != second
    assert await listed(client, memories) == [RABBIT, RABBIT]


async def test_all_are_listed_newest_first_where_no_page_is_asked_for(
    client: httpx.AsyncClient, memories: str
) -> None:
    contents = [f"Number {number}" for number in range(30)]
    for content in contents:
        await add(client, memories, content)

    everything = (await client.get(memories)).json()
    page = (await client.get(memories, params={"page": 2, "page_size": 20})).json()

    assert [memory["content"] for memory in everything["memories"]] == contents[::-1]
    assert (everything["total_count"], everything["page"], everything["total_pages"]) == (30, None, None)
    assert [memory["content"] for memory in page["memories"]] == contents[9::-1]
    assert (page["page"], page["page_size"], page["total_pages"], page["total_count"]) == (2, 20, 2, 30)


async def test_a_page_past_the_last_one_is_empty(client: httpx.AsyncClient, memories: str) -> None:
    await add(client, memories, RABBIT)

    page = (await client.get(memories, params={"page": 9})).json()

    assert (page["memories"], page["total_count"], page["total_pages"]) == ([], 1, 1)


async def test_a_memory_is_found_by_the_next_request(client: httpx.AsyncClient, memories: str) -> None:
    await add(client, memories, "The boiler was serviced in March.")
    wanted = await add(client, memories, RABBIT, metadata={"about": "pets"})

    response = await client.post(f"{memories}/search", json={"query": "What is my rabbit's name?"})

    best = response.json()["memories"][0]
    assert (best["id"], best["content"], best["metadata"]) == (wanted, RABBIT, {"about": "pets"})
    assert 0 < best["score"] <= 1
    assert best["matched_words"]
    assert best["thread_id"] is None


async def test_a_search_returns_no_more_than_its_limit(client: httpx.AsyncClient, memories: str) -> None:
    for number in range(8):
        await add(client, memories, f"Rabbit number {number}")

    assert len(await found(client, memories, "rabbit")) == 5
    assert len(await found(client, memories, "rabbit", limit=7)) == 7


async def test_a_search_for_nothing_known_finds_nothing(client: httpx.AsyncClient, memories: str) -> None:
    await add(client, memories, RABBIT)

    assert await found(client, memories, "submarine telescopes") == []
    assert await found(client, memories, "?!") == []


async def test_a_search_may_be_among_those_with_certain_metadata(
    client: httpx.AsyncClient, memories: str
) -> None:
    await add(client, memories, "A grey rabbit", metadata={"kind": "note", "year": 2024})
    await add(client, memories, "A white rabbit", metadata={"kind": "task", "year": 2024})

    assert await found(client, memories, "rabbit", metadata={"kind": "task"}) == ["A white rabbit"]
    assert await found(client, memories, "rabbit", metadata={"kind": "none"}) == []


async def test_a_changed_memory_is_found_by_what_it_says_now(
    client: httpx.AsyncClient, memories: str
) -> None:
    memory = await add(client, memories, RABBIT, metadata={"kept": True})

    changed = await client.put(f"{memories}/{memory}", json={"content": "My tortoise is called Otto."})

    assert (changed.status_code, changed.json()["content"]) == (200, "My tortoise is called Otto.")
    assert changed.json()["metadata"] == {"kept": True}
    assert await found(client, memories, "rabbit") == []
    assert await found(client, memories, "tortoise") == ["My tortoise is called Otto."]


async def test_metadata_that_is_sent_takes_the_place_of_what_there_was(
    client: httpx.AsyncClient, memories: str
) -> None:
    memory = await add(client, memories, RABBIT, metadata={"kept": True})

    changed = await client.put(f"{memories}/{memory}", json={"content": RABBIT, "metadata": None})

    assert changed.json()["metadata"] is None


async def test_a_deleted_memory_is_found_nowhere(client: httpx.AsyncClient, memories: str) -> None:
    memory = await add(client, memories, RABBIT)

    deleted = await client.delete(f"{memories}/{memory}")

    assert deleted.json()["success"] is True
    assert (await client.get(f"{memories}/{memory}")).status_code == 404
    assert (await client.delete(f"{memories}/{memory}")).status_code == 404
    assert await listed(client, memories) == []
    assert await found(client, memories, "rabbit") == []


async def test_all_can_be_forgotten_at_once(client: httpx.AsyncClient, memories: str) -> None:
    for content in (RABBIT, "The boiler was serviced in March."):
        await add(client, memories, content)

    answer = (await client.delete(memories)).json()

    assert (answer["success"], answer["message"]) == (True, "2 memories deleted")
    assert await listed(client, memories) == []
    assert await found(client, memories, "boiler") == []


async def test_what_one_end_user_said_is_no_other_s(client: httpx.AsyncClient, memories: str) -> None:
    await add(client, memories, "Anna's secret is a rabbit.", user_id="anna")
    await add(client, memories, "The rabbit rule is for everybody.")

    assert await found(client, memories, "rabbit", user_id="anna") == ["Anna's secret is a rabbit."]
    assert await found(client, memories, "rabbit", user_id="ann") == []
    assert await found(client, memories, "rabbit") == ["The rabbit rule is for everybody."]
    assert await listed(client, memories, user_id="anna") == ["Anna's secret is a rabbit."]
    assert await listed(client, memories, user_id="bert") == []


async def test_of_another_assistant_nothing_is_found(client: httpx.AsyncClient, memories: str) -> None:
    other = (await client.post("/assistants", json={"name": "Other"})).json()["assistant_id"]
    memory = await add(client, memories, RABBIT)

    path = f"/assistants/{other}/memories"
    assert await found(client, path, "rabbit") == []
    assert (await client.get(f"{path}/{memory}")).status_code == 404
    assert (await client.put(f"{path}/{memory}", json={"content": "x"})).status_code == 404
    assert (await client.delete(f"{path}/{memory}")).status_code == 404
    assert await listed(client, memories) == [RABBIT]


async def test_statistics_count_what_there_is(client: httpx.AsyncClient, memories: str) -> None:
    empty = (await client.get(f"{memories}/stats")).json()
    await add(client, memories, RABBIT)

    stats = (await client.get(f"{memories}/stats")).json()
    insights = (await client.get(f"{memories}/insights")).json()

    assert (empty["total_memories"], empty["last_updated"]) == (0, None)
    assert (stats["total_memories"], stats["total_count"]) == (1, 1)
    assert stats["last_updated"]
    assert stats["limits"]["content_characters_max"] == 50_000
    assert list(insights) == ["snapshot", "contentSignals", "breakdown", "operations"]
    assert insights["breakdown"] == {"kind": {"fact": 1}, "origin": {"manual": 1}}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("POST", "", {"content": "x"}),
        ("DELETE", "", None),
        ("GET", "/stats", None),
        ("GET", "/insights", None),
        ("POST", "/search", {"query": "x"}),
    ],
)
async def test_an_assistant_that_is_not_there_has_no_memories(
    client: httpx.AsyncClient, method: str, path: str, body: dict[str, str] | None
) -> None:
    response = await client.request(method, f"/assistants/{uuid4()}/memories{path}", json=body)

    assert response.status_code == 404
    assert response.json()["detail"] == "Assistant not found"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": " \n"}, "content"),
        ({"content": "x" * 50_001}, "content"),
        ({"content": "a\0b"}, "content"),
        ({"content": "x", "metadata": "text"}, "metadata"),
        ({"content": "x", "metadata": {"long": "x" * 70_000}}, "metadata"),
        ({"content": "x", "user_id": ""}, "user_id"),
    ],
)
async def test_what_cannot_be_kept_is_refused_by_name(
    client: httpx.AsyncClient, memories: str, body: dict[str, Any], field: str
) -> None:
    response = await client.post(memories, json=body)

    assert response.status_code in (400, 422), response.text
    assert field in response.text


async def test_an_operation_that_is_not_there_is_not_found(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/assistants/memories/operations/{uuid4()}")

    assert response.status_code == 404


async def test_the_same_key_adds_one_memory(client: httpx.AsyncClient, memories: str) -> None:
    headers = {"Idempotency-Key": "once"}

    first = await client.post(memories, json={"content": RABBIT}, headers=headers)
    second = await client.post(memories, json={"content": RABBIT}, headers=headers)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert await listed(client, memories) == [RABBIT]


async def test_a_message_is_recalled_by_the_next_one_in_another_thread(
    client: httpx.AsyncClient, memories: str, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="How nice."))
    assistant = memories.split("/")[2]
    said = {"assistant_id": assistant, "content": RABBIT, "memory": "Auto"}
    first = (await client.post("/threads/messages", json=said)).json()

    asked = {"assistant_id": assistant, "content": "What is my rabbit called?", "memory": "Readonly"}
    second = (await client.post("/threads/messages", json=asked)).json()

    assert first["memory_operation_id"]
    assert second["memory_operation_id"] is None
    assert second["thread_id"] != first["thread_id"]
    assert second["retrieved_memories"][0]["memory"] == RABBIT
    shown = vendor.requests[-1].body["messages"]
    assert [message["role"] for message in shown] == ["system", "user"]
    assert RABBIT in shown[0]["content"]
