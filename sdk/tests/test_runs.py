from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from backboard import BackboardClient, BackboardNotFoundError, ContentStreaming

from .scripted_server import ScriptedServer, json_answer, sse, stream_answer

THREAD_ID = "018f2b6a-0000-7000-8000-000000000002"
MESSAGE_ID = "018f2b6a-0000-7000-8000-000000000003"
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
RUN = {
    "run_id": "r",
    "thread_id": THREAD_ID,
    "assistant_id": "018f2b6a-0000-7000-8000-000000000001",
    "message_id": MESSAGE_ID,
    "user_message_id": "018f2b6a-0000-7000-8000-000000000004",
    "status": "REQUIRES_ACTION",
    "model_provider": "openai",
    "model_name": "gpt-4o",
    "tool_calls": [CALL],
    "input_tokens": 10,
    "output_tokens": 2,
    "total_tokens": 12,
    "cached_input_tokens": 0,
    "cache_write_input_tokens": 0,
    "reasoning_tokens": 0,
    "cost_usd": None,
    "attempts": [{"model_provider": "openai", "model_name": "gpt-4o"}],
    "error_code": None,
    "error": None,
    "created_at": "2026-11-23T10:00:00Z",
    "started_at": "2026-11-23T10:00:01Z",
    "ended_at": None,
}


async def test_a_run_says_what_it_waits_for(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer(RUN))

    run = await client.get_run(THREAD_ID, "r")

    assert (server.last_request.method, server.last_request.path) == (
        "GET",
        f"/api/threads/{THREAD_ID}/runs/r",
    )
    assert (run.run_id, run.status, run.message_id) == ("r", "REQUIRES_ACTION", UUID(MESSAGE_ID))
    assert run.tool_calls is not None
    assert run.tool_calls[0].function.name == "f"
    assert run.ended_at is None


async def test_runs_come_in_pages(client: BackboardClient, server: ScriptedServer) -> None:
    waiting = {
        "run_id": "q",
        "thread_id": THREAD_ID,
        "status": "QUEUED",
        "created_at": "2026-11-23T10:00:00Z",
    }
    server.script(json_answer([RUN, waiting]))

    runs = await client.list_runs(THREAD_ID, 2, 10)

    assert server.last_request.path == f"/api/threads/{THREAD_ID}/runs"
    assert server.last_request.query == {"skip": "2", "limit": "10"}
    assert [(run.run_id, run.status) for run in runs] == [("r", "REQUIRES_ACTION"), ("q", "QUEUED")]


async def test_a_run_is_cancelled_once(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(json_answer({"thread_id": THREAD_ID, "run_id": "r", "cancelled": True}))

    cancelled = await client.cancel_run(THREAD_ID, "r")

    request = server.last_request
    assert (request.method, request.path) == ("POST", f"/api/threads/{THREAD_ID}/runs/r/cancel")
    assert (request.body, cancelled["cancelled"]) == (b"", True)
    assert "idempotency-key" in request.headers


async def test_a_run_is_followed_from_its_beginning(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(stream_answer(sse("content_streaming", content="Hi"), sse("run_ended", content="Hi")))

    stream = await client.stream_run_events(THREAD_ID, "r")
    events = [event async for event in stream]

    assert server.last_request.path == f"/api/threads/{THREAD_ID}/runs/r/events"
    assert server.last_request.query == {}
    assert isinstance(events[0], ContentStreaming)


async def test_a_run_that_there_is_not_cannot_be_followed(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"detail": "Run not found"}, 404))

    with pytest.raises(BackboardNotFoundError, match="Run not found"):
        await client.stream_run_events(THREAD_ID, "r")


async def test_a_receipt_keeps_what_this_version_does_not_know(
    client: BackboardClient, server: ScriptedServer
) -> None:
    receipt = {
        "message_id": MESSAGE_ID,
        "run_id": "r",
        "thread_id": THREAD_ID,
        "model_provider": "openai",
        "model_name": "gpt-4o",
        "created_at": "2026-11-23T10:00:00Z",
        "blocks": [
            {"kind": "system", "tokens": 4, "text": "Be brief."},
            {"kind": "history", "tokens": 40, "message_ids": [MESSAGE_ID], "window": 3},
        ],
        "dropped": [{"kind": "history", "reason": "window", "count": 3}],
        "attempts": [{"model_provider": "openai", "model_name": "gpt-4o"}],
        "timings": {"first_token": 0.25, "total": 1.5},
        "usage": {"input_tokens": 10},
        "price": None,
        "later": {"a": 1},
    }
    server.script(json_answer(receipt))

    got = await client.get_receipt(THREAD_ID, MESSAGE_ID)

    assert server.last_request.path == f"/api/threads/{THREAD_ID}/messages/{MESSAGE_ID}/receipt"
    assert (got.blocks[0].text, got.blocks[1].message_ids) == ("Be brief.", [MESSAGE_ID])
    assert (got.dropped[0]["reason"], got.timings["total"]) == ("window", 1.5)
    assert (got.model_dump()["later"], got.model_dump()["blocks"][1]["window"]) == ({"a": 1}, 3)


async def test_a_replay_says_what_is_to_be_otherwise_and_no_more(
    client: BackboardClient, server: ScriptedServer
) -> None:
    answer: dict[str, Any] = {
        "original": {"content": "a"},
        "replay": {"content": "b"},
        "context_difference": {"changed": []},
    }
    server.script(json_answer(answer))

    replay = await client.replay_message(
        THREAD_ID,
        MESSAGE_ID,
        "anthropic",
        thinking={"effort": "low"},
        tools=[],
        tool_choice="none",
        response_format={"type": "text"},
        idempotency_key="k",
    )

    request = server.last_request
    assert (request.method, request.path) == (
        "POST",
        f"/api/threads/{THREAD_ID}/messages/{MESSAGE_ID}/replay",
    )
    assert request.json == {
        "llm_provider": "anthropic",
        "thinking": {"effort": "low"},
        "tools": [],
        "tool_choice": "none",
        "response_format": {"type": "text"},
    }
    assert request.headers["idempotency-key"] == "k"
    assert (replay.original["content"], replay.replay["content"]) == ("a", "b")
