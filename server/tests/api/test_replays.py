"""Replays over HTTP: an answer given once more, beside the original."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backboard_server.domain.ids import new_id
from backboard_server.store.budgets import set_budget
from backboard_server.store.database import Connection
from fake_vendor import Answer, CalledTool, FakeVendor, Fault, Tokens
from tenants import Tenant

LOOK: dict[str, Any] = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}
HEAR: dict[str, Any] = {"type": "function", "function": {"name": "hear"}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


async def send(client: httpx.AsyncClient, content: str = "Hi", **fields: Any) -> dict[str, Any]:
    response = await client.post("/threads/messages", json={"content": content} | fields)
    assert response.status_code == 200, response.text
    return response.json()


async def replay(client: httpx.AsyncClient, answer: dict[str, Any], **changes: Any) -> httpx.Response:
    path = f"/threads/{answer['thread_id']}/messages/{answer['message_id']}/replay"
    return await client.post(path, json=changes)


async def replayed(client: httpx.AsyncClient, answer: dict[str, Any], **changes: Any) -> dict[str, Any]:
    response = await replay(client, answer, **changes)
    assert response.status_code == 200, response.text
    return response.json()


async def messages_of(client: httpx.AsyncClient, answer: dict[str, Any]) -> list[dict[str, Any]]:
    return (await client.get(f"/threads/{answer['thread_id']}")).json()["messages"]


async def test_an_answer_is_given_once_more_from_the_same_context_and_nothing_is_stored(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    first = await send(client, "First", system_prompt="Be kind.", tools=[LOOK], thinking={"effort": "low"})
    await send(client, "Second", thread_id=first["thread_id"])
    before = await messages_of(client, first)
    asked = vendor.requests[0].body
    vendor.script(Answer(text="Otherwise.", usage=Tokens(prompt=7, completion=2)))

    compared = await replayed(client, first)

    assert vendor.requests[-1].body == asked
    assert compared["original"]["message_id"] == first["message_id"]
    assert compared["original"]["content"] == "Hello from the vendor."
    assert compared["replay"]["content"] == "Otherwise."
    assert compared["replay"]["message_id"] is None
    assert (compared["replay"]["input_tokens"], compared["replay"]["total_tokens"]) == (7, 9)
    assert compared["original"].keys() == compared["replay"].keys()
    difference = compared["context_difference"]
    assert difference.pop("tokens_before") == difference.pop("tokens_after") > 0
    assert not any(difference.values())
    assert await messages_of(client, first) == before


async def test_another_model_other_words_and_other_tools_are_compared(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    answer = await send(client, system_prompt="Be kind.", tools=[LOOK], model_name="gpt-4o")

    compared = await replayed(
        client, answer, model_name="gpt-4o-mini", system_prompt="Be brief.", tools=[HEAR], tool_choice="none"
    )

    assert vendor.requests[-1].body["model"] == "gpt-4o-mini"
    assert vendor.requests[-1].body["messages"][0]["content"] == "Be brief."
    assert (compared["original"]["model_name"], compared["replay"]["model_name"]) == ("gpt-4o", "gpt-4o-mini")
    assert compared["replay"]["attempts"][0]["model_name"] == "gpt-4o-mini"
    difference = compared["context_difference"]
    assert difference["system_prompt_changed"] is True
    assert (difference["tools_added"], difference["tools_removed"]) == (["hear"], ["look"])
    assert difference["options_changed"] == ["tool_choice"]
    assert (difference["messages_added"], difference["messages_removed"]) == ([], [])


async def test_another_provider_answers_with_its_default_model(client: httpx.AsyncClient) -> None:
    answer = await send(client, "Where is Oslo?")

    compared = await replayed(client, answer, llm_provider="local")

    assert compared["replay"]["model_provider"] == "local"
    assert "local provider" in compared["replay"]["content"]
    assert compared["replay"]["cost_usd"] == 0


async def test_later_messages_of_the_thread_are_not_seen(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    first = await send(client, "First")
    second = await send(client, "Second", thread_id=first["thread_id"])
    await send(client, "Third", thread_id=first["thread_id"])

    await replayed(client, second)

    sent = [message["content"] for message in vendor.requests[-1].body["messages"]]
    assert sent == ["First", "Hello from the vendor.", "Second"]


async def test_tools_that_the_model_calls_are_returned_and_not_executed(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    answer = await send(client, tools=[LOOK])
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}"),)))

    compared = await replayed(client, answer)

    (call,) = compared["replay"]["tool_calls"]
    assert call["function"] == {"name": "look", "arguments": "{}"}
    assert (compared["replay"]["status"], compared["replay"]["finish_reason"]) == (
        "REQUIRES_ACTION",
        "tool_calls",
    )
    assert compared["original"]["tool_calls"] is None


async def test_the_answer_after_a_tool_is_replayed_with_what_the_tool_returned(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}"),)), Answer(text="I saw it."))
    waiting = await send(client, "Look", tools=[LOOK])
    (call,) = waiting["tool_calls"]
    submitted = await client.post(
        f"/threads/{waiting['thread_id']}/runs/{waiting['run_id']}/submit-tool-outputs",
        json={"tool_outputs": [{"tool_call_id": call["id"], "output": "A tree"}]},
    )
    asked = vendor.requests[-1].body["messages"]
    vendor.script(Answer(text="I saw a tree."))

    compared = await replayed(client, submitted.json())

    assert compared["replay"]["content"] == "I saw a tree."
    assert vendor.requests[-1].body["messages"] == asked
    assert not compared["context_difference"]["messages_removed"]


async def test_the_form_of_the_answer_is_kept_changed_or_taken_away(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "number", "schema": SCHEMA}}
    vendor.script(Answer(text='{"n": 1}'))
    answer = await send(client, response_format=form)
    vendor.script(Answer(text='{"n": 2}'), Answer(text="Two."))

    kept = await replayed(client, answer)
    taken_away = await replayed(client, answer, response_format={"type": "text"})

    assert kept["replay"]["content"] == '{"n": 2}'
    assert kept["context_difference"]["options_changed"] == []
    assert taken_away["replay"]["content"] == "Two."
    assert taken_away["context_difference"]["options_changed"] == ["response_format"]


async def test_a_picture_is_shown_to_a_model_that_can_see_where_the_first_could_not(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    png = b"\x89PNG\r\n\x1a\n" + b"\0" * 16
    response = await client.post(
        "/threads/messages",
        data={"content": "Look", "llm_provider": "local"},
        files=[("files", ("a.png", png, "image/png")), ("files", ("a.txt", b"Text", "text/plain"))],
    )
    answer = response.json()

    compared = await replayed(client, answer, llm_provider="openai", model_name="gpt-4o")

    document_id = answer["attachments"][0]["document_id"]
    assert compared["context_difference"]["files_added"] == [document_id]
    text, image = vendor.requests[-1].body["messages"][0]["content"]
    assert (text["text"], image["type"]) == (
        "Look\n\n[Files attached, whose contents are not shown: a.txt]",
        "image_url",
    )


async def test_a_replay_counts_as_usage_of_its_own(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    vendor.script(Answer(text="Hello", usage=Tokens(prompt=100, completion=10)))
    answer = await send(client, model_name="gpt-4o")
    await replayed(client, answer)

    usage = (await client.get("/usage", params={"group_by": "thread"})).json()

    (group,) = [group for group in usage["data"] if group["thread_id"] == answer["thread_id"]]
    assert (group["runs"], group["input_tokens"]) == (2, 200)
    assert group["cost_usd"] == pytest.approx(2 * answer["cost_usd"])


async def test_what_a_replay_that_failed_has_used_counts_too(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    answer = await send(client, model_name="gpt-4o")
    form = {"type": "json_schema", "json_schema": {"name": "number", "schema": SCHEMA}}
    vendor.script(Answer(text="No number.", usage=Tokens(prompt=100, completion=10)))

    failed = await replay(client, answer, response_format=form)

    usage = (await client.get("/usage", params={"group_by": "thread"})).json()
    (group,) = [group for group in usage["data"] if group["thread_id"] == answer["thread_id"]]
    assert (failed.status_code, failed.json()["code"]) == (502, "provider_invalid_output")
    assert group["runs"] == 2
    assert group["input_tokens"] > 200


async def test_a_budget_that_is_used_up_refuses_a_replay(
    client: httpx.AsyncClient, tenant: Tenant, owner: Connection
) -> None:
    answer = await send(client, model_name="gpt-4o")
    name = await owner.fetchval("SELECT name FROM tenants WHERE tenant_id = $1", tenant.caller.tenant_id)
    await set_budget(owner, name, None, 0.0, "total")

    refused = await replay(client, answer)

    assert (refused.status_code, refused.json()["code"]) == (402, "budget_spent")


async def test_an_answer_whose_run_has_not_ended_cannot_be_replayed(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}"),)))
    waiting = await send(client, tools=[LOOK])

    refused = await replay(client, waiting)

    assert refused.status_code == 409
    assert waiting["run_id"] in refused.json()["detail"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"llm_provider": "nobody"}, 400, "unknown_provider"),
        ({"llm_provider": "anthropic", "model_name": "claude"}, 400, "provider_not_configured"),
        ({"tool_choice": {"type": "function", "function": {"name": "absent"}}}, 400, None),
        ({"response_format": {"type": "json_schema"}}, 422, "validation_error"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    client: httpx.AsyncClient, vendor: FakeVendor, changes: dict[str, Any], status: int, code: str | None
) -> None:
    answer = await send(client)
    asked = len(vendor.requests)

    refused = await replay(client, answer, **changes)

    assert refused.status_code == status, refused.text
    assert code is None or refused.json()["code"] == code
    assert len(vendor.requests) == asked


async def test_a_provider_that_fails_is_told_as_for_a_message(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    answer = await send(client)
    vendor.script(Answer(fault=Fault.UNAUTHORIZED))

    failed = await replay(client, answer)

    assert (failed.status_code, failed.json()["code"]) == (502, "provider_rejected_key")


async def test_what_is_not_there_cannot_be_replayed(client: httpx.AsyncClient) -> None:
    answer = await send(client)
    question = (await messages_of(client, answer))[0]

    for changes in ({"thread_id": str(new_id())}, {"message_id": str(new_id())}, question):
        gone = await replay(client, {**answer, "message_id": answer["message_id"], **changes})

        assert gone.status_code == 404, gone.text


async def test_the_same_key_replays_once(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    answer = await send(client)
    asked = len(vendor.requests)
    path = f"/threads/{answer['thread_id']}/messages/{answer['message_id']}/replay"

    answers = [await client.post(path, headers={"Idempotency-Key": "once"}) for _ in range(2)]

    assert answers[0].status_code == 200, answers[0].text
    assert answers[0].json() == answers[1].json()
    assert len(vendor.requests) == asked + 1


def memories_shown(vendor: FakeVendor) -> list[str]:
    """The memories of the last request to the vendor, with all that stands around them."""
    messages = vendor.requests[-1].body["messages"]
    return [message["content"] for message in messages if "<memories>" in message["content"]]


async def test_what_was_recalled_then_is_shown_again_whatever_is_remembered_now(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    assistant = (await client.post("/assistants", json={"name": "Keeper"})).json()["assistant_id"]
    path = f"/assistants/{assistant}/memories"
    await client.post(path, json={"content": "The rabbit is called Otto."})
    answer = await send(client, "What is the rabbit called?", assistant_id=assistant, memory="Readonly")
    (then,) = memories_shown(vendor)
    await client.delete(path)
    await client.post(path, json={"content": "The rabbit is called Emil."})

    as_then = (await replayed(client, answer), memories_shown(vendor))
    anew = (await replayed(client, answer, memory="Readonly"), memories_shown(vendor))
    without = (await replayed(client, answer, memory="off"), memories_shown(vendor))

    assert as_then[1] == [then]
    assert ("Otto" in then, "Emil" in anew[1][0], "Otto" in anew[1][0]) == (True, True, False)
    assert without[1] == []
