"""Attempts to tell a receiver, a real HTTP server: what it gets, and what follows from its answer."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from uuid import UUID

import pytest
from aiohttp import web
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.ids import new_id
from backboard_server.domain.webhooks import Delivery, Verdict, WebhookSetup
from backboard_server.providers.outside import GuardedOutside
from backboard_server.store.sealing import Sealer
from backboard_server.store.webhook_deliveries import list_webhook_deliveries
from backboard_server.store.webhooks import get_webhook, insert_webhook, update_webhook
from backboard_server.webhooks.deliver import (
    ANSWER_BYTES_MAX,
    JITTER,
    RETRY_AFTER_SECONDS_MAX,
    WAITS_SECONDS,
    DeliverWebhook,
    deliver_webhook,
    verdict_on,
)
from backboard_server.webhooks.secret import make_secret, seal_secret
from receiver import Receiver
from tenants import Tenant

SECRET = make_secret()
DAY_SECONDS = 86_400


@pytest.fixture
async def outside() -> AsyncGenerator[GuardedOutside]:
    outside = GuardedOutside("127.0.0.1")
    yield outside
    await outside.aclose()


@pytest.fixture
def world(adapters: Adapters, outside: GuardedOutside) -> Adapters:
    """Adapters that may ask this machine."""
    return replace(adapters, outside=outside)


@pytest.fixture
async def receiver() -> AsyncGenerator[Receiver]:
    async with Receiver() as receiver:
        yield receiver


async def _announced(world: Adapters, tenant: Tenant, url: str) -> Delivery:
    tenant_id, webhook_id = tenant.caller.tenant_id, new_id()
    sealed = seal_secret(world.sealer, tenant_id, webhook_id, SECRET)
    await insert_webhook(world.database, tenant_id, webhook_id, WebhookSetup(url=url), sealed)
    async with world.database.tenant(tenant_id) as connection:
        await connection.execute("SELECT announce($1, 'run.completed', '{\"run_id\": \"r\"}')", tenant_id)
    return await _delivery(world, tenant, webhook_id)


async def _delivery(world: Adapters, tenant: Tenant, webhook_id: UUID) -> Delivery:
    (delivery,) = await list_webhook_deliveries(
        world.database, tenant.caller.tenant_id, webhook_id, skip=0, limit=9
    )
    return delivery


async def _tried(world: Adapters, tenant: Tenant, delivery: Delivery, tries: int = 0) -> Delivery:
    await deliver_webhook(
        world, tenant.caller.tenant_id, DeliverWebhook(delivery_id=delivery.id, tries=tries)
    )
    return await _delivery(world, tenant, delivery.webhook_id)


async def test_the_receiver_gets_the_payload_signed(
    world: Adapters, tenant: Tenant, receiver: Receiver
) -> None:
    delivery = await _announced(world, tenant, f"{receiver.url}/hook?a=b")

    tried = await _tried(world, tenant, delivery)

    (received,) = receiver.received
    headers = received.headers
    signed = f"{delivery.id}.{headers['webhook-timestamp']}.".encode() + received.body
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert (received.method, received.path, headers["webhook-id"]) == ("POST", "/hook?a=b", str(delivery.id))
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert headers["content-type"] == "application/json"
    assert received.body.decode() == delivery.payload
    assert json.loads(received.body)["data"] == {"run_id": "r"}
    assert (tried.status, tried.next_attempt_at) == ("delivered", None)
    (attempt,) = tried.attempts
    assert (attempt.status, attempt.error, attempt.answer) == (200, None, "Taken.")
    assert attempt.duration_ms >= 0


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
async def test_a_receiver_that_does_not_take_it_is_told_again(
    world: Adapters, tenant: Tenant, receiver: Receiver, status: int
) -> None:
    receiver.status = status
    delivery = await _announced(world, tenant, receiver.url)

    first = await _tried(world, tenant, delivery)
    receiver.status = 204
    second = await _tried(world, tenant, delivery, tries=1)

    assert (first.status, first.attempts[0].status) == ("pending", status)
    assert first.next_attempt_at is not None
    assert (second.status, len(second.attempts)) == ("delivered", 2)
    assert receiver.received[0].body == receiver.received[1].body
    assert receiver.received[0].headers["webhook-id"] == receiver.received[1].headers["webhook-id"]


async def test_a_receiver_that_is_gone_is_told_nothing_more(
    world: Adapters, tenant: Tenant, receiver: Receiver
) -> None:
    receiver.status = 410
    delivery = await _announced(world, tenant, receiver.url)

    tried = await _tried(world, tenant, delivery)

    webhook = await get_webhook(world.database, tenant.caller.tenant_id, delivery.webhook_id)
    assert (tried.status, webhook.is_enabled) == ("failed", False)
    assert "410" in str(webhook.disabled_reason)


async def test_a_job_that_is_void_sends_nothing(world: Adapters, tenant: Tenant, receiver: Receiver) -> None:
    delivery = await _announced(world, tenant, receiver.url)
    await _tried(world, tenant, delivery)

    await _tried(world, tenant, delivery)
    await _tried(world, tenant, delivery, tries=1)
    await deliver_webhook(world, tenant.caller.tenant_id, DeliverWebhook(delivery_id=new_id(), tries=0))

    assert len(receiver.received) == 1


async def test_a_webhook_that_was_disabled_meanwhile_is_not_told(
    world: Adapters, tenant: Tenant, receiver: Receiver
) -> None:
    delivery = await _announced(world, tenant, receiver.url)
    await update_webhook(world.database, tenant.caller.tenant_id, delivery.webhook_id, {"is_enabled": False})

    tried = await _tried(world, tenant, delivery)

    assert (tried.status, receiver.received) == ("failed", [])
    assert "disabled" in str(tried.attempts[0].error)


async def test_an_address_of_our_own_network_is_never_asked(
    adapters: Adapters, tenant: Tenant, receiver: Receiver
) -> None:
    delivery = await _announced(adapters, tenant, receiver.url)

    tried = await _tried(adapters, tenant, delivery)

    assert (tried.status, receiver.received) == ("pending", [])
    assert "may not be used" in str(tried.attempts[0].error)


async def test_a_receiver_that_cannot_be_reached_is_tried_again(world: Adapters, tenant: Tenant) -> None:
    async with Receiver() as receiver:
        url = receiver.url
    delivery = await _announced(world, tenant, url)

    tried = await _tried(world, tenant, delivery)

    assert (tried.status, tried.attempts[0].status) == ("pending", None)
    assert "could not be asked" in str(tried.attempts[0].error)


async def test_a_secret_that_the_server_cannot_open_is_told_in_the_log(
    world: Adapters, tenant: Tenant, receiver: Receiver
) -> None:
    delivery = await _announced(world, tenant, receiver.url)
    changed = replace(world, sealer=Sealer(["another secret than the one before this"], Path("/nowhere")))

    tried = await _tried(changed, tenant, delivery)

    assert (tried.status, receiver.received) == ("pending", [])
    assert "create it again" in str(tried.attempts[0].error)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"x" * 5_000_000, "x" * ANSWER_BYTES_MAX),
        (b"a\0b", "a\ufffdb"),
        (b"caf\xe9", "caf\ufffd"),
        (b"", ""),
    ],
)
async def test_of_an_answer_the_beginning_is_kept_as_text(
    world: Adapters, tenant: Tenant, receiver: Receiver, body: bytes, shown: str
) -> None:
    receiver.body = body
    delivery = await _announced(world, tenant, receiver.url)

    assert (await _tried(world, tenant, delivery)).attempts[0].answer == shown


async def test_an_answer_that_breaks_off_counts_by_its_status(world: Adapters, tenant: Tenant) -> None:
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"short")
        assert request.transport is not None
        request.transport.abort()
        return response

    async with Receiver(break_off) as receiver:
        delivery = await _announced(world, tenant, receiver.url)

        assert (await _tried(world, tenant, delivery)).status == "delivered"


@pytest.mark.parametrize("asked_for", ["120", "7"])
async def test_a_receiver_that_asks_for_patience_is_given_it(
    world: Adapters, tenant: Tenant, asked_for: str
) -> None:
    async def later(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=503, headers={"Retry-After": asked_for})

    async with Receiver(later) as receiver:
        tried = await _tried(world, tenant, await _announced(world, tenant, receiver.url))

    assert tried.next_attempt_at is not None
    wait = (tried.next_attempt_at - tried.attempts[0].attempted_at).total_seconds()
    assert int(asked_for) <= wait < int(asked_for) + 5


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_success_is_a_success(status: int) -> None:
    assert verdict_on(status, 0, 0.0, 0.0) == Verdict(status="delivered")


@pytest.mark.parametrize("status", [None, 301, 400, 500])
def test_everything_else_is_tried_again_at_longer_and_longer_intervals_over_a_day(status: int | None) -> None:
    verdicts = [verdict_on(status, tries, 0.0, 0.0) for tries in range(len(WAITS_SECONDS))]
    waits = [verdict.wait_seconds for verdict in verdicts]

    assert {verdict.status for verdict in verdicts} == {"pending"}
    assert waits == sorted(waits) == [*WAITS_SECONDS]
    assert DAY_SECONDS < sum(waits) < 1.5 * DAY_SECONDS
    assert verdict_on(status, len(WAITS_SECONDS), 0.0, 0.0) == Verdict(status="failed")


def test_chance_spreads_what_failed_together() -> None:
    assert verdict_on(500, 1, 0.0, 1.0).wait_seconds == pytest.approx(30 * (1 + JITTER))


def test_patience_has_an_end() -> None:
    assert verdict_on(503, 0, 1e9, 0.0).wait_seconds == RETRY_AFTER_SECONDS_MAX
