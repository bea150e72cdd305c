"""Messages over HTTP while the provider fails: a typed error, a run that ends, and nothing lost."""

from __future__ import annotations

import httpx
import pytest

from events_of import events_of
from fake_vendor import Answer, FakeVendor, Fault


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.UNAUTHORIZED, 502, "provider_rejected_key"),
        (Fault.RATE_LIMITED, 429, "provider_rate_limited"),
        (Fault.RATE_LIMITED_HOUR, 429, "provider_rate_limited"),
        (Fault.CONTEXT_LENGTH, 400, "provider_context_length"),
        (Fault.SERVER_ERROR, 502, "provider_failed"),
        (Fault.OVERLOADED, 502, "provider_failed"),
        (Fault.HTML, 502, "provider_malformed"),
        (Fault.ERROR_FIRST, 502, "provider_failed"),
        (Fault.CLOSED_WITHOUT_ANSWER, 502, "provider_unreachable"),
    ],
)
async def test_failing_provider_is_a_typed_error_and_the_message_is_kept(
    client: httpx.AsyncClient, vendor: FakeVendor, streamed: bool, fault: Fault, status: int, code: str
) -> None:
    before = await client.post("/threads/messages", json={"content": "Before", "send_to_llm": False})
    thread_id = before.json()["thread_id"]
    vendor.script(Answer(fault=fault))

    response = await client.post(
        "/threads/messages", json={"content": "Hi", "thread_id": thread_id, "stream": streamed}
    )

    if streamed:
        failed = events_of(response.text)[-1]
        assert failed["type"] == "run_failed"
        assert failed["code"] == code
        assert failed["error"] == failed["message"] != ""
    else:
        assert response.status_code == status
        assert response.json()["code"] == code
    messages = (await client.get(f"/threads/{thread_id}")).json()["messages"]
    assert [message["content"] for message in messages] == ["Before", "Hi", ""]
    assert messages[-1]["status"] == "FAILED"
    assert vendor.requests[0].headers["authorization"].removeprefix("Bearer ") not in response.text


async def test_retry_after_is_passed_on(client: httpx.AsyncClient, vendor: FakeVendor) -> None:
    vendor.script(Answer(fault=Fault.RATE_LIMITED_HOUR))

    response = await client.post("/threads/messages", json={"content": "Hi"})

    assert response.headers["retry-after"] == "3600"


async def test_what_was_said_before_a_stream_broke_is_kept(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(text="This much was said before it broke", chunks=6, fault=Fault.TRUNCATED_RESET))

    response = await client.post("/threads/messages", json={"content": "Hi", "stream": True})

    events = events_of(response.text)

    said = "".join(event["content"] for event in events if event["type"] == "content_streaming")
    assert events[-1]["type"] == "run_failed"
    assert said
    stored = (await client.get(f"/threads/{events[-1]['thread_id']}")).json()["messages"][1]
    assert (stored["content"], stored["status"]) == (said, "FAILED")
    assert len(vendor.requests) == 1


async def test_provider_that_recovers_is_tried_again_unnoticed(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(fault=Fault.UNAVAILABLE), Answer(fault=Fault.HTML), Answer(text="At last"))

    response = await client.post("/threads/messages", json={"content": "Hi"})

    assert response.json()["content"] == "At last"
    assert len(vendor.requests) == 3


async def test_a_model_that_failed_too_often_is_unavailable_for_a_while(
    client: httpx.AsyncClient, vendor: FakeVendor
) -> None:
    vendor.script(Answer(fault=Fault.SERVER_ERROR))
    # Of three attempts each, of which the tenth opens the circuit.
    *_, response = [await client.post("/threads/messages", json={"content": "Hi"}) for _ in range(4)]

    assert response.status_code == 503
    assert response.json()["code"] == "provider_circuit_open"
    assert 1 <= int(response.headers["retry-after"]) <= 10
    assert len(vendor.requests) == 10
