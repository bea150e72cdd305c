"""Webhooks: the methods, and the check of what a receiver gets."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any, Mapping
from uuid import UUID

import pytest

from backboard import BackboardClient, BackboardNotFoundError, BackboardWebhookError, verify_webhook

from .scripted_server import ScriptedServer, json_answer

ID = "018f2b6a-0000-7000-8000-000000000001"
DELIVERY_ID = "018f2b6a-0000-7000-8000-000000000002"
WEBHOOK = {
    "webhook_id": ID,
    "url": "https://hooks.example.com/",
    "events": ["run.completed"],
    "description": None,
    "enabled": True,
    "disabled_reason": None,
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
    "later_field": 1,
}
PAYLOAD = {"type": "run.completed", "timestamp": "2026-11-23T10:00:00.5Z", "data": {"run_id": "r"}}
DELIVERY = {
    "delivery_id": DELIVERY_ID,
    "webhook_id": ID,
    "event": "run.completed",
    "payload": PAYLOAD,
    "status": "pending",
    "attempts": [
        {
            "status": None,
            "error": "hooks.example.com could not be asked",
            "answer": None,
            "duration_ms": 3,
            "attempted_at": "2026-11-23T10:00:00Z",
        }
    ],
    "next_attempt_at": "2026-11-23T10:00:05Z",
    "created_at": "2026-11-23T10:00:00Z",
    "ended_at": None,
}

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = json.dumps(PAYLOAD).encode()


def signed(
    body: bytes = BODY, *, age_seconds: float = 0, secret: str = SECRET, message_id: str = DELIVERY_ID
) -> dict[str, str]:
    """Return the headers that the server sends with a body."""
    timestamp = str(int(time.time() - age_seconds))
    key = base64.b64decode(secret[len("whsec_") :])
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": timestamp,
        "Webhook-Signature": f"v1,{base64.b64encode(digest).decode()}",
    }


async def test_create_webhook_sends_what_was_given_and_shows_the_secret_once(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({**WEBHOOK, "secret": "whsec_canary"}))

    created = await client.create_webhook("https://hooks.example.com/", ("run.completed",), enabled=False)

    assert (server.last_request.method, server.last_request.path) == ("POST", "/api/webhooks")
    assert server.last_request.json == {
        "url": "https://hooks.example.com/",
        "events": ["run.completed"],
        "enabled": False,
    }
    assert (created.webhook_id, created.secret) == (UUID(ID), "whsec_canary")
    assert "canary" not in repr(created)


async def test_webhooks_are_listed_found_and_deleted(client: BackboardClient, server: ScriptedServer) -> None:
    gone = {"message": "Gone", "webhook_id": ID, "deleted_at": "2026-11-23T10:00:00Z"}
    server.script(
        json_answer([WEBHOOK]), json_answer(WEBHOOK), json_answer(gone), json_answer({"detail": "None"}, 404)
    )

    (listed,) = await client.list_webhooks()
    found = await client.get_webhook(ID)
    deleted = await client.delete_webhook(UUID(ID))

    assert listed == found
    assert (found.events, found.enabled) == (["run.completed"], True)
    assert deleted["webhook_id"] == ID
    assert [(request.method, request.path) for request in server.requests] == [
        ("GET", "/api/webhooks"),
        ("GET", f"/api/webhooks/{ID}"),
        ("DELETE", f"/api/webhooks/{ID}"),
    ]
    with pytest.raises(BackboardNotFoundError):
        await client.get_webhook(ID)


async def test_update_webhook_sends_the_changes_alone(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(WEBHOOK))

    await client.update_webhook(ID, events=[], enabled=True)

    assert (server.last_request.method, server.last_request.path) == ("PUT", f"/api/webhooks/{ID}")
    assert server.last_request.json == {"events": [], "enabled": True}


async def test_deliveries_are_listed_and_replayed(client: BackboardClient, server: ScriptedServer) -> None:
    server.script(
        json_answer([DELIVERY]), json_answer({"message": "Delivery replayed", "delivery_id": DELIVERY_ID})
    )

    (delivery,) = await client.list_webhook_deliveries(ID, limit=5, status="pending")
    replayed = await client.replay_webhook_delivery(ID, delivery.delivery_id, idempotency_key="once")

    listing, replaying = server.requests
    assert listing.path == f"/api/webhooks/{ID}/deliveries"
    assert listing.query == {"skip": "0", "limit": "5", "status": "pending"}
    assert (delivery.payload["type"], delivery.attempts[0].duration_ms) == ("run.completed", 3)
    assert (replaying.method, replaying.headers["idempotency-key"]) == ("POST", "once")
    assert replaying.path == f"/api/webhooks/{ID}/deliveries/{DELIVERY_ID}/replay"
    assert replayed["delivery_id"] == DELIVERY_ID


def test_the_schemes_own_example_is_genuine() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }

    with pytest.raises(BackboardWebhookError, match="not what a webhook tells"):
        verify_webhook(b'{"test": 2432232314}', headers, SECRET, tolerance_seconds=1e12)


def test_what_the_server_signed_is_read() -> None:
    message = verify_webhook(BODY, signed(), SECRET)

    assert (message.id, message.type, message.data) == (DELIVERY_ID, "run.completed", {"run_id": "r"})
    assert message.timestamp.microsecond == 500_000


def test_one_of_several_signatures_is_enough() -> None:
    headers = signed()
    headers["Webhook-Signature"] = f"v1a,other v1,bm90IHRoaXM= {headers['Webhook-Signature']}"

    assert verify_webhook(BODY, headers, SECRET).type == "run.completed"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (BODY + b" ", signed()),
        (BODY, {**signed(), "Webhook-Id": "another"}),
        (BODY, {**signed(), "Webhook-Timestamp": str(int(time.time()) + 1)}),
        (BODY, {**signed(), "Webhook-Signature": ""}),
        (BODY, {**signed(), "Webhook-Signature": "v1,\u00e9"}),
        (BODY, {**signed(), "Webhook-Signature": signed()["Webhook-Signature"].replace("v1,", "v2,")}),
        (BODY, signed(secret="whsec_" + base64.b64encode(b"another secret").decode())),
    ],
)
def test_what_anybody_else_signed_is_refused(body: bytes, headers: Mapping[str, str]) -> None:
    with pytest.raises(BackboardWebhookError, match="signature"):
        verify_webhook(body, headers, SECRET)


@pytest.mark.parametrize("age_seconds", [301, -301])
def test_what_is_too_old_or_from_the_future_is_refused(age_seconds: float) -> None:
    headers = signed(age_seconds=age_seconds)

    with pytest.raises(BackboardWebhookError, match="300 s are taken"):
        verify_webhook(BODY, headers, SECRET)
    assert verify_webhook(BODY, headers, SECRET, tolerance_seconds=600).id == DELIVERY_ID


@pytest.mark.parametrize("name", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_a_request_without_one_of_the_headers_is_refused(name: str) -> None:
    headers = signed()
    del headers[name]

    with pytest.raises(BackboardWebhookError, match=name.lower()):
        verify_webhook(BODY, headers, SECRET)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"7", b"not JSON", b"\xff", b'{"type": "a", "data": {}}'])
def test_what_is_signed_and_makes_no_sense_is_refused(body: bytes) -> None:
    with pytest.raises(BackboardWebhookError, match="not what a webhook tells"):
        verify_webhook(body, signed(body), SECRET)


def test_a_time_that_is_none_is_refused() -> None:
    key = base64.b64decode(SECRET[len("whsec_") :])
    digest = hmac.new(key, b"id.soon." + BODY, hashlib.sha256).digest()
    headers: dict[str, Any] = {
        "webhook-id": "id",
        "webhook-timestamp": "soon",
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }

    with pytest.raises(BackboardWebhookError, match="number of seconds"):
        verify_webhook(BODY, headers, SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "whsec_abc"])
def test_a_secret_that_cannot_be_one_is_a_mistake_of_the_receivers(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        verify_webhook(BODY, signed(), secret)
