"""Idempotency-Key over HTTP: whatever comes twice with the same key is done once, and answered alike."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from backboard_server.api.request_keys import CHARACTERS_MAX
from backboard_server.store.database import Database
from events_of import numbered_events_of
from fake_vendor import Answer, CalledTool, FakeVendor, Fault
from tenants import Tenant
from waiting import wait_until

KEYED = {"Idempotency-Key": "5c1b8f0e-once"}
LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),))
OUTPUTS = [{"tool_call_id": "call_1", "output": "Seen."}]
SLOW = Answer(text="This takes its time to say", chunks=6, first_byte_delay_seconds=0.4)

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def places(client: httpx.AsyncClient, vendor: FakeVendor) -> dict[str, str]:
    """What the paths of requests need: things that are there already, and a run that waits."""
    assistant = (await client.post("/assistants", json={"name": "Ada"})).json()
    vendor.script(CALL, Answer(text="Done."))
    waiting = await client.post(
        "/threads/messages",
        json={"content": "Hi", "tools": [LOOK], "assistant_id": assistant["assistant_id"]},
    )
    answer = waiting.json()
    assert answer["status"] == "REQUIRES_ACTION"
    return {
        "assistant": assistant["assistant_id"], "thread": answer["thread_id"], "run": answer["run_id"],
    }  # fmt: skip


REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("/assistants", {"name": "Ada"}),
    ("/assistants/{assistant}/threads", {"metadata": {"a": 1}}),
    ("/threads/messages", {"content": "Hi"}),
    ("/threads/messages", {"content": "Hi", "send_to_llm": False}),
    ("/threads/{thread}/messages", {"content": "Hi"}),
    ("/threads/{thread}/runs/{run}/submit-tool-outputs", {"tool_outputs": OUTPUTS}),
]
# A cancel is the same however often it comes, with a key or without.
CANCEL: tuple[str, dict[str, Any]] = ("/threads/{thread}/runs/{run}/cancel", {})


async def counts(database: Database, tenant: Tenant) -> dict[str, int]:
    """Return how many rows the tenant has of what requests make."""
    tables = ("assistants", "threads", "messages", "runs", "documents", "usage")
    async with database.tenant(tenant.caller.tenant_id) as connection:
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


@pytest.mark.parametrize(("path", "body"), [*REQUESTS, CANCEL])
async def test_a_request_that_comes_again_is_answered_alike_byte_for_byte_and_makes_nothing(
    client: httpx.AsyncClient,
    database: Database,
    tenant: Tenant,
    places: dict[str, str],
    path: str,
    body: dict[str, Any],
) -> None:
    first = await client.post(path.format(**places), json=body, headers=KEYED)
    made = await counts(database, tenant)

    again = await client.post(path.format(**places), json=body, headers=KEYED)

    assert first.status_code == 200, first.text
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert await counts(database, tenant) == made


@pytest.mark.parametrize(("path", "body"), REQUESTS)
async def test_a_key_of_another_request_is_refused(
    client: httpx.AsyncClient, places: dict[str, str], path: str, body: dict[str, Any]
) -> None:
    await client.post("/assistants", json={"name": "Another"}, headers=KEYED)

    response = await client.post(path.format(**places), json=body, headers=KEYED)

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")
    assert "fresh key" in response.json()["detail"]


@pytest.mark.parametrize(("path", "body"), REQUESTS)
async def test_another_body_is_another_request(
    client: httpx.AsyncClient, places: dict[str, str], path: str, body: dict[str, Any]
) -> None:
    await client.post(path.format(**places), json=body, headers=KEYED)

    response = await client.post(path.format(**places), json=body | {"unknown": 1}, headers=KEYED)

    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")


@pytest.mark.parametrize("path", ["/assistants", "/assistants/{assistant}/threads", "/threads/messages"])
async def test_requests_that_come_at_once_make_one_thing(
    client: httpx.AsyncClient, database: Database, tenant: Tenant, places: dict[str, str], path: str
) -> None:
    before = await counts(database, tenant)
    body = {"content": "Hi", "name": "Ada"}

    answers = await asyncio.gather(
        *(client.post(path.format(**places), json=body, headers=KEYED) for _ in range(6))
    )

    assert {answer.status_code for answer in answers} == {200}, [answer.text for answer in answers]
    assert len({answer.content for answer in answers}) == 1
    after = await counts(database, tenant)
    table = "assistants" if path == "/assistants" else "threads"
    assert after[table] == before[table] + 1
    assert after["runs"] == before["runs"] + (path == "/threads/messages")


async def test_outputs_that_come_at_once_ask_one_model(
    client: httpx.AsyncClient, vendor: FakeVendor, places: dict[str, str]
) -> None:
    path = "/threads/{thread}/runs/{run}/submit-tool-outputs".format(**places)
    asked = len(vendor.requests)

    answers = await asyncio.gather(
        *(client.post(path, json={"tool_outputs": OUTPUTS}, headers=KEYED) for _ in range(4))
    )

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert len(vendor.requests) == asked + 1


async def test_a_request_is_the_same_on_both_paths_of_the_api(client: httpx.AsyncClient) -> None:
    with_prefix = await client.post("/assistants", json={"name": "Ada"}, headers=KEYED)

    without = await client.post("http://backboard/assistants", json={"name": "Ada"}, headers=KEYED)

    assert without.content == with_prefix.content


async def test_the_query_is_part_of_the_request(client: httpx.AsyncClient) -> None:
    await client.post("/assistants", json={"name": "Ada"}, headers=KEYED)

    response = await client.post("/assistants", params={"a": "1"}, json={"name": "Ada"}, headers=KEYED)

    assert response.status_code == 409


async def test_fields_may_come_in_any_order(client: httpx.AsyncClient) -> None:
    first = await client.post(
        "/threads/messages", content='{"content": "Hi", "metadata": {"a": 1, "b": 2}}', headers=KEYED
    )

    again = await client.post(
        "/threads/messages", content='{"metadata":{"b":2,"a":1},"content":"Hi"}', headers=KEYED
    )

    assert (again.status_code, again.content) == (200, first.content)


async def test_the_files_are_part_of_the_request(
    client: httpx.AsyncClient, database: Database, tenant: Tenant
) -> None:
    async def send(*files: tuple[str, bytes]) -> httpx.Response:
        parts = [("files", file) for file in files]
        return await client.post("/threads/messages", data={"content": "Hi"}, files=parts, headers=KEYED)

    first = await send(("notes.txt", b"one"))
    again = await send(("notes.txt", b"one"))
    others = [
        await send(("notes.txt", b"two")),
        await send(("other.txt", b"one")),
        await send(("notes.txt", b"one"), ("notes.txt", b"one")),
    ]

    assert (again.status_code, again.content) == (200, first.content)
    assert [response.status_code for response in others] == [409, 409, 409]
    assert (await counts(database, tenant))["documents"] == 1


@pytest.mark.parametrize("key", ["", "x" * (CHARACTERS_MAX + 1), "tab\tbed", "\x7f", "caf\xe9", "\x01"])
@pytest.mark.parametrize("path", ["/assistants", "/threads/messages", "/threads/tool-outputs"])
async def test_a_key_that_is_none_is_refused_by_name(
    client: httpx.AsyncClient, places: dict[str, str], path: str, key: str
) -> None:
    body = {"content": "Hi", "name": "Ada", "thread_id": places["thread"], "tool_outputs": OUTPUTS}

    response = await client.post(path, json=body, headers=[(b"Idempotency-Key", key.encode("latin-1"))])

    assert response.status_code == 422, response.text
    assert response.json()["detail"][0]["loc"] == ["header", "Idempotency-Key"]


async def test_a_key_may_be_as_long_as_is_said_and_of_any_printable_characters(
    client: httpx.AsyncClient,
) -> None:
    for key in ("x" * CHARACTERS_MAX, "' OR 1=1 --", '"quoted"', "%00", "a b"):
        response = await client.post("/assistants", json={"name": "Ada"}, headers={"Idempotency-Key": key})
        assert response.status_code == 200, key


async def test_without_a_key_each_request_is_another(client: httpx.AsyncClient) -> None:
    first, second = [await client.post("/assistants", json={"name": "Ada"}) for _ in range(2)]

    assert first.json()["assistant_id"] != second.json()["assistant_id"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/assistants", {"name": ""}, 422),
        ("/threads/messages", {"content": ""}, 400),
        ("/threads/messages", {"content": "Hi", "llm_provider": "no-such-provider"}, 400),
        ("/threads/messages", {"content": "Hi", "thread_id": "01890a5d-ac96-774b-bcce-b302099a8057"}, 404),
        ("/assistants/01890a5d-ac96-774b-bcce-b302099a8057/threads", {}, 404),
    ],
)
async def test_a_refused_request_leaves_its_key_free(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int
) -> None:
    refused = await client.post(path, json=body, headers=KEYED)
    again = await client.post(path, json=body, headers=KEYED)

    mended = await client.post("/assistants", json={"name": "Ada"}, headers=KEYED)

    assert (refused.status_code, again.status_code, mended.status_code) == (status, status, 200)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.UNAUTHORIZED, 502, "provider_rejected_key"),
        (Fault.RATE_LIMITED_HOUR, 429, "provider_rate_limited"),
        (Fault.CONTEXT_LENGTH, 400, "provider_context_length"),
        (Fault.HTML, 502, "provider_malformed"),
    ],
)
async def test_a_run_that_failed_is_answered_with_its_failure_again_and_asks_no_model(
    client: httpx.AsyncClient, vendor: FakeVendor, fault: Fault, status: int, code: str
) -> None:
    vendor.script(Answer(fault=fault))
    first = await client.post("/threads/messages", json={"content": "Hi"}, headers=KEYED)
    asked = len(vendor.requests)
    vendor.script(Answer(text="Now it works."))

    again = await client.post("/threads/messages", json={"content": "Hi"}, headers=KEYED)

    assert (first.status_code, again.status_code) == (status, status)
    assert first.json()["code"] == again.json()["code"] == code
    assert again.json()["detail"] == first.json()["detail"]
    assert again.headers.get("retry-after") == first.headers.get("retry-after")
    assert len(vendor.requests) == asked


async def test_a_stream_that_comes_again_is_the_same_stream(client: httpx.AsyncClient) -> None:
    body = {"content": "Hi", "stream": True}
    first = await client.post("/threads/messages", json=body, headers=KEYED)

    again = await client.post("/threads/messages", json=body, headers=KEYED)

    assert again.text == first.text
    assert again.headers["content-type"] == first.headers["content-type"]


async def test_a_saved_message_that_comes_again_is_streamed_again(client: httpx.AsyncClient) -> None:
    body = {"content": "Hi", "stream": True, "send_to_llm": False}
    first = await client.post("/threads/messages", json=body, headers=KEYED)

    again = await client.post("/threads/messages", json=body, headers=KEYED)

    assert again.text == first.text


async def test_one_who_comes_again_while_the_model_answers_is_told_all_of_it(
    client: httpx.AsyncClient, vendor: FakeVendor, database: Database, tenant: Tenant
) -> None:
    vendor.script(SLOW)
    body = {"content": "Hi", "stream": True}

    async def has_begun() -> bool:
        return (await counts(database, tenant))["runs"] == 1

    async with asyncio.TaskGroup() as group:
        first = group.create_task(client.post("/threads/messages", json=body, headers=KEYED))
        await wait_until(has_begun)
        second = group.create_task(client.post("/threads/messages", json=body, headers=KEYED))

    events = numbered_events_of((await second).text)
    assert events == numbered_events_of((await first).text)
    assert events[-1][1]["content"] == "This takes its time to say"
    assert len(vendor.requests) == 1


async def test_what_a_key_made_may_be_deleted_and_is_gone_then(client: httpx.AsyncClient) -> None:
    first = (await client.post("/threads/messages", json={"content": "Hi"}, headers=KEYED)).json()
    await client.delete(f"/threads/{first['thread_id']}")

    again = await client.post("/threads/messages", json={"content": "Hi"}, headers=KEYED)

    assert (again.status_code, again.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "-1" + "0" * 400, "1e400", "1E-400"])
@pytest.mark.parametrize("path", ["/assistants", "/threads/messages", "/threads/tool-outputs"])
async def test_no_number_is_too_large_for_a_fingerprint(
    client: httpx.AsyncClient, places: dict[str, str], path: str, number: str
) -> None:
    fields = json.dumps(
        {"name": "Ada", "content": "Hi", "thread_id": places["thread"], "tool_outputs": OUTPUTS}
    )
    content = f'{fields[:-1]}, "unknown": {number}}}'

    response = await client.post(path, content=content, headers=KEYED | {"content-type": "application/json"})

    assert response.status_code in (200, 422), response.text


async def test_other_methods_take_no_notice_of_a_key(client: httpx.AsyncClient) -> None:
    made = (await client.post("/assistants", json={"name": "Ada"}, headers=KEYED)).json()

    listed = await client.get("/assistants", headers=KEYED)
    changed = await client.put(f"/assistants/{made['assistant_id']}", json={"name": "Grace"}, headers=KEYED)

    assert [assistant["name"] for assistant in listed.json()] == ["Ada"]
    assert changed.json()["name"] == "Grace"
