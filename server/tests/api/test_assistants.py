"""Assistants over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backboard_server.api.assistants import TOOLS_BYTES_MAX

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "get_weather"}}


async def create(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/assistants", json={"name": "Bot"} | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def test_create_fills_the_defaults_of_the_contract(client: httpx.AsyncClient) -> None:
    assistant = await create(client)

    assert assistant["tok_k"] == 10
    assert assistant["embedding_provider"] == "openai"
    assert assistant["embedding_model_name"] == "text-embedding-3-large"
    assert assistant["embedding_dims"] == 3072
    assert assistant["system_prompt"] is None
    assert assistant["created_at"].endswith("Z")


async def test_created_assistant_can_be_read(client: httpx.AsyncClient) -> None:
    created = await create(client, system_prompt="Be kind", tok_k=3, tools=[TOOL])

    read = await client.get(f"/assistants/{created['assistant_id']}")

    assert read.json() == created


async def test_description_serves_as_prompt_when_none_is_sent(client: httpx.AsyncClient) -> None:
    only_description = await create(client, description="Be brief")
    both = await create(client, description="A bot", system_prompt="Be kind")
    explicit_none = await create(client, description="A bot", system_prompt=None)

    assert only_description["system_prompt"] == "Be brief"
    assert both["system_prompt"] == "Be kind"
    assert explicit_none["system_prompt"] is None


async def test_tool_parameters_are_always_an_object_and_unknown_keywords_stay(
    client: httpx.AsyncClient,
) -> None:
    schema = {"type": "object", "properties": {"at": {"anyOf": [{"const": 1}, {"type": "null"}]}}}
    rich = {"type": "function", "strict": True, "function": {"name": "f", "parameters": schema}}

    assistant = await create(client, tools=[TOOL, rich])

    assert assistant["tools"][0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert assistant["tools"][1]["function"]["parameters"] == schema
    assert assistant["tools"][1]["strict"] is True


async def test_unknown_fields_are_ignored(client: httpx.AsyncClient) -> None:
    assistant = await create(client, llm_provider="openai", tenant_id=UNKNOWN)

    assert "tenant_id" not in assistant


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"name": None}, "name"),
        ({"tok_k": 0}, "tok_k"),
        ({"tok_k": 101}, "tok_k"),
        ({"tok_k": "many"}, "tok_k"),
        ({"tools": "none"}, "tools"),
        ({"tools": [{"type": "function", "function": {"name": "no spaces"}}]}, "tools"),
        ({"embedding_dims": 0}, "embedding_dims"),
    ],
)
async def test_bad_fields_are_refused_by_name(
    client: httpx.AsyncClient, fields: dict[str, Any], where: str
) -> None:
    response = await client.post("/assistants", json={"name": "Bot"} | fields)

    assert response.status_code == 422
    assert where in response.json()["detail"][0]["loc"]


async def test_list_is_a_bare_array_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    names = ["one", "two", "three"]
    for name in names:
        await create(client, name=name)

    everything = (await client.get("/assistants")).json()
    page = (await client.get("/assistants", params={"skip": 1, "limit": 1})).json()

    assert [assistant["name"] for assistant in everything] == ["three", "two", "one"]
    assert [assistant["name"] for assistant in page] == ["two"]


async def test_list_by_name_is_exact_and_case_sensitive(client: httpx.AsyncClient) -> None:
    for name in ("Bot", "bot", "Bot 2"):
        await create(client, name=name)

    found = (await client.get("/assistants", params={"name": "Bot"})).json()

    assert [assistant["name"] for assistant in found] == ["Bot"]


@pytest.mark.parametrize("params", [{"skip": -1}, {"skip": 10001}, {"limit": 0}, {"limit": 201}])
async def test_page_bounds_are_refused(client: httpx.AsyncClient, params: dict[str, int]) -> None:
    assert (await client.get("/assistants", params=params)).status_code == 422


async def test_update_changes_what_is_sent_and_nothing_else(client: httpx.AsyncClient) -> None:
    created = await create(client, system_prompt="Be kind", tools=[TOOL])

    response = await client.put(
        f"/assistants/{created['assistant_id']}", json={"name": "New", "system_prompt": None}
    )

    changed = response.json()
    assert (changed["name"], changed["system_prompt"]) == ("New", None)
    assert changed["tools"] == created["tools"]
    assert changed["updated_at"] > created["updated_at"]


async def test_update_replaces_the_whole_list_of_tools(client: httpx.AsyncClient) -> None:
    created = await create(client, tools=[TOOL])

    changed = await client.put(f"/assistants/{created['assistant_id']}", json={"tools": []})

    assert changed.json()["tools"] == []


async def test_embedding_fields_cannot_be_changed(client: httpx.AsyncClient) -> None:
    created = await create(client)

    changed = await client.put(f"/assistants/{created['assistant_id']}", json={"embedding_dims": 5})

    assert changed.json()["embedding_dims"] == 3072


async def test_delete_says_what_was_deleted_and_takes_the_threads_along(client: httpx.AsyncClient) -> None:
    assistant_id = (await create(client))["assistant_id"]
    thread = (await client.post(f"/assistants/{assistant_id}/threads")).json()

    deleted = await client.delete(f"/assistants/{assistant_id}")

    assert deleted.json()["assistant_id"] == assistant_id
    assert {"message", "deleted_at"} <= deleted.json().keys()
    assert (await client.get(f"/assistants/{assistant_id}")).status_code == 404
    assert (await client.get(f"/threads/{thread['thread_id']}")).status_code == 404
    assert (await client.delete(f"/assistants/{assistant_id}")).status_code == 404


@pytest.mark.parametrize(("assistant_id", "status"), [(UNKNOWN, 404), ("invalid_id", 422)])
async def test_unknown_and_malformed_ids(client: httpx.AsyncClient, assistant_id: str, status: int) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = await client.request(method, f"/assistants/{assistant_id}", json={"name": "x"})

        assert response.status_code == status, method


@pytest.mark.parametrize("body", [None, {}, {"metadata": {"mine": 1}}])
async def test_thread_is_created_with_or_without_a_body(
    client: httpx.AsyncClient, body: dict[str, Any] | None
) -> None:
    assistant_id = (await create(client))["assistant_id"]

    response = await client.post(f"/assistants/{assistant_id}/threads", json=body)

    thread = response.json()
    assert thread["assistant_id"] == assistant_id
    assert thread["messages"] == []
    assert thread["metadata_"] == (body or {}).get("metadata")


async def test_threads_of_an_assistant(client: httpx.AsyncClient) -> None:
    mine, other = (await create(client))["assistant_id"], (await create(client))["assistant_id"]
    thread = (await client.post(f"/assistants/{mine}/threads", json={})).json()

    listed = (await client.get(f"/assistants/{mine}/threads")).json()

    assert [entry["thread_id"] for entry in listed] == [thread["thread_id"]]
    assert (await client.get(f"/assistants/{other}/threads")).json() == []
    assert (await client.get(f"/assistants/{UNKNOWN}/threads")).status_code == 404


async def test_tools_that_are_too_large_together_are_refused(client: httpx.AsyncClient) -> None:
    tools = [{"type": "function", "function": {"name": "look", "description": "x" * TOOLS_BYTES_MAX}}]

    response = await client.post("/assistants", json={"name": "Heavy", "tools": tools})

    assert response.status_code == 422
    assert "KiB of JSON" in response.json()["detail"][0]["msg"]
