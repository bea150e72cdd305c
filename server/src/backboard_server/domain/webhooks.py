"""Webhooks: addresses of a tenant's that are told what happened, and how the telling went."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct

WEBHOOKS_MAX = 20  # of a tenant

WebhookEvent = Literal[
    "run.completed",
    "run.failed",
    "run.cancelled",
    "run.requires_action",
    "document.indexed",
    "memory.operation_finished",
]
DeliveryStatus = Literal[
    "pending",  # not tried yet, or to be tried again
    "delivered",
    "failed",  # given up; a replay begins anew
]


class WebhookSetup(Struct, frozen=True, kw_only=True):
    """What a tenant says of a webhook; without `events` it is told of everything."""

    url: str
    events: tuple[WebhookEvent, ...] = ()
    description: str | None = None
    is_enabled: bool = True


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook as stored. Its secret is sealed and is not part of it."""

    id: UUID
    url: str
    events: list[WebhookEvent]
    description: str | None
    is_enabled: bool
    disabled_reason: str | None
    created_at: datetime
    updated_at: datetime


class DeliveryAttempt(Struct, frozen=True, kw_only=True):
    """One attempt to tell: the receiver's status, or why there is none, and how its answer began."""

    status: int | None
    error: str | None
    answer: str | None
    duration_ms: int
    attempted_at: datetime


class Delivery(Struct, frozen=True, kw_only=True):
    """One event on its way to one webhook, with the latest attempts, oldest first. `payload` is JSON."""

    id: UUID
    webhook_id: UUID
    event: WebhookEvent
    payload: str
    status: DeliveryStatus
    attempts: list[DeliveryAttempt]
    next_attempt_at: datetime | None
    created_at: datetime
    ended_at: datetime | None


class DueDelivery(Struct, frozen=True, kw_only=True):
    """What it takes to make an attempt; `tries` counts those since the delivery began, or was replayed."""

    id: UUID
    webhook_id: UUID
    payload: str
    tries: int
    url: str
    sealed_secret: bytes
    is_enabled: bool


class Verdict(Struct, frozen=True, kw_only=True):
    """What follows from an attempt: the delivery's status, and the wait for the next one if it is pending."""

    status: DeliveryStatus
    wait_seconds: float = 0.0
    disabled_reason: str | None = None
    """Why the webhook is told nothing more, if so."""
