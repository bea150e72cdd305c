"""Outputs of tools over HTTP: what is taken, in which form, and what is refused before anything is stored."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from backboard_server.api.runs import OUTPUTS_MAX, TOOL_CALL_ID_CHARACTERS_MAX
from backboard_server.domain.messages import CONTENT_CHARACTERS_MAX
from events_of import numbered_events_of
from fake_vendor import Answer, CalledTool, FakeVendor

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
JSON = {"content-type": "application/json"}


@pytest.fixture
async def waiting(client: httpx.AsyncClient, vendor: FakeVendor) -> dict[str, Any]:
    """The answer of a run that waits for the output of `call_1`, after which the vendor says `Done.`"""
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),)), Answer(text="Done."))
    response = await client.post("/threads/messages", json={"content": "Hi", "tools": [LOOK]})
    assert response.json()["status"] == "REQUIRES_ACTION", response.text
    return response.json()


def path_of(waiting: dict[str, Any]) -> str:
    return f"/threads/{waiting['thread_id']}/runs/{waiting['run_id']}/submit-tool-outputs"


def output(value: object = "Seen.", call_id: object = "call_1", **more: object) -> dict[str, object]:
    return {"tool_call_id": call_id, "output": value} | more


async def test_outputs_are_taken_by_their_run_or_by_its_thread(
    client: httpx.AsyncClient, vendor: FakeVendor, waiting: dict[str, Any]
) -> None:
    by_run = await client.post(path_of(waiting), json={"tool_outputs": [output()]})
    vendor.script(Answer(tool_calls=(CalledTool("look", "{}", id="call_1"),)), Answer(text="Done too."))
    thread_id = waiting["thread_id"]
    asked = await client.post(f"/threads/{thread_id}/messages", json={"content": "Hi", "tools": [LOOK]})
    outputs = [output(call_id=asked.json()["tool_calls"][0]["id"])]
    by_thread = await client.post(
        "/threads/tool-outputs", json={"thread_id": thread_id, "tool_outputs": outputs}
    )

    assert [(answer.status_code, answer.json()["content"]) for answer in (by_run, by_thread)] == [
        (200, "Done."), (200, "Done too."),
    ]  # fmt: skip
    assert by_run.json()["run_id"] == waiting["run_id"]
    assert by_run.json()["message_id"] != waiting["message_id"]


@pytest.mark.parametrize("place", ["query", "body"])
async def test_the_answer_is_streamed_wherever_that_is_asked_for(
    client: httpx.AsyncClient, waiting: dict[str, Any], place: str
) -> None:
    params, fields = ({"stream": "true"}, {}) if place == "query" else ({}, {"stream": True})

    response = await client.post(path_of(waiting), params=params, json={"tool_outputs": [output()]} | fields)

    events = [event for _, event in numbered_events_of(response.text)]
    assert (events[0]["type"], events[0]["phase"]) == ("run_continuing", "tool_outputs")
    assert events[0]["tool_call_ids"] == ["call_1"]
    assert (events[-1]["type"], events[-1]["content"]) == ("run_ended", "Done.")
    assert {event["run_id"] for event in events} == {waiting["run_id"]}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Seen.", "Seen."),
        ("", ""),
        (" \n", " \n"),
        ({"temperature": 3.5, "where": "Ålesund"}, '{"temperature":3.5,"where":"Ålesund"}'),
        ([], "[]"),
        (0, "0"),
        (False, "false"),
        (None, "null"),
        ("x" * CONTENT_CHARACTERS_MAX, "x" * CONTENT_CHARACTERS_MAX),
    ],
)
async def test_the_model_is_shown_what_a_tool_returned(
    client: httpx.AsyncClient, vendor: FakeVendor, waiting: dict[str, Any], value: object, shown: str
) -> None:
    response = await client.post(path_of(waiting), json={"tool_outputs": [output(value)]})

    assert response.status_code == 200, response.text
    assert vendor.requests[-1].body["messages"][-1] == {
        "role": "tool", "tool_call_id": "call_1", "content": shown,
    }  # fmt: skip


async def test_an_output_that_is_an_error_is_stored_as_one(
    client: httpx.AsyncClient, waiting: dict[str, Any]
) -> None:
    await client.post(path_of(waiting), json={"tool_outputs": [output("It broke.", is_error=True)]})

    messages = (await client.get(f"/threads/{waiting['thread_id']}")).json()["messages"]

    assert [(message["role"], message["status"]) for message in messages] == [
        ("user", "COMPLETED"),
        ("assistant", "COMPLETED"),
        ("tool", "FAILED"),
        ("assistant", "COMPLETED"),
    ]
    assert messages[2]["metadata_"] == {
        "run_id": waiting["run_id"], "tool_call_id": "call_1", "tool_name": "look",
    }  # fmt: skip


MALFORMED: list[tuple[dict[str, Any], str]] = [
    ({}, "tool_outputs"),
    ({"tool_outputs": None}, "tool_outputs"),
    ({"tool_outputs": []}, "tool_outputs"),
    ({"tool_outputs": "[]"}, "tool_outputs"),
    ({"tool_outputs": {}}, "tool_outputs"),
    ({"tool_outputs": ["Seen."]}, "tool_outputs"),
    ({"tool_outputs": [{"output": "Seen."}]}, "tool_call_id"),
    ({"tool_outputs": [{"tool_call_id": "call_1"}]}, "output"),
    ({"tool_outputs": [output(call_id="")]}, "tool_call_id"),
    ({"tool_outputs": [output(call_id=1)]}, "tool_call_id"),
    ({"tool_outputs": [output(call_id=None)]}, "tool_call_id"),
    ({"tool_outputs": [output(call_id="x" * (TOOL_CALL_ID_CHARACTERS_MAX + 1))]}, "tool_call_id"),
    ({"tool_outputs": [output(call_id="nul \0")]}, "NUL"),
    ({"tool_outputs": [output("nul \0")]}, "NUL"),
    ({"tool_outputs": [output({"deep": ["nul \0"]})]}, "NUL"),
    ({"tool_outputs": [output("half \ud800")]}, "surrogate"),
    ({"tool_outputs": [output({"half \ud800": 1})]}, "surrogate"),
    ({"tool_outputs": [output("x" * (CONTENT_CHARACTERS_MAX + 1))]}, "output"),
    ({"tool_outputs": [output(["x" * CONTENT_CHARACTERS_MAX])]}, "output"),
    ({"tool_outputs": [output(float("nan"))]}, "finite"),
    ({"tool_outputs": [output(float("-inf"))]}, "finite"),
    ({"tool_outputs": [output(is_error="perhaps")]}, "is_error"),
    ({"tool_outputs": [output(), output("Seen again.")]}, "answers a call twice"),
    ({"tool_outputs": [output(call_id=f"call_{n}") for n in range(OUTPUTS_MAX + 1)]}, "tool_outputs"),
    ({"tool_outputs": [output()], "stream": "perhaps"}, "stream"),
    ({"tool_outputs": [output()], "tools": [{"type": "function"}]}, "tools"),
    ({"tool_outputs": [output()], "tools": "not json"}, "tools"),
    ({"tool_outputs": [output()], "tool_choice": {"type": "function"}}, "tool_choice"),
    ({"tool_outputs": [output()], "thinking": {"budget_tokens": -1}}, "thinking"),
    ({"tool_outputs": [output()], "mcp_servers": [{}]}, "mcp_servers"),
    ({"tool_outputs": [output()], "on_disconnect": "panic"}, "on_disconnect"),
]


@pytest.mark.parametrize(("body", "names"), MALFORMED)
async def test_malformed_outputs_are_refused_by_name_and_leave_the_run_waiting(
    client: httpx.AsyncClient, waiting: dict[str, Any], body: dict[str, Any], names: str
) -> None:
    by_run = await client.post(path_of(waiting), content=json.dumps(body), headers=JSON)
    body = body | {"thread_id": waiting["thread_id"]}
    by_thread = await client.post("/threads/tool-outputs", content=json.dumps(body), headers=JSON)

    for response in (by_run, by_thread):
        assert response.status_code == 422, response.text
        assert names in response.text
    assert (await client.get(path_of(waiting).rpartition("/")[0])).json()["status"] == "REQUIRES_ACTION"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b'{"tool_outputs": [',
        b"\xff\xfe",
        b"tool_outputs=x",
        b"[" * 100_000,
        b'{"a":' * 50_000,
    ],
)
async def test_what_is_no_object_of_json_is_refused(
    client: httpx.AsyncClient, waiting: dict[str, Any], content: bytes
) -> None:
    response = await client.post(path_of(waiting), content=content, headers=JSON)

    assert response.status_code in (400, 422), response.text


@pytest.mark.parametrize("depth", [60, 70, 1_000])
async def test_outputs_are_nested_only_so_deep(
    client: httpx.AsyncClient, waiting: dict[str, Any], depth: int
) -> None:
    nested = "[" * depth + "]" * depth
    content = f'{{"tool_outputs": [{{"tool_call_id": "call_1", "output": {nested}}}]}}'

    response = await client.post(path_of(waiting), content=content, headers=JSON)

    assert response.status_code in ((200,) if depth == 60 else (400, 422)), response.text


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "-1" + "0" * 400, "1e400", "1E-400"])
async def test_no_number_is_too_large_to_be_answered(
    client: httpx.AsyncClient, waiting: dict[str, Any], number: str
) -> None:
    content = f'{{"tool_outputs": [{{"tool_call_id": "call_1", "output": {{"n": {number}}}}}]}}'

    response = await client.post(path_of(waiting), content=content, headers=JSON)

    assert response.status_code in (200, 422), response.text


async def test_outputs_that_answer_other_calls_are_refused_and_say_which(
    client: httpx.AsyncClient, waiting: dict[str, Any]
) -> None:
    response = await client.post(path_of(waiting), json={"tool_outputs": [output(call_id="call_2")]})

    assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
    assert "Unknown: call_2. Missing: call_1." in response.json()["detail"]


async def test_a_run_that_does_not_wait_takes_none(
    client: httpx.AsyncClient, waiting: dict[str, Any]
) -> None:
    await client.post(path_of(waiting), json={"tool_outputs": [output()]})

    response = await client.post(path_of(waiting), json={"tool_outputs": [output(call_id="call_2")]})

    assert (response.status_code, response.json()["code"]) == (409, "conflict")
    assert "COMPLETED" in response.json()["detail"]


async def test_unknown_fields_are_ignored(client: httpx.AsyncClient, waiting: dict[str, Any]) -> None:
    body = {"tool_outputs": [output(name="look")], "assistant_id": 7, "memory": "Auto"}

    assert (await client.post(path_of(waiting), json=body)).status_code == 200
