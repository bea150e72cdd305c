from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from backboard import BackboardClient, BackboardRunError, Event, SyncBackboardClient, tool_schema

from .scripted_server import Answer, ScriptedServer, json_answer, sse, stream_answer
from .test_messages import ANSWER

THREAD_ID = "018f2b6a-0000-7000-8000-000000000002"


def get_weather(city: str) -> str:
    """Say what the weather is."""
    return f"{city}: sun"


def call_of(call_id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def asking(*calls: dict[str, Any]) -> Answer:
    return json_answer({**ANSWER, "content": "", "status": "REQUIRES_ACTION", "tool_calls": list(calls)})


OSLO = call_of("c1", "get_weather", '{"city": "Oslo"}')
ROME = call_of("c2", "get_weather", '{"city": "Rome"}')


async def test_functions_are_called_until_the_answer_is_there(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(asking(OSLO, ROME), asking(call_of("c3", "fly", "{}")), json_answer(ANSWER))

    answer = await client.run_tools(
        "Weather?", [get_weather], thread_id=THREAD_ID, llm_provider="openai", thinking={}, memory="Auto"
    )

    assert (answer.content, answer.status) == ("Hello there", "COMPLETED")
    message, first, second = server.requests
    assert message.json == {
        "content": "Weather?",
        "thread_id": THREAD_ID,
        "llm_provider": "openai",
        "thinking": {},
        "memory": "Auto",
        "tools": [tool_schema(get_weather)],
        "stream": False,
    }
    assert first.path == f"/api/threads/{THREAD_ID}/runs/run_1/submit-tool-outputs"
    assert first.json == {
        "tool_outputs": [
            {"tool_call_id": "c1", "output": "Oslo: sun"},
            {"tool_call_id": "c2", "output": "Rome: sun"},
        ],
        "tools": [tool_schema(get_weather)],
        "thinking": {},
    }
    assert "There is no tool fly" in second.json["tool_outputs"][0]["output"]


async def test_an_answer_without_calls_is_the_answer(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer(ANSWER))

    assert (await client.run_tools("Hello", [get_weather])).content == "Hello there"
    assert server.last_request.json == {
        "content": "Hello",
        "tools": [tool_schema(get_weather)],
        "stream": False,
    }


async def test_rounds_end_and_leave_the_answer_as_it_is(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.respond = lambda _: asking(OSLO)

    answer = await client.run_tools("Weather?", [get_weather], tool_rounds_max=2)

    assert (answer.status, len(server.requests)) == ("REQUIRES_ACTION", 3)


async def test_what_happens_can_be_watched(client: BackboardClient, server: ScriptedServer) -> None:
    place = {"thread_id": THREAD_ID, "run_id": "r"}
    server.script(
        stream_answer(
            sse("message_start", message_id="m", **place), sse("tool_submit_required", tool_calls=[OSLO])
        ),
        stream_answer(
            sse("run_continuing", **place),
            sse("content_streaming", content="Sun"),
            sse("run_ended", content="Sun", cost_usd=0.5, context_usage={"percent": 3}, **place),
        ),
    )
    seen: list[str] = []

    def watch(event: Event) -> None:
        seen.append(event.type)

    answer = await client.run_tools("Weather?", [get_weather], on_event=watch)

    assert seen == [
        *["message_start", "tool_submit_required"],
        *["run_continuing", "content_streaming", "run_ended"],
    ]
    assert server.requests[0].json["stream"] is True
    assert server.last_request.path == f"/api/threads/{THREAD_ID}/runs/r/submit-tool-outputs"
    assert server.last_request.query == {"stream": "true"}
    assert (answer.content, answer.status, answer.thread_id) == ("Sun", "COMPLETED", THREAD_ID)
    assert (answer.last.cost_usd, answer.last.role) == (0.5, "assistant")
    assert answer.context_usage is not None
    assert answer.context_usage.percent == 3


async def test_a_run_that_fails_raises_as_everywhere(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(stream_answer(sse("run_failed", message="No more")))

    with pytest.raises(BackboardRunError, match="No more"):
        await client.run_tools("Weather?", [get_weather], on_event=lambda _: None)


async def test_functions_of_an_async_program_may_be_async(server: ScriptedServer) -> None:
    async def get_weather_later(city: str) -> str:
        await asyncio.sleep(0)
        return city.upper()

    server.script(asking(call_of("c1", "get_weather_later", '{"city": "Oslo"}')), json_answer(ANSWER))

    async with BackboardClient("espr_test", server.url) as client:
        await client.run_tools("Weather?", [get_weather_later])

    assert server.last_request.json["tool_outputs"] == [{"tool_call_id": "c1", "output": "OSLO"}]


def test_functions_of_a_sync_program_may_not(server: ScriptedServer) -> None:
    async def later() -> None: ...

    with SyncBackboardClient("espr_test", server.url) as client, pytest.raises(TypeError, match="is async"):
        client.run_tools("Hello", [later])

    assert server.requests == []


async def test_tools_follow_from_the_functions_and_from_nothing_else(
    client: BackboardClient, server: ScriptedServer
) -> None:
    others = cast("dict[str, Any]", {"tools": []})

    with pytest.raises(TypeError, match="functions"):
        await client.run_tools("Hello", [get_weather], **others)

    assert server.requests == []
