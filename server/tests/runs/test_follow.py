"""Following a run from any process, from any place, while it goes on and when it is over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app_under_test import client_of
from backboard_server.adapters import Adapters
from backboard_server.app import create_app
from backboard_server.domain import events
from backboard_server.domain.errors import NotFound
from backboard_server.runs import journal as journals
from backboard_server.runs.follow import Follower, find_continuing
from backboard_server.runs.log import TAKEOVER_JUMP, Numbered
from backboard_server.runs.recover import recover_lost_runs
from backboard_server.settings import Settings
from backboard_server.store.database import Connection
from backboard_server.store.request_keys import purge_expired
from backboard_server.store.threads import delete_thread
from fake_vendor import Answer, CalledTool, FakeVendor, Fault
from replica import Replica, Sent, replica
from tenants import Tenant
from waiting import wait_until

WAIT_SECONDS = 10.0  # longer than anything here takes
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = Answer(text="I look.", reasoning="Hm.", tool_calls=(CalledTool("look", '{"at": "it"}', "call_1"),))
SLOW = Answer(text="one two three four five", chunks=5, chunk_delay_seconds=0.15)
ODD = 'Zwei\u2028Zeilen\x85, 👩\u200d👧 und \\u0000 "Anführung"\ttab é e\u0301'


@pytest.fixture
async def clients(
    app: FastAPI, settings: Settings, tenant: Tenant
) -> AsyncGenerator[list[httpx.AsyncClient]]:
    """Clients of two servers on one database."""
    async with AsyncExitStack() as stack:
        replica = create_app(settings)
        await stack.enter_async_context(LifespanManager(replica))
        yield [await stack.enter_async_context(client_of(server, tenant)) for server in (app, replica)]


class Streamed:
    """What a stream sent, by the number of each event."""

    def __init__(self, body: str) -> None:
        self.blocks: dict[int, str] = {}
        self.events: list[dict[str, Any]] = []
        for block in body.split("\n\n")[:-1]:
            if not block.startswith(":"):
                number, text = block.removeprefix("id: ").split("\ndata: ")
                self.blocks[int(number)] = f"{block}\n\n"
                self.events.append(json.loads(text))
        self.numbers = list(self.blocks)
        self.types = [event["type"] for event in self.events]

    @property
    def path(self) -> str:
        event = self.events[0]
        return f"/threads/{event['thread_id']}/runs/{event['run_id']}"

    def after(self, number: int) -> str:
        """Return the rest of the stream, byte for byte."""
        return "".join(block for sequence, block in self.blocks.items() if sequence > number)


async def ask(client: httpx.AsyncClient, path: str = "/threads/messages", **fields: Any) -> Streamed:
    response = await client.post(path, json={"content": "Hi", "stream": True} | fields)
    assert response.status_code == 200, response.text
    return Streamed(response.text)


async def follow(client: httpx.AsyncClient, path: str, after: int | None = None) -> str:
    response = await client.get(f"{path}/events", params={} if after is None else {"after": after})
    assert response.status_code == 200, response.text
    assert response.headers["content-type"].startswith("text/event-stream")
    return response.text


async def follower_of(process: Replica, tenant: Tenant, sent: Sent, **options: Any) -> Follower:
    run = await process.stored(tenant, sent)
    return Follower(process.adapters, process.journal, tenant.caller.tenant_id, run, **options)


async def thread_of(client: httpx.AsyncClient) -> str:
    response = await client.post("/threads/messages", json={"content": "Before", "send_to_llm": False})
    return f"/threads/{response.json()['thread_id']}"


async def run_of(client: httpx.AsyncClient, thread: str) -> str:
    """Wait until a thread has a run, and return its path."""

    async def has_one() -> bool:
        return bool((await client.get(f"{thread}/runs")).json())

    await wait_until(has_one)
    return f"{thread}/runs/{(await client.get(f'{thread}/runs')).json()[0]['run_id']}"


@pytest.mark.parametrize(
    ("script", "last"),
    [
        (Answer(text="Hello there."), "run_ended"),
        (Answer(text=ODD, reasoning=ODD, chunks=9), "run_ended"),
        (Answer(text="Half an answer", fault=Fault.ERROR_MID_STREAM), "run_failed"),
        (Answer(fault=Fault.RATE_LIMITED_HOUR), "run_failed"),
        (CALL, "tool_submit_required"),
    ],
    ids=["plain", "odd characters", "broken off", "refused", "waiting"],
)
async def test_what_is_replayed_is_what_was_streamed_byte_for_byte_from_any_place_and_replica(
    clients: list[httpx.AsyncClient], vendor: FakeVendor, script: Answer, last: str
) -> None:
    vendor.script(script)
    streamed = await ask(clients[0], content=ODD, tools=[TOOL])
    assert streamed.types[-1] == last

    for client in clients:
        for after in (None, *range(len(streamed.numbers) + 1)):
            assert await follow(client, streamed.path, after) == streamed.after(after or 0)


async def test_files_are_replayed_with_the_message_that_they_came_with(
    clients: list[httpx.AsyncClient],
) -> None:
    response = await clients[0].post(
        "/threads/messages",
        data={"content": "Look", "stream": "true"},
        files={"files": ("nötes.txt", b"a note")},
    )
    streamed = Streamed(response.text)
    assert streamed.events[-1]["attachments"]

    assert await follow(clients[1], streamed.path) == response.text


async def test_a_run_is_followed_on_every_replica_while_it_goes_on(
    clients: list[httpx.AsyncClient], vendor: FakeVendor
) -> None:
    vendor.script(SLOW)
    thread = await thread_of(clients[0])
    asking = asyncio.create_task(ask(clients[0], f"{thread}/messages"))
    path = await run_of(clients[1], thread)

    following = [follow(client, path, after) for client in clients for after in (None, 0, 3, 5, 7)]
    bodies = await asyncio.gather(*following)

    streamed = await asking
    assert streamed.types[-1] == "run_ended"
    assert bodies == [streamed.after(after) for _ in clients for after in (0, 0, 3, 5, 7)]


async def test_the_last_event_id_says_where_to_go_on_unless_the_query_does(
    clients: list[httpx.AsyncClient],
) -> None:
    streamed = await ask(clients[0])
    headers = {"Last-Event-ID": "3"}

    resumed = await clients[1].get(f"{streamed.path}/events", headers=headers)
    asked = await clients[1].get(f"{streamed.path}/events", headers=headers, params={"after": 1})

    assert (resumed.text, asked.text) == (streamed.after(3), streamed.after(1))


async def test_who_has_seen_the_last_event_of_a_run_gets_an_empty_stream_that_ends(
    clients: list[httpx.AsyncClient],
) -> None:
    streamed = await ask(clients[0])

    assert await follow(clients[1], streamed.path, streamed.numbers[-1]) == ""


async def test_who_names_a_number_that_never_was_is_told_all_in_its_place(
    clients: list[httpx.AsyncClient],
) -> None:
    streamed = await ask(clients[0])
    last = streamed.numbers[-1]

    told = Streamed(await follow(clients[1], streamed.path, 5_000))

    assert told.types == ["resync", "run_ended"]
    assert told.numbers == [last - 1, last]
    assert told.events[0]["content"] == "Hello from the vendor."
    assert told.after(last - 1) == streamed.after(last - 1)


async def test_a_stream_ends_where_the_run_waits_for_tools_and_another_goes_on_from_there(
    clients: list[httpx.AsyncClient], vendor: FakeVendor
) -> None:
    vendor.script(CALL, Answer(text="It is there."))
    thread = await thread_of(clients[0])
    asking = asyncio.create_task(ask(clients[0], f"{thread}/messages", tools=[TOOL]))
    path = await run_of(clients[1], thread)
    followed = await follow(clients[1], path)
    waiting = await asking
    assert followed == waiting.after(0)

    outputs = [{"tool_call_id": waiting.events[-1]["tool_calls"][0]["id"], "output": "there"}]
    continued = await ask(clients[1], f"{path}/submit-tool-outputs", tool_outputs=outputs)

    assert continued.types[0] == "run_continuing"
    assert continued.numbers[0] == waiting.numbers[-1] + 1
    for client in clients:
        assert await follow(client, path, waiting.numbers[-1]) == continued.after(0)
        assert await follow(client, path) == waiting.after(0) + continued.after(0)


@pytest.mark.parametrize("seen", [0, 5, None], ids=["nothing", "a part", "all but the end"])
async def test_in_place_of_a_log_that_has_expired_stands_what_was_said_and_then_the_end(
    clients: list[httpx.AsyncClient], adapters: Adapters, vendor: FakeVendor, seen: int | None
) -> None:
    vendor.script(Answer(text="Long ago."))
    streamed = await ask(clients[0])
    last = streamed.numbers[-1]
    await purge_expired(adapters.database, log_hours=0, limit=10_000)

    told = Streamed(await follow(clients[1], streamed.path, last - 1 if seen is None else seen))

    assert told.after(last - 1) == streamed.after(last - 1)
    if seen is None:
        assert told.types == ["run_ended"]
    else:
        assert told.types == ["resync", "run_ended"]
        resync = told.events[0]
        assert (resync["reason"], resync["after"], told.numbers[0]) == ("expired", last - 1, last - 1)
        assert (resync["content"], resync["message_id"]) == ("Long ago.", streamed.events[-1]["message_id"])


async def test_the_end_of_a_log_that_has_expired_is_not_told_to_who_has_seen_it(
    clients: list[httpx.AsyncClient], adapters: Adapters
) -> None:
    streamed = await ask(clients[0])
    await purge_expired(adapters.database, log_hours=0, limit=10_000)

    assert await follow(clients[1], streamed.path, streamed.numbers[-1]) == ""


async def test_who_saw_more_than_the_log_of_a_lost_process_is_told_what_to_forget(
    clients: list[httpx.AsyncClient],
    adapters: Adapters,
    vendor: FakeVendor,
    owner: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(journals, "ROUND_SECONDS", 3_600.0)  # the process does not come to write
    vendor.script(
        Answer(text="one two three", chunks=3, fault=Fault.HANG_BETWEEN_CHUNKS), Answer(text="Anew.")
    )
    thread = await thread_of(clients[0])
    asking = asyncio.create_task(ask(clients[0], f"{thread}/messages"))
    path = await run_of(clients[1], thread)
    await vendor.wait_for_requests(1)

    await owner.execute(
        "UPDATE runs SET lease_until = now() - INTERVAL '1 second' WHERE id = $1", path.split("/")[-1]
    )
    async with replica(adapters) as other:

        async def is_over() -> bool:
            await recover_lost_runs(other.adapters, other.journal)
            return (await clients[1].get(path)).json()["status"] == "COMPLETED"

        await wait_until(is_over)
    whole = Streamed(await follow(clients[0], path))
    lost = await asking

    assert lost.numbers[:5] == [1, 2, 3, 4, 5]
    assert lost.types[4:] == ["content_streaming"] * len(lost.types[4:])
    assert whole.numbers[:5] == [1, 2, 3, 4, TAKEOVER_JUMP + 5]
    assert (whole.types[4], whole.events[-1]["content"]) == ("run_continuing", "Anew.")
    told = Streamed(await follow(clients[1], path, lost.numbers[-1]))
    assert (told.types[0], told.numbers[0], told.events[0]["content"]) == ("resync", 4, "")
    assert told.events[0]["reason"] == "taken_over"
    assert told.after(4) == whole.after(4)
    assert await follow(clients[1], path, 4) == whole.after(4)


async def test_what_is_said_is_seen_by_other_processes_before_the_run_is_over(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="one two three", chunks=3, fault=Fault.HANG_BETWEEN_CHUNKS))
    sent = await process.send(tenant)
    follower = await follower_of(other, tenant, sent)

    seen: list[Numbered] = []
    while not any(isinstance(event, events.ContentStreaming) for _, event in seen):
        seen += await follower.next_events(WAIT_SECONDS) or []
    assert not sent.live.is_over
    assert await follower.next_events(0.05) == []
    sent.live.stop("cancelled")

    assert await follower.last_event() == await sent.live.last_event()
    assert await follower.next_events(WAIT_SECONDS) is None


async def test_a_reader_of_a_run_that_is_deleted_reads_no_more(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="Never heard", first_byte_delay_seconds=30))
    sent = await process.send(tenant)
    follower = await follower_of(other, tenant, sent)
    assert await follower.next_events(WAIT_SECONDS)
    reading = asyncio.create_task(follower.last_event())

    await delete_thread(process.adapters.database, tenant.caller.tenant_id, sent.thread_id)

    with pytest.raises(NotFound, match="deleted"):
        await reading
    assert await follower.next_events(WAIT_SECONDS) is None


async def test_one_answer_of_many_ends_with_its_own_end(
    process: Replica, clients: list[httpx.AsyncClient], tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(CALL, CALL, Answer(text="It is there."))
    sent = await process.send(tenant, tools=[TOOL])
    await sent.live.last_event()
    path = f"/threads/{sent.thread_id}/runs/{sent.run_id}/submit-tool-outputs"
    for output in ("nowhere", "there"):
        run = await process.stored(tenant, sent)
        outputs = [{"tool_call_id": call.id, "output": output} for call in run.tool_calls or []]
        await ask(clients[0], path, tool_outputs=outputs)
    run = await process.stored(tenant, sent)

    first = await follower_of(process, tenant, sent, is_one_answer=True)
    whole = await follower_of(process, tenant, sent)

    assert isinstance(await first.last_event(), events.ToolSubmitRequired)
    assert await first.next_events(WAIT_SECONDS) is None
    assert isinstance(await whole.last_event(), events.RunEnded)
    after = await find_continuing(
        process.adapters, tenant.caller.tenant_id, run, [outputs[0]["tool_call_id"]]
    )
    last = await follower_of(process, tenant, sent, after=after, is_one_answer=True)
    assert isinstance(await last.last_event(), events.RunEnded)


async def test_one_answer_ends_though_its_run_goes_on(
    process: Replica, clients: list[httpx.AsyncClient], tenant: Tenant, vendor: FakeVendor
) -> None:
    vendor.script(CALL, Answer(text="Never heard", first_byte_delay_seconds=30))
    sent = await process.send(tenant, tools=[TOOL])
    await sent.live.last_event()
    calls = (await process.stored(tenant, sent)).tool_calls or []
    outputs = [{"tool_call_id": call.id, "output": "there"} for call in calls]
    path = f"/threads/{sent.thread_id}/runs/{sent.run_id}"
    going_on = asyncio.create_task(ask(clients[0], f"{path}/submit-tool-outputs", tool_outputs=outputs))
    await vendor.wait_for_requests(2)

    follower = await follower_of(process, tenant, sent, is_one_answer=True)

    assert isinstance(await follower.last_event(), events.ToolSubmitRequired)
    await clients[0].post(f"{path}/cancel")
    assert (await going_on).types[-1] == "run_cancelled"


async def test_where_a_run_went_on_is_found_by_the_calls_that_were_answered(
    process: Replica, clients: list[httpx.AsyncClient], tenant: Tenant, vendor: FakeVendor
) -> None:
    two = (CalledTool("look", "{}", "call_a"), CalledTool("look", "{}", "call_b"))
    vendor.script(Answer(tool_calls=two), Answer(text="It is there."))
    sent = await process.send(tenant, tools=[TOOL])
    waiting = await sent.live.last_event()
    assert isinstance(waiting, events.ToolSubmitRequired)
    before = sent.live.log.sequence
    ids = [call.id for call in waiting.tool_calls]
    path = f"/threads/{sent.thread_id}/runs/{sent.run_id}/submit-tool-outputs"
    await ask(clients[0], path, tool_outputs=[{"tool_call_id": call_id, "output": "x"} for call_id in ids])
    run = await process.stored(tenant, sent)

    async def found(*call_ids: str) -> int:
        return await find_continuing(process.adapters, tenant.caller.tenant_id, run, call_ids)

    assert [await found(*ids), await found(ids[1])] == [before, before]
    assert await found(ids[0], "call_x") == 0
