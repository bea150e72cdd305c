"""Runs over HTTP: listed, read, followed from anywhere in them, cancelled and continued."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from backboard_server.api.runs import SEQUENCE_MAX
from events_of import numbered_events_of
from fake_vendor import Answer, CalledTool, FakeVendor, Fault, Tokens
from waiting import wait_until

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),))
OUTPUT = {"tool_call_id": "call_1", "output": "Seen."}
SLOW = Answer(text="This takes its time to say", chunks=6, first_byte_delay_seconds=0.4)

Numbered = list[tuple[int, dict[str, Any]]]


async def send(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    response = await client.post("/threads/messages", json={"content": "Hi"} | fields)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
async def answered(client: httpx.AsyncClient) -> dict[str, Any]:
    """The answer of a run that is over."""
    return await send(client)


@pytest.fixture
async def waiting(client: httpx.AsyncClient, vendor: FakeVendor) -> dict[str, Any]:
    """The answer of a run that waits for the output of `call_1`, after which the vendor says `Done.`"""
    vendor.script(CALL, Answer(text="Done."))
    return await send(client, tools=[LOOK])


def path_of(answer: dict[str, Any], *more: str) -> str:
    return "/".join(("/threads", answer["thread_id"], "runs", answer["run_id"], *more))


async def get(client: httpx.AsyncClient, answer: dict[str, Any]) -> dict[str, Any]:
    response = await client.get(path_of(answer))
    assert response.status_code == 200, response.text
    return response.json()


async def follow(client: httpx.AsyncClient, answer: dict[str, Any], **arguments: Any) -> Numbered:
    response = await client.get(path_of(answer, "events"), **arguments)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return numbered_events_of(response.text)


async def submit(client: httpx.AsyncClient, answer: dict[str, Any], **fields: Any) -> httpx.Response:
    return await client.post(path_of(answer, "submit-tool-outputs"), json={"tool_outputs": [OUTPUT]} | fields)


async def test_a_run_is_told_with_its_model_what_it_used_and_when(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="Hello", usage=Tokens(prompt=1_000, completion=100, cached=500)))
    answer = await send(client, llm_provider="openai", model_name="gpt-4o")

    run = await get(client, answer)

    times = [run.pop(name) for name in ("created_at", "started_at", "ended_at")]
    assert times == sorted(times)
    attempts = [{"model_provider": "openai", "model_name": "gpt-4o", "error_code": None, "error": None}]
    assert UUID(run.pop("user_message_id")) != UUID(answer["message_id"])
    assert run == {
        "run_id": answer["run_id"],
        "thread_id": answer["thread_id"],
        "assistant_id": answer["assistant_id"],
        "message_id": answer["message_id"],
        "status": "COMPLETED",
        "model_provider": "openai",
        "model_name": "gpt-4o",
        "tool_calls": None,
        "input_tokens": 1_000,
        "output_tokens": 100,
        "total_tokens": 1_100,
        "cached_input_tokens": 500,
        "cache_write_input_tokens": 0,
        "reasoning_tokens": 0,
        "cost_usd": answer["cost_usd"],
        "attempts": attempts,
        "error_code": None,
        "error": None,
    }


async def test_a_run_that_waits_tells_the_calls_that_it_waits_for(
    client: httpx.AsyncClient, waiting: dict[str, Any]
) -> None:
    run = await get(client, waiting)

    assert (run["status"], run["tool_calls"], run["ended_at"]) == (
        "REQUIRES_ACTION", waiting["tool_calls"], None,
    )  # fmt: skip
    await submit(client, waiting)
    assert (await get(client, waiting))["tool_calls"] is None


async def test_a_run_that_failed_tells_why(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    saved = await send(client, send_to_llm=False)
    vendor.script(Answer(fault=Fault.UNAUTHORIZED))
    failed = await client.post("/threads/messages", json={"content": "Hi", "thread_id": saved["thread_id"]})

    (run,) = (await client.get(f"/threads/{saved['thread_id']}/runs")).json()

    assert (run["status"], run["error_code"]) == ("FAILED", "provider_rejected_key")
    assert run["error"] == failed.json()["detail"]


async def test_runs_of_a_thread_are_listed_newest_first_and_page_by_page(
    client: httpx.AsyncClient, answered: dict[str, Any]
) -> None:
    path = f"/threads/{answered['thread_id']}/runs"
    later = [await send(client, thread_id=answered["thread_id"]) for _ in range(2)]
    newest_first = [answer["run_id"] for answer in (*reversed(later), answered)]

    listed = (await client.get(path)).json()
    page = (await client.get(path, params={"skip": 1, "limit": 1})).json()

    assert [run["run_id"] for run in listed] == newest_first
    assert listed[-1] == await get(client, answered)
    assert [run["run_id"] for run in page] == newest_first[1:2]
    for params in ({"limit": 0}, {"limit": 201}, {"skip": -1}, {"skip": "x"}):
        assert (await client.get(path, params=params)).status_code == 422
    assert (await client.get(f"/threads/{UNKNOWN}/runs")).json()["detail"] == "Thread not found"


async def test_the_events_of_a_run_are_told_again_as_they_were_told_live(client: httpx.AsyncClient) -> None:
    response = await client.post("/threads/messages", json={"content": "Hi", "stream": True})
    live = numbered_events_of(response.text)

    assert await follow(client, live[-1][1]) == live


@pytest.mark.parametrize("seen", [0, 1, 4, 5])
async def test_events_are_told_from_the_one_on_that_was_seen_last(
    client: httpx.AsyncClient, answered: dict[str, Any], seen: int
) -> None:
    whole = await follow(client, answered)

    by_query = await follow(client, answered, params={"after": seen})
    by_header = await follow(client, answered, headers={"Last-Event-ID": f" {seen} "})
    by_both = await follow(client, answered, params={"after": seen}, headers={"Last-Event-ID": "2"})

    assert [number for number, _ in whole] == [*range(1, len(whole) + 1)]
    assert by_query == by_header == by_both == whole[seen:]


async def test_one_who_has_seen_all_is_told_nothing_more(
    client: httpx.AsyncClient, answered: dict[str, Any]
) -> None:
    whole = await follow(client, answered)

    assert await follow(client, answered, params={"after": len(whole)}) == []


@pytest.mark.parametrize("beyond", [1, 10_000, SEQUENCE_MAX])
async def test_one_who_claims_to_have_seen_more_than_there_was_is_told_where_the_run_stands(
    client: httpx.AsyncClient, answered: dict[str, Any], beyond: int
) -> None:
    whole = await follow(client, answered)

    resync, last = await follow(client, answered, params={"after": min(len(whole) + beyond, SEQUENCE_MAX)})

    assert resync[1]["type"] == "resync"
    assert (resync[0], resync[1]["after"]) == (len(whole) - 1, len(whole) - 1)
    assert (resync[1]["content"], resync[1]["message_id"]) == (answered["content"], answered["message_id"])
    assert last == whole[-1]


@pytest.mark.parametrize(
    "seen",
    ["x", "-1", "1.5", "1e3", "0x1", "1_0", "+1", "9" * 30, "9" * 5_000, "\xb2", f"{SEQUENCE_MAX + 1}"],
)
async def test_what_is_no_number_of_an_event_is_refused_by_name(
    client: httpx.AsyncClient, answered: dict[str, Any], seen: str
) -> None:
    path = path_of(answered, "events")

    by_header = await client.get(path, headers=[(b"Last-Event-ID", seen.encode("latin-1"))])
    by_query = await client.get(path, params={"after": seen})

    assert by_header.status_code == 422
    assert by_header.json()["detail"][0]["loc"] == ["header", "Last-Event-ID"]
    if seen not in ("1_0", "+1"):  # which the library that reads queries takes for numbers
        assert by_query.status_code == 422
        assert by_query.json()["detail"][0]["loc"] == ["query", "after"]


async def test_a_run_is_followed_while_it_goes_on_and_to_its_end(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(SLOW)
    saved = await send(client, send_to_llm=False)
    body = {"content": "Hi", "thread_id": saved["thread_id"], "stream": True}
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(client.post("/threads/messages", json=body))
        run = await first_run(client, saved["thread_id"])
        followed = await follow(client, run)
        began_at = await follow(client, run, params={"after": 3})

    assert run["status"] == "IN_PROGRESS"
    assert followed == numbered_events_of((await sending).text)
    assert began_at == followed[3:]
    assert followed[-1][1]["type"] == "run_ended"


async def test_a_run_that_waits_is_told_up_to_its_waiting_and_once_it_went_on_to_its_end(
    client: httpx.AsyncClient, waiting: dict[str, Any]
) -> None:
    so_far = await follow(client, waiting)
    streamed = numbered_events_of((await submit(client, waiting, stream=True)).text)
    whole = await follow(client, waiting)

    assert so_far[-1][1]["type"] == "tool_submit_required"
    assert [event["type"] for _, event in streamed][:2] == ["run_continuing", "message_start"]
    assert streamed[0][0] == so_far[-1][0] + 1
    assert whole == so_far + streamed


async def test_a_run_is_followed_in_its_own_thread_alone(
    client: httpx.AsyncClient, answered: dict[str, Any]
) -> None:
    other = await send(client)

    for path in (
        f"/threads/{other['thread_id']}/runs/{answered['run_id']}",
        f"/threads/{answered['thread_id']}/runs/{UNKNOWN}",
    ):
        for response in (
            await client.get(path),
            await client.get(f"{path}/events", params={"after": 1}),
            await client.post(f"{path}/cancel"),
            await client.post(f"{path}/submit-tool-outputs", json={"tool_outputs": [OUTPUT]}),
        ):
            assert (response.status_code, response.json()["detail"]) == (404, "Run not found")


async def test_a_run_that_waits_is_cancelled(client: httpx.AsyncClient, waiting: dict[str, Any]) -> None:
    cancelled = await client.post(path_of(waiting, "cancel"))
    again = await client.post(path_of(waiting, "cancel"))
    refused = await submit(client, waiting)

    ids = {"thread_id": waiting["thread_id"], "run_id": waiting["run_id"]}
    assert cancelled.json() == again.json() == ids | {"cancelled": True}
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "CANCELLED" in refused.json()["detail"]
    assert (await follow(client, waiting))[-1][1]["type"] == "run_cancelled"


async def test_a_run_that_is_over_is_not_cancelled(
    client: httpx.AsyncClient, answered: dict[str, Any]
) -> None:
    response = await client.post(path_of(answered, "cancel"))

    assert (response.status_code, response.json()["cancelled"]) == (200, False)
    assert (await get(client, answered))["status"] == "COMPLETED"


async def test_a_run_under_way_is_cancelled_and_its_sender_is_told(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(SLOW)
    saved = await send(client, send_to_llm=False)
    async with asyncio.TaskGroup() as group:
        sending = group.create_task(send(client, thread_id=saved["thread_id"]))
        run = await first_run(client, saved["thread_id"])
        cancelled = await client.post(path_of(run, "cancel"))
        after = await get(client, run)

    answer = await sending
    assert cancelled.json()["cancelled"]
    assert (after["status"], after["error_code"]) == ("CANCELLED", "cancelled")
    assert (answer["status"], answer["run_id"]) == ("CANCELLED", run["run_id"])


async def first_run(client: httpx.AsyncClient, thread_id: str) -> dict[str, Any]:
    """Wait for a run in a thread, and return it."""
    found: list[dict[str, Any]] = []

    async def is_there() -> bool:
        found[:] = (await client.get(f"/threads/{thread_id}/runs")).json()
        return bool(found)

    await wait_until(is_there)
    return found[0]
