"""Messages over HTTP: three encodings, two modes, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from events_of import events_of, types_of
from fake_vendor import Answer, CalledTool, FakeVendor, Tokens

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def send(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/threads/messages", json={"content": "Hi"} | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def stream(client: httpx.AsyncClient, **fields: Any) -> list[dict[str, Any]]:
    response = await client.post("/threads/messages", json={"content": "Hi", "stream": True} | fields)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return events_of(response.text)


async def test_one_call_starts_a_conversation(client: httpx.AsyncClient) -> None:
    answer = await send(client)

    assert answer["content"] == "Hello from the vendor."
    assert (answer["role"], answer["status"]) == ("assistant", "COMPLETED")
    for field in ("thread_id", "assistant_id", "message_id"):
        UUID(answer[field])
    assert isinstance(answer["message"], str)
    assert answer["timestamp"]
    assert "reasoning" in answer
    assert answer["model_provider"] == "openai"
    assert answer["total_tokens"] == answer["input_tokens"] + answer["output_tokens"]


async def test_flat_answer_has_every_key_of_the_contract(client: httpx.AsyncClient) -> None:
    expected = {
        *("message", "thread_id", "timestamp", "assistant_id", "content", "message_id", "role", "status"),
        *(
            "run_id",
            "tool_calls",
            "memory_operation_id",
            "retrieved_memories",
            "retrieved_files",
            "reasoning",
        ),
        *("model_provider", "model_name", "input_tokens", "output_tokens", "total_tokens", "created_at"),
        *("attachments", "context_usage"),
    }

    answered = await send(client)
    saved = await send(client, send_to_llm="false")

    assert expected <= answered.keys()
    assert expected <= saved.keys()
    assert "messages" not in answered


@pytest.mark.parametrize("path", ["/threads/messages", "/threads/{}/messages"])
@pytest.mark.parametrize("encoding", ["json", "urlencoded", "multipart"])
async def test_every_encoding_on_both_paths(
    client: httpx.AsyncClient, vendor: FakeVendor, path: str, encoding: str
) -> None:
    thread_id = (await send(client, content="First"))["thread_id"]
    fields = {"content": "Second", "thread_id": thread_id, "llm_provider": "OpenAI", "memory": "Off"}
    kwargs: dict[str, Any] = {
        "json": {"json": fields | {"stream": False, "metadata": {"n": 1}, "thinking": None}},
        "urlencoded": {"data": fields | {"stream": "false", "metadata": '{"n": 1}', "thinking": ""}},
        "multipart": {
            "files": [
                (name, (None, value))
                for name, value in (fields | {"stream": "false", "metadata": '{"n": 1}'}).items()
            ]
        },
    }[encoding]

    response = await client.post(path.format(thread_id), **kwargs)

    assert response.status_code == 200, response.text
    assert response.json()["thread_id"] == thread_id
    shown = vendor.requests[-1].body["messages"]
    assert [message["content"] for message in shown] == ["First", "Hello from the vendor.", "Second"]
    thread = (await client.get(f"/threads/{thread_id}")).json()
    assert thread["messages"][2]["metadata_"] == {"n": 1}


async def test_stream_has_the_order_of_the_contract_and_ids_on_every_event(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(reasoning="Let me think", text="Hello there friend", chunks=3))

    events = await stream(client, thinking={})

    assert types_of(events) == [
        "message_received",
        "user_message",
        "run_started",
        "message_start",
        "reasoning_streaming",
        "reasoning_ended",
        "content_streaming",
        "run_ended",
    ]
    for event in events:
        assert {"thread_id", "assistant_id", "run_id"} <= event.keys()
        assert event["run_id"] == events[0]["run_id"]
    ended = events[-1]
    assert ended["status"] == "completed"
    text = "".join(event["content"] for event in events if event["type"] == "content_streaming")
    assert text == ended["content"] == ended["final_content"] == "Hello there friend"
    reasoning = [event for event in events if event["type"] == "reasoning_streaming"]
    joined = ""
    for event in reasoning:
        joined += event["content"]
        assert event["accumulated_reasoning"] == joined
    assert ended["reasoning"] == joined == "Let me think"


async def test_stream_and_plain_answer_are_stored_alike(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="Same", usage=Tokens(prompt=11, completion=3)))
    plain = await send(client)
    streamed = (await stream(client))[-1]

    stored: list[dict[str, Any]] = []
    for thread_id in (plain["thread_id"], streamed["thread_id"]):
        stored.append((await client.get(f"/threads/{thread_id}")).json()["messages"][1])

    for field in ("content", "status", "model_provider", "model_name", "input_tokens", "output_tokens"):
        assert stored[0][field] == stored[1][field]
    assert stored[0]["input_tokens"] == 11


async def test_save_without_model(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    answer = await send(client, send_to_llm="false", content="Keep this")
    events = await stream(client, send_to_llm=False, content="And this", thread_id=answer["thread_id"])

    assert (answer["role"], answer["content"]) == ("user", "Keep this")
    assert types_of(events) == ["message_received", "user_message", "message_saved"]
    assert events[-1]["message_id"]
    assert not vendor.requests
    thread = (await client.get(f"/threads/{answer['thread_id']}")).json()
    assert [message["content"] for message in thread["messages"]] == ["Keep this", "And this"]


async def test_system_prompt_of_one_turn_is_not_kept(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    assistant = (await client.post("/assistants", json={"name": "A", "system_prompt": "Stays {here}"})).json()
    first = await send(client, assistant_id=assistant["assistant_id"], system_prompt="Only now")
    await send(client, thread_id=first["thread_id"])

    prompts = [request.body["messages"][0] for request in vendor.requests]

    assert [prompt["content"] for prompt in prompts] == ["Only now", "Stays {here}"]


async def test_models_are_switched_freely_within_a_thread(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    first = await send(client, llm_provider="openai", model_name="gpt-4o")
    second = await send(client, thread_id=first["thread_id"], llm_provider="local")
    third = await send(client, thread_id=first["thread_id"], model_provider="openai", model_name="gpt-4.1")

    assert [answer["model_provider"] for answer in (first, second, third)] == ["openai", "local", "openai"]
    assert vendor.requests[-1].body["model"] == "gpt-4.1"
    assert "not a language model" in second["content"]


@pytest.mark.parametrize("streamed", [False, True])
async def test_tool_calls_require_action(
    client: httpx.AsyncClient, vendor: FakeVendor, streamed: bool
) -> None:
    calls = (CalledTool("get_weather", '{"city": "Oslo"}'), CalledTool("get_weather", '{"city": "Rome"}'))
    vendor.script(Answer(text="", tool_calls=calls))

    if streamed:
        events = await stream(client, tools=[WEATHER])
        assert types_of(events)[-3:] == ["tool_call_start", "tool_call_ready", "tool_submit_required"]
        answer = events[-1]
        assert "status" not in answer
    else:
        answer = await send(client, tools=[WEATHER])
        assert answer["status"] == "REQUIRES_ACTION"

    assert [json.loads(call["function"]["arguments"])["city"] for call in answer["tool_calls"]] == [
        "Oslo",
        "Rome",
    ]
    assert {call["type"] for call in answer["tool_calls"]} == {"function"}
    assert vendor.requests[0].body["tools"] == [WEATHER]
    stored = (await client.get(f"/threads/{answer['thread_id']}")).json()["messages"][1]
    assert stored["status"] == "REQUIRES_ACTION"
    assert [call["id"] for call in stored["metadata_"]["tool_calls"]] == [
        call["id"] for call in answer["tool_calls"]
    ]


async def test_a_thread_goes_on_after_unanswered_tool_calls(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    call = CalledTool("get_weather", '{"city": "Oslo"}')
    vendor.script(Answer(text="", tool_calls=(call,)), Answer(text="Fine."))
    first = await send(client, tools=[WEATHER])

    second = await send(client, thread_id=first["thread_id"], content="Never mind")

    assert second["content"] == "Fine."
    shown = vendor.requests[-1].body["messages"]
    assert [message["role"] for message in shown] == ["user", "user"]
    run = (await client.get(f"/threads/{first['thread_id']}/runs/{first['run_id']}")).json()
    assert (run["status"], run["error_code"], run["tool_calls"]) == ("CANCELLED", "superseded", None)


async def test_files_are_stored_as_attachments(
    client: httpx.AsyncClient, vendor: FakeVendor, data_dir: Path
) -> None:
    files = [("files", ("../../evil\u202e.txt", b"one")), ("files", ("empty.pdf", b""))]

    response = await client.post("/threads/messages", data={"content": "See"}, files=files)

    answer = response.json()
    assert [file["filename"] for file in answer["attachments"]] == ["../../evil.txt", "empty.pdf"]
    assert [file["file_size_bytes"] for file in answer["attachments"]] == [3, 0]
    assert {file["status"] for file in answer["attachments"]} == {"pending"}
    stored = (await client.get(f"/threads/{answer['thread_id']}")).json()["messages"][0]
    assert stored["attachments"] == answer["attachments"]
    blobs = [path for path in (data_dir / "blobs").rglob("*") if path.is_file()]
    assert b"one" in {path.read_bytes() for path in blobs}
    assert not list(data_dir.parent.rglob("*evil*"))


async def test_context_usage_follows_the_providers_count(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="x", usage=Tokens(prompt=12_000, completion=800, cached=10_000)))

    answer = await send(client, model_name="gpt-4o")

    assert answer["context_usage"] == {
        "percent": 10.0,
        "used_tokens": 12_800,
        "context_limit": 128_000,
        "summary_tokens": 0,
        "model": "gpt-4o",
    }
    assert answer["cached_input_tokens"] == 10_000


async def test_provider_without_key_is_refused_before_anything_is_stored(client: httpx.AsyncClient) -> None:
    response = await client.post("/threads/messages", json={"content": "Hi", "llm_provider": "groq"})

    assert response.status_code == 400
    detail = response.json()["detail"]
    assert "groq" in detail
    assert "GROQ_API_KEY" in detail
    assert "local" in detail
    assert (await client.get("/threads")).json() == []


@pytest.mark.parametrize(
    ("fields", "status", "names"),
    [
        ({"content": ""}, 400, "content"),
        ({"content": "   "}, 400, "content"),
        ({"content": 5}, 422, "content"),
        ({"content": "x" * 1_000_001}, 422, "content"),
        ({"content": "nul \x00"}, 422, "NUL"),
        ({"content": "half \ud800"}, 422, ""),
        ({"stream": "perhaps"}, 422, "stream"),
        ({"memory": "sometimes"}, 422, "memory"),
        ({"memory": "Auto", "memory_pro": "Auto"}, 400, "memory_pro"),
        ({"metadata": "not json"}, 422, "metadata"),
        ({"metadata": [1]}, 422, "metadata"),
        ({"metadata": {"x": "y" * 70_000}}, 400, "metadata"),
        ({"tools": [{"type": "function"}]}, 422, "tools"),
        ({"llm_provider": "no-such-provider"}, 400, "no-such-provider"),
        ({"thread_id": "invalid"}, 422, "thread_id"),
        ({"thread_id": UNKNOWN}, 404, "Thread"),
        ({"assistant_id": UNKNOWN}, 404, "Assistant"),
    ],
)
async def test_bad_requests_name_what_is_wrong(
    client: httpx.AsyncClient, fields: dict[str, Any], status: int, names: str
) -> None:
    body = json.dumps({"content": "Hi"} | fields)

    response = await client.post(
        "/threads/messages", content=body, headers={"content-type": "application/json"}
    )

    assert response.status_code == status, response.text
    assert names in response.text


@pytest.mark.parametrize(
    "memory", ["Auto", "auto", "On", "on", "Off", "off", "Readonly", "READONLY", "", None]
)
async def test_memory_takes_every_spelling(client: httpx.AsyncClient, memory: str | None) -> None:
    assert (await send(client, memory=memory, send_to_llm=False))["status"] == "COMPLETED"


async def test_unknown_fields_are_ignored(client: httpx.AsyncClient) -> None:
    await send(client, memory_profile="x", system_addendum="y", response_format={"type": "text"})


async def test_the_history_that_is_shown_is_cut_by_number(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    thread_id = (await send(client, send_to_llm=False))["thread_id"]
    for number in range(70):
        await send(client, send_to_llm=False, content=f"number {number}", thread_id=thread_id)

    await send(client, thread_id=thread_id, content="last")

    shown = [message["content"] for message in vendor.requests[-1].body["messages"]]
    assert shown[-2:] == ["number 69", "last"]
    assert len(shown) == 61
