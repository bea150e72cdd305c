"""A receiver of a tenant's is told what happened, by a server as its operator runs it, until it has heard."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from backboard import BackboardWebhookError, verify_webhook
from receiver import Received, Receiver
from running_server import DEADLINE_SECONDS, RunningServer, run_command

ALLOWED = {"BACKBOARD_EGRESS_ALLOW": "127.0.0.1"}


async def test_a_receiver_is_told_of_a_run_verifies_it_and_hears_it_again(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        receiver.status = 503
        with RunningServer(tmp_path, environment=ALLOWED) as server:
            async with server.client() as client:
                webhook = await _create(client, receiver.url, ["run.completed"])
                answer = (await client.post("/threads/messages", json={"content": "Hi"})).json()
                failing = await _delivery(client, webhook, lambda delivery: len(delivery["attempts"]) == 1)
                receiver.status = 204
                delivered = await _delivery(client, webhook, lambda found: found["status"] == "delivered")
                path = f"/webhooks/{webhook['webhook_id']}/deliveries/{delivered['delivery_id']}/replay"
                replayed = await client.post(path)
                again = await _delivery(client, webhook, lambda delivery: len(delivery["attempts"]) == 3)

    messages = [
        verify_webhook(received.body, received.headers, webhook["secret"]) for received in receiver.received
    ]
    assert [message.type for message in messages] == ["run.completed"] * 3
    assert {message.id for message in messages} == {failing["delivery_id"]}
    assert messages[0].data["run_id"] == answer["run_id"]
    assert messages[0].data["thread_id"] == answer["thread_id"]
    assert (failing["status"], failing["attempts"][0]["status"]) == ("pending", 503)
    assert failing["next_attempt_at"] is not None
    assert replayed.status_code == 200
    assert [attempt["status"] for attempt in again["attempts"]] == [503, 204, 204]
    assert again["payload"]["data"] == messages[0].data
    with pytest.raises(BackboardWebhookError):
        verify_webhook(_tampered(receiver.received[0]), receiver.received[0].headers, webhook["secret"])


async def test_a_receiver_that_is_gone_is_left_alone(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        receiver.status = 410
        with RunningServer(tmp_path, environment=ALLOWED) as server:
            async with server.client() as client:
                webhook = await _create(client, receiver.url, [])
                await client.post("/threads/messages", json={"content": "Hi"})
                await _delivery(client, webhook, lambda delivery: delivery["status"] == "failed")
                disabled = (await client.get(f"/webhooks/{webhook['webhook_id']}")).json()
                await client.post("/threads/messages", json={"content": "Hi again"})
                listed = (await client.get(f"/webhooks/{webhook['webhook_id']}/deliveries")).json()

    assert (disabled["enabled"], "410" in disabled["disabled_reason"]) == (False, True)
    assert (len(listed), len(receiver.received)) == (1, 1)


async def test_an_address_of_this_machine_is_refused_unless_the_operator_allows_it(tmp_path: Path) -> None:
    async with Receiver() as receiver:
        with RunningServer(tmp_path) as server:
            async with server.client() as client:
                for url in (receiver.url, f"https://127.0.0.1:{receiver.port}", "https://localhost"):
                    refused = await client.post("/webhooks", json={"url": url})
                    assert (refused.status_code, refused.json()["code"]) == (400, "address_forbidden")

    assert receiver.received == []


def test_an_allowance_that_cannot_be_read_stops_the_start_with_a_sentence(tmp_path: Path) -> None:
    environment = {"BACKBOARD_EGRESS_ALLOW": "http://hooks.internal"}

    told = run_command("serve", "--port", "0", "--data-dir", str(tmp_path), environment=environment)

    assert told.returncode == 1
    assert "BACKBOARD_EGRESS_ALLOW: `http://hooks.internal` is not a host" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "postgres").exists()


async def _create(client: httpx.AsyncClient, url: str, events: list[str]) -> dict[str, Any]:
    created = await client.post("/webhooks", json={"url": url, "events": events})
    assert created.status_code == 200, created.text
    return created.json()


async def _delivery(
    client: httpx.AsyncClient, webhook: dict[str, Any], holds: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """Wait until the newest delivery is as it should be, and return it."""

    async def found() -> dict[str, Any] | None:
        listed = (await client.get(f"/webhooks/{webhook['webhook_id']}/deliveries")).json()
        return next((delivery for delivery in listed[:1] if holds(delivery)), None)

    return await _until(found)


async def _until(found: Callable[[], Awaitable[dict[str, Any] | None]]) -> dict[str, Any]:
    async with asyncio.timeout(DEADLINE_SECONDS):
        while (delivery := await found()) is None:  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.05)
    return delivery


def _tampered(received: Received) -> bytes:
    return received.body.replace(b"run.completed", b"run.cancelled")
