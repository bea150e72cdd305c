"""Receipts over HTTP: what an answer was made from."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from backboard_server.domain.ids import new_id
from fake_vendor import Answer, CalledTool, FakeVendor, Fault, Tokens

LOOK: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}


async def send(client: httpx.AsyncClient, content: str = "Hi", **fields: Any) -> dict[str, Any]:
    response = await client.post("/threads/messages", json={"content": content} | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def receipt_of(client: httpx.AsyncClient, answer: dict[str, Any]) -> dict[str, Any]:
    response = await client.get(f"/threads/{answer['thread_id']}/messages/{answer['message_id']}/receipt")
    assert response.status_code == 200, response.text
    return response.json()


def kinds_of(receipt: dict[str, Any]) -> list[str]:
    return [block["kind"] for block in receipt["blocks"]]


async def test_a_receipt_shows_what_the_model_saw_in_the_order_of_the_prompt(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    first = await send(client, "First", system_prompt="Be kind.", tools=[LOOK])
    second = await send(
        client, "Second", thread_id=first["thread_id"], system_prompt="Be kind.", tools=[LOOK]
    )

    receipt = await receipt_of(client, second)

    assert kinds_of(receipt) == ["system", "tools", "history", "question"]
    system, tools, history, question = receipt["blocks"]
    assert system["text"] == "Be kind."
    assert (tools["names"], json.loads(tools["text"])) == (["look"], [LOOK])
    assert [shown["content"] for shown in history["messages"]] == ["First", "Hello from the vendor."]
    assert history["last_message_id"] == first["message_id"] == history["message_ids"][1]
    assert (history["count"], history["messages"][0]["role"]) == (2, "user")
    assert question["messages"][0]["content"] == "Second"
    sent = [message["content"] for message in vendor.requests[-1].body["messages"]]
    assert sent == ["Be kind.", "First", "Hello from the vendor.", "Second"]


async def test_a_receipt_says_where_the_time_and_the_money_went(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="Hello", usage=Tokens(prompt=1_000, completion=10)))
    answer = await send(client, model_name="gpt-4o", llm_provider="openai")

    receipt = await receipt_of(client, answer)

    assert (receipt["message_id"], receipt["run_id"]) == (answer["message_id"], answer["run_id"])
    assert (receipt["status"], receipt["finish_reason"], receipt["step"]) == ("COMPLETED", "stop", 1)
    assert receipt["usage"]["input_tokens"] == 1_000
    assert receipt["usage"]["is_estimated"] is False
    assert receipt["cost_usd"] == answer["cost_usd"] > 0
    assert sum(line["cost_usd"] for line in receipt["price"]["lines"]) == pytest.approx(answer["cost_usd"])
    assert {line["kind"] for line in receipt["price"]["lines"]} == {"input", "output"}
    assert receipt["timings"]["queued"] is None
    assert all(receipt["timings"][phase] >= 0 for phase in ("opened", "first_token", "generation", "total"))
    assert receipt["attempts"] == answer["attempts"]


async def test_a_call_that_was_made_again_is_told_with_the_reason(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(fault=Fault.UNAVAILABLE), Answer(text="Hello"))

    receipt = await receipt_of(client, await send(client))

    (retry,) = receipt["retries"]
    assert (retry["model_provider"], retry["error_code"]) == ("openai", "provider_failed")
    assert retry["waited_seconds"] >= 0
    assert [attempt["error_code"] for attempt in receipt["attempts"]] == [None]


async def test_an_answer_that_failed_has_a_receipt_too(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    vendor.script(Answer(fault=Fault.UNAUTHORIZED))
    started = await client.post("/threads/messages", json={"content": "Hi", "send_to_llm": False})
    thread_id = started.json()["thread_id"]
    failed = await client.post(f"/threads/{thread_id}/messages", json={"content": "And now?"})
    assert failed.status_code == 502
    thread = (await client.get(f"/threads/{thread_id}")).json()

    receipt = await receipt_of(client, thread["messages"][-1] | {"thread_id": thread_id})

    assert receipt["status"] == "FAILED"
    assert receipt["error_code"] == receipt["attempts"][-1]["error_code"]
    assert kinds_of(receipt) == ["history", "question"]


async def test_the_steps_of_a_run_each_have_their_receipt(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}"),)), Answer(text="I saw it."))
    waiting = await send(client, "Look", tools=[LOOK])
    (call,) = waiting["tool_calls"]
    answered = await client.post(
        f"/threads/{waiting['thread_id']}/runs/{waiting['run_id']}/submit-tool-outputs",
        json={"tool_outputs": [{"tool_call_id": call["id"], "output": "A tree"}]},
    )
    assert answered.status_code == 200, answered.text

    first, second = await receipt_of(client, waiting), await receipt_of(client, answered.json())

    assert (first["step"], first["finish_reason"], first["status"]) == (1, "tool_calls", "COMPLETED")
    assert kinds_of(second) == ["tools", "question", "step"]
    assert second["step"] == 2
    step = second["blocks"][2]
    assert [(shown["role"], shown["content"]) for shown in step["messages"]] == [
        ("assistant", ""),
        ("tool", "A tree"),
    ]
    assert step["first_message_id"] == waiting["message_id"]


async def test_what_was_not_shown_is_listed(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/threads/messages",
        data={"content": "Read this"},
        files={"files": ("notes.txt", b"Some notes.", "text/plain")},
    )

    receipt = await receipt_of(client, response.json())

    (dropped,) = receipt["dropped"]
    document_id = response.json()["attachments"][0]["document_id"]
    assert dropped == {
        "kind": "file",
        "reason": "not_viewable",
        "document_id": document_id,
        "filename": "notes.txt",
    }


async def test_servers_whose_tools_could_not_be_had_are_named(client: httpx.AsyncClient) -> None:
    answer = await send(client, mcp_servers=[{"name": "maps", "url": "https://maps.invalid/mcp"}])

    receipt = await receipt_of(client, answer)

    (dropped,) = receipt["dropped"]
    assert (dropped["kind"], dropped["reason"]) == ("mcp_server", "unavailable")
    assert "maps" in dropped["detail"]


async def test_what_an_answer_waited_for_another_run_is_told(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    thread_id = (await send(client))["thread_id"]
    vendor.script(Answer(text="Slowly.", first_byte_delay_seconds=0.3))

    answers = await asyncio.gather(*(send(client, word, thread_id=thread_id) for word in ("One", "Two")))

    queued = [(await receipt_of(client, answer))["timings"]["queued"] for answer in answers]
    assert sorted(queued, key=bool)[0] is None
    assert max(seconds or 0 for seconds in queued) > 0


async def test_a_long_message_is_cut_and_says_so(client: httpx.AsyncClient) -> None:
    receipt = await receipt_of(client, await send(client, "x" * 10_000))

    (shown,) = receipt["blocks"][0]["messages"]
    assert (len(shown["content"]), shown["is_cut"]) == (4_000, True)


async def test_what_has_no_receipt_is_not_found_and_says_why(client: httpx.AsyncClient) -> None:
    answer = await send(client)
    thread_id, message_id = answer["thread_id"], answer["message_id"]
    thread = (await client.get(f"/threads/{thread_id}")).json()
    question_id = thread["messages"][0]["message_id"]
    details = {
        f"/threads/{new_id()}/messages/{message_id}/receipt": "Thread not found",
        f"/threads/{thread_id}/messages/{new_id()}/receipt": "Message not found",
        f"/threads/{thread_id}/messages/{question_id}/receipt": "This message has no receipt",
    }

    for path, detail in details.items():
        response = await client.get(path)

        assert response.status_code == 404
        assert response.json()["detail"].startswith(detail)


async def test_a_receipt_stays_as_it_was_when_the_assistant_changes(client: httpx.AsyncClient) -> None:
    made = await client.post("/assistants", json={"name": "One", "system_prompt": "Be kind."})
    assistant_id = made.json()["assistant_id"]
    answer = await send(client, assistant_id=assistant_id)
    before = await receipt_of(client, answer)

    await client.put(f"/assistants/{assistant_id}", json={"system_prompt": "Be rude."})
    await send(client, thread_id=answer["thread_id"])

    assert await receipt_of(client, answer) == before
    assert before["blocks"][0]["text"] == "Be kind."
