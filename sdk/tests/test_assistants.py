from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from backboard import Assistant, BackboardClient, FunctionDefinition, ToolDefinition

from .scripted_server import ScriptedServer, json_answer

ID = "018f2b6a-0000-7000-8000-000000000001"
ASSISTANT = {
    "assistant_id": ID,
    "name": "Support Bot",
    "description": None,
    "system_prompt": "Be kind.",
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "parameters": {
                    "type": "object",
                    "properties": {"place": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
                },
            },
        }
    ],
    "tok_k": 10,
    "embedding_provider": "openai",
    "embedding_model_name": "text-embedding-3-large",
    "embedding_dims": 3072,
    "custom_fact_extraction_prompt": None,
    "custom_update_memory_prompt": None,
    "created_at": "2026-11-23T10:00:00Z",
    "later_field": {"kept": True},
}


async def test_create_assistant_sends_what_was_given_and_nothing_else(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ASSISTANT))

    assistant = await client.create_assistant(name="Support Bot", system_prompt="", tok_k=15, tools=[])

    assert (server.last_request.method, server.last_request.path) == ("POST", "/api/assistants")
    assert server.last_request.json == {"name": "Support Bot", "system_prompt": "", "tok_k": 15, "tools": []}
    assert assistant.assistant_id == UUID(ID)
    assert assistant.created_at.utcoffset() is not None


async def test_an_assistants_mcp_servers_are_sent_with_headers_and_read_without(
    client: BackboardClient, server: ScriptedServer
) -> None:
    sent = {"name": "docs", "url": "https://mcp.example.com", "headers": {"Authorization": "Bearer x"}}
    read = {"name": "docs", "url": sent["url"], "allowed_tools": None, "headers": ["Authorization"]}
    server.script(*[json_answer(ASSISTANT | {"mcp_servers": [read]})] * 2)

    created = await client.create_assistant("Support Bot", mcp_servers=[sent])
    updated = await client.update_assistant(ID, mcp_servers=[])

    assert [request.json["mcp_servers"] for request in server.requests] == [[sent], []]
    assert created.mcp_servers == updated.mcp_servers == [read]


async def test_create_assistant_takes_tools_as_models_and_as_dicts(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ASSISTANT))
    parameters: dict[str, Any] = {"type": "object", "properties": {}}
    plain = {"type": "function", "function": {"name": "b", "parameters": parameters}}

    await client.create_assistant("A", tools=[ToolDefinition(function=FunctionDefinition(name="b")), plain])

    assert server.last_request.json["tools"] == [plain, plain]


async def test_create_assistant_forwards_every_field_of_the_contract(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ASSISTANT))
    fields = {
        "name": "A",
        "description": "B",
        "system_prompt": "C",
        "tok_k": 3,
        "custom_fact_extraction_prompt": "D",
        "custom_update_memory_prompt": "E",
        "embedding_provider": "cohere",
        "embedding_model_name": "embed-english-v3.0",
        "embedding_dims": 1024,
    }

    await client.create_assistant(**fields)  # pyright: ignore[reportArgumentType] - one dict for fields of many types

    assert server.last_request.json == fields


async def test_an_assistant_keeps_fields_and_schema_words_that_the_sdk_does_not_know(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ASSISTANT))

    assistant = await client.get_assistant(ID)

    assert (server.last_request.method, server.last_request.path) == ("GET", f"/api/assistants/{ID}")
    assert assistant.model_dump()["later_field"] == {"kept": True}
    assert assistant.tools is not None
    assert assistant.tools[0].function is not None
    place = assistant.tools[0].function.parameters.properties["place"]
    assert place.model_dump(exclude_none=True) == {"anyOf": [{"type": "string"}, {"type": "null"}]}


async def test_list_assistants_asks_for_a_page_and_a_name(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer([ASSISTANT]), json_answer([]))

    everyone = await client.list_assistants()
    named = await client.list_assistants(skip=5, limit=10, name="Support Bot")

    assert [request.query for request in server.requests] == [
        {"skip": "0", "limit": "100"},
        {"skip": "5", "limit": "10", "name": "Support Bot"},
    ]
    assert [type(assistant) for assistant in everyone] == [Assistant]
    assert named == []


async def test_update_assistant_sends_only_the_changes(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ASSISTANT))

    assistant = await client.update_assistant(UUID(ID), name="Support Bot", description="")

    assert (server.last_request.method, server.last_request.path) == ("PUT", f"/api/assistants/{ID}")
    assert server.last_request.json == {"name": "Support Bot", "description": ""}
    assert assistant.name == "Support Bot"


async def test_delete_assistant_returns_a_dict(client: BackboardClient, server: ScriptedServer) -> None:
    deleted = {"message": "Assistant deleted", "assistant_id": ID, "deleted_at": "2026-11-23T10:00:00Z"}
    server.script(json_answer(deleted))

    result = await client.delete_assistant(ID)

    assert (server.last_request.method, server.last_request.path) == ("DELETE", f"/api/assistants/{ID}")
    assert result == deleted
    assert result["assistant_id"] == ID


@pytest.mark.parametrize("empty", ["", ".", ".."])
async def test_an_empty_id_never_addresses_the_whole_collection(
    client: BackboardClient, server: ScriptedServer, empty: str
) -> None:
    with pytest.raises(ValueError, match="is not an id"):
        await client.delete_assistant(empty)

    assert server.requests == []
