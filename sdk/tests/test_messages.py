from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from backboard import (
    BackboardClient,
    BackboardError,
    ContentStreaming,
    MessageOptions,
    RunEnded,
    ToolOutput,
    ToolOutputsResponse,
    ToolSubmitRequired,
)

from .scripted_server import ScriptedServer, json_answer, sse, stream_answer

THREAD_ID = "018f2b6a-0000-7000-8000-000000000002"
ASSISTANT_ID = "018f2b6a-0000-7000-8000-000000000001"
ANSWER = {
    "message": "Message added successfully",
    "thread_id": THREAD_ID,
    "assistant_id": ASSISTANT_ID,
    "timestamp": "2026-11-23T10:00:00Z",
    "content": "Hello there",
    "message_id": "018f2b6a-0000-7000-8000-000000000003",
    "role": "assistant",
    "status": "COMPLETED",
    "run_id": "run_1",
    "reasoning": None,
    "voice_records": {"stt": {"transcript": "Hi"}},
    "context_usage": {
        "percent": 0.5,
        "used_tokens": 5,
        "context_limit": 1000,
        "summary_tokens": 0,
        "model": "m",
    },
}
EVERY_OPTION: dict[str, Any] = {
    "system_prompt": "Be brief.",
    "user_id": "anna",
    "memory": "Auto",
    "memory_pro": "Readonly",
    "memory_response_citation": False,
    "web_search": "Auto",
    "send_to_llm": "true",
    "json_output": True,
    "metadata": {"custom_timestamp": "2024-01-01T00:00:00Z"},
    "tools": [],
    "tool_choice": "auto",
    "mcp_servers": [{"name": "wiki", "url": "https://wiki.example/mcp"}],
    "on_active_run": "queue",
    "on_disconnect": "cancel",
    "thinking": {},
    "openrouter": {"sort": "price"},
    "response_format": {"type": "json_object"},
    "fallbacks": [{"llm_provider": "openai", "model_name": "gpt-4o"}],
    "image_generation": "auto",
    "image_model_provider": "openrouter",
    "image_model_name": "google/gemini-3.1-flash-image-preview",
    "image_config": {"n": 1},
    "video_generation": "off",
    "video_model_provider": "openrouter",
    "video_model_name": "v",
    "video_config": {"duration": 4},
    "voice": {"tts": {"provider": "openai", "model": "gpt-4o-mini-tts", "voice": "alloy"}},
    "system_one": {"questions": {}},
    "operation": "chat",
}


async def test_add_message_sends_json_and_returns_the_flat_answer_as_the_last_message(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ANSWER))

    response = await client.add_message(THREAD_ID, "Hello", llm_provider="openai", model_name="gpt-4o")

    assert (server.last_request.method, server.last_request.path) == ("POST", "/api/threads/messages")
    assert server.last_request.json == {
        "thread_id": THREAD_ID,
        "content": "Hello",
        "llm_provider": "openai",
        "model_name": "gpt-4o",
        "stream": False,
    }
    assert (response.content, response.status, response.run_id) == ("Hello there", "COMPLETED", "run_1")
    assert (response.thread_id, response.assistant_id) == (THREAD_ID, ASSISTANT_ID)
    assert response.messages[-1]["voice_records"]["stt"]["transcript"] == "Hi"
    assert response.context_usage is not None
    assert response.context_usage.context_limit == 1000


async def test_add_message_forwards_every_option_of_the_contract(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ANSWER))
    uploads = {"audio_file", "input_image", "input_last_frame", "input_video", "input_references"}

    await client.add_message(THREAD_ID, "", **EVERY_OPTION)

    assert set(EVERY_OPTION) == set(MessageOptions.__annotations__) - uploads - {"memory_citation"}

    assert server.last_request.json == {
        "thread_id": THREAD_ID,
        "content": "",
        "stream": False,
        **EVERY_OPTION,
    }


async def test_send_message_opens_what_is_left_out(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer(ANSWER), json_answer(ANSWER))

    await client.send_message("Hello")
    await client.send_message("Hello", assistant_id=ASSISTANT_ID, **EVERY_OPTION)

    assert server.requests[0].json == {"content": "Hello", "stream": False}
    assert server.requests[1].json == {
        "content": "Hello",
        "stream": False,
        "assistant_id": ASSISTANT_ID,
        **EVERY_OPTION,
    }


async def test_files_turn_the_message_into_a_form_with_json_in_its_fields(
    client: BackboardClient, server: ScriptedServer, tmp_path: Path
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(b"remember")
    server.script(json_answer(ANSWER))

    await client.add_message(
        THREAD_ID,
        "See file",
        files=[path, ("b.txt", b"B")],
        audio_file=("question.mp3", b"ID3"),
        input_references=[("c.png", b"C")],
        json_output=True,
        metadata={"a": [1]},
        thinking={},
    )

    parts = server.last_request.parts
    assert {part.name: part.content.decode() for part in parts if part.filename is None} == {
        "thread_id": THREAD_ID,
        "content": "See file",
        "stream": "false",
        "json_output": "true",
        "metadata": '{"a": [1]}',
        "thinking": "{}",
    }
    assert [(part.name, part.filename, part.content) for part in parts if part.filename] == [
        ("files", "notes.txt", b"remember"),
        ("files", "b.txt", b"B"),
        ("audio_file", "question.mp3", b"ID3"),
        ("input_references", "c.png", b"C"),
    ]


async def test_a_keyword_that_there_is_not_is_refused_before_anything_is_sent(
    client: BackboardClient, server: ScriptedServer
) -> None:
    misspelt = cast("dict[str, Any]", {"json_ouput": True})

    with pytest.raises(TypeError, match="json_ouput"):
        await client.send_message("Hello", **misspelt)

    assert server.requests == []


async def test_a_streamed_message_is_awaited_and_gives_its_events(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(
        stream_answer(sse("content_streaming", content="Hel"), sse("run_ended", status="completed"))
    )

    stream = await client.add_message(THREAD_ID, "Hello", stream=True)
    events = [event async for event in stream]

    assert server.last_request.json["stream"] is True
    assert [type(event) for event in events] == [ContentStreaming, RunEnded]
    assert events[0].get("content") == "Hel"


async def test_tool_outputs_of_a_thread_go_to_its_waiting_run(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ANSWER))

    response = await client.submit_tool_outputs_simple(
        THREAD_ID, [ToolOutput(tool_call_id="c1", output="68°F"), {"tool_call_id": "c2", "output": ""}]
    )

    assert (server.last_request.method, server.last_request.path) == ("POST", "/api/threads/tool-outputs")
    assert server.last_request.json == {
        "thread_id": THREAD_ID,
        "tool_outputs": [{"tool_call_id": "c1", "output": "68°F"}, {"tool_call_id": "c2", "output": ""}],
        "stream": False,
    }
    assert response.content == "Hello there"


async def test_tool_outputs_of_a_run_repeat_what_held_for_the_turn(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(ANSWER))

    response = await client.submit_tool_outputs(
        THREAD_ID,
        "run_1",
        [{"tool_call_id": "c1", "output": "ok"}],
        tools=[],
        thinking={"effort": "low"},
        on_disconnect="cancel",
    )

    assert server.last_request.path == f"/api/threads/{THREAD_ID}/runs/run_1/submit-tool-outputs"
    assert server.last_request.query == {"stream": "false"}
    assert server.last_request.json == {
        "tool_outputs": [{"tool_call_id": "c1", "output": "ok"}],
        "tools": [],
        "thinking": {"effort": "low"},
        "on_disconnect": "cancel",
    }
    assert isinstance(response, ToolOutputsResponse)
    assert (response.content, response.run_id) == ("Hello there", "run_1")


@pytest.mark.parametrize("is_simple", [True, False])
async def test_tool_outputs_can_be_streamed(
    client: BackboardClient, server: ScriptedServer, is_simple: bool
) -> None:
    server.script(stream_answer(sse("run_continuing", run_id="run_1"), sse("run_ended", content="Sunny")))
    outputs = [{"tool_call_id": "c1", "output": "ok"}]

    if is_simple:
        stream = await client.submit_tool_outputs_simple(THREAD_ID, outputs, stream=True)
    else:
        stream = await client.submit_tool_outputs(THREAD_ID, "run_1", outputs, stream=True)
    last = await stream.final()

    assert isinstance(last, RunEnded)
    assert last.content == "Sunny"
    request = server.last_request
    assert request.json["stream"] is True if is_simple else request.query == {"stream": "true"}


async def test_a_conversation_with_tools_goes_from_the_call_to_the_answer(
    client: BackboardClient, server: ScriptedServer
) -> None:
    call = {
        "id": "c1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": '{"place": "Oslo"}'},
    }
    server.script(
        stream_answer(sse("tool_submit_required", run_id="run_1", tool_calls=[call])), json_answer(ANSWER)
    )

    stream = await client.send_message("Weather?", thread_id=THREAD_ID, stream=True)
    asked = await stream.final()
    assert isinstance(asked, ToolSubmitRequired)
    outputs = [
        {"tool_call_id": wanted.id, "output": json.dumps(wanted.function.parsed_arguments)}
        for wanted in asked.tool_calls
    ]
    await client.submit_tool_outputs_simple(THREAD_ID, outputs)

    assert server.last_request.json["tool_outputs"] == [{"tool_call_id": "c1", "output": '{"place": "Oslo"}'}]


async def test_an_error_answers_a_stream_before_it_begins(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"detail": "Thread not found"}, 404))

    with pytest.raises(BackboardError, match="Thread not found"):
        await client.add_message(THREAD_ID, "Hello", stream=True)
