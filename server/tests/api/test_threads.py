"""Threads over HTTP."""

from __future__ import annotations

from typing import Any

import httpx

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


async def send(client: httpx.AsyncClient, content: str, **fields: Any) -> dict[str, Any]:
    response = await client.post("/threads/messages", json={"content": content} | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def test_thread_is_read_with_all_its_messages(client: httpx.AsyncClient) -> None:
    answer = await send(client, "Hello there,\nserver", metadata={"mine": True})

    thread = (await client.get(f"/threads/{answer['thread_id']}")).json()

    assert thread["assistant_id"] == answer["assistant_id"]
    assert thread["title"] == "Hello there,"
    assert thread["message_count"] == 2
    user, assistant = thread["messages"]
    assert (user["role"], user["content"], user["status"]) == ("user", "Hello there,\nserver", "COMPLETED")
    assert user["metadata_"] == {"mine": True}
    assert (assistant["role"], assistant["content"]) == ("assistant", "Hello from the vendor.")
    assert assistant["message_id"] == answer["message_id"]
    assert assistant["metadata_"]["run_id"] == answer["run_id"]
    assert assistant["total_tokens"] == assistant["input_tokens"] + assistant["output_tokens"]


async def test_list_is_a_bare_array_newest_first(client: httpx.AsyncClient) -> None:
    first = await send(client, "one")
    second = await send(client, "two")

    listed = (await client.get("/threads", params={"include_messages": "false"})).json()

    assert [thread["thread_id"] for thread in listed] == [second["thread_id"], first["thread_id"]]
    assert listed[0]["first_user_message"] == "two"
    assert listed[0]["messages"] == []


async def test_an_empty_account_has_no_threads(client: httpx.AsyncClient) -> None:
    assert (await client.get("/threads")).json() == []


async def test_deleted_thread_is_gone(client: httpx.AsyncClient) -> None:
    thread_id = (await send(client, "one"))["thread_id"]

    deleted = (await client.delete(f"/threads/{thread_id}")).json()

    assert deleted["thread_id"] == thread_id
    assert {"message", "deleted_at"} <= deleted.keys()
    assert (await client.get(f"/threads/{thread_id}")).status_code == 404
    assert (await client.delete(f"/threads/{thread_id}")).status_code == 404


async def test_unknown_thread_is_not_found(client: httpx.AsyncClient) -> None:
    response = await client.get(f"/threads/{UNKNOWN}")

    assert response.status_code == 404
    assert response.json()["detail"] == "Thread not found"
