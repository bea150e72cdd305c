"""Webhooks over HTTP: which addresses are told what happened, and the log of how they were told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, field_validator

from backboard_server.domain.webhooks import (
    Delivery,
    DeliveryStatus,
    Webhook,
    WebhookEvent,
    WebhookSetup,
)
from backboard_server.store import webhook_deliveries, webhooks
from backboard_server.webhooks.secret import make_secret, seal_secret

from .bodies import Body
from .edge import AdaptersOf, CallerOf, GuardedRoute
from .request_keys import KEEPS_NO_ANSWER, MadeId
from .shapes import Limit, Shape, Skip, now

router = APIRouter(prefix="/webhooks", tags=["webhooks"], route_class=GuardedRoute)

URL_CHARACTERS_MAX = 2_048
DESCRIPTION_CHARACTERS_MAX = 1_000
EVENTS_MAX = 32

Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=URL_CHARACTERS_MAX,
        description="An https address on the internet, or one that the operator allows.",
    ),
]
Events = Annotated[
    tuple[WebhookEvent, ...],
    Field(max_length=EVENTS_MAX, description="What to tell of; an empty list means everything."),
]
Description = Annotated[str | None, Field(max_length=DESCRIPTION_CHARACTERS_MAX)]


class WebhookCreate(Body):
    """A new webhook."""

    url: Url
    events: Events = ()
    description: Description = None
    enabled: bool = True

    def setup(self) -> WebhookSetup:
        """Return the noun."""
        return WebhookSetup(
            url=self.url,
            events=tuple(dict.fromkeys(self.events)),
            description=self.description,
            is_enabled=self.enabled,
        )


class WebhookUpdate(Body):
    """Changes to a webhook: what is left out stays."""

    url: Url = ""
    events: Events = ()
    description: Description = None
    enabled: bool = True

    def changes(self) -> dict[str, Any]:
        """Return the fields that were sent, by the names of the noun."""
        fields = self.model_dump(exclude_unset=True)
        if "enabled" in fields:
            fields["is_enabled"] = fields.pop("enabled")
        if "events" in fields:
            fields["events"] = [*dict.fromkeys(fields["events"])]
        return fields


class WebhookRead(Shape):
    """A webhook as clients know it. The server disables one whose receiver answers 410 Gone."""

    webhook_id: UUID = Field(validation_alias="id")
    url: str
    events: list[WebhookEvent]
    description: str | None
    enabled: bool = Field(validation_alias="is_enabled")
    disabled_reason: str | None
    created_at: datetime
    updated_at: datetime


class WebhookCreated(WebhookRead):
    """A webhook with its secret, which is shown this once."""

    secret: str


class WebhookDeleted(BaseModel):
    """What deleting a webhook answers."""

    message: str
    webhook_id: UUID
    deleted_at: datetime


class DeliveryAttemptRead(Shape):
    """One attempt: the receiver's HTTP status, or why there is none, and how its answer began."""

    status: int | None
    error: str | None
    answer: str | None
    duration_ms: int
    attempted_at: datetime


class DeliveryRead(Shape):
    """One event on its way to one webhook, with the latest attempts, oldest first."""

    delivery_id: UUID = Field(validation_alias="id", description="What the receiver gets as `webhook-id`.")
    webhook_id: UUID
    event: WebhookEvent
    payload: dict[str, Any]
    status: DeliveryStatus
    attempts: list[DeliveryAttemptRead]
    next_attempt_at: datetime | None
    created_at: datetime
    ended_at: datetime | None

    @field_validator("payload", mode="before")
    @classmethod
    def _from_json(cls, value: str) -> object:
        return msgspec.json.decode(value)


class DeliveryReplayed(BaseModel):
    """What replaying a delivery answers."""

    message: str
    delivery_id: UUID


@router.post("", dependencies=[KEEPS_NO_ANSWER])
async def create_webhook(
    body: WebhookCreate, adapters: AdaptersOf, caller: CallerOf, made_id: MadeId
) -> WebhookCreated:
    """Create a webhook. The answer has the secret that signs what it is told; it is never shown again.

    With the same Idempotency-Key again, the same webhook gets another secret.
    """
    adapters.outside.check(body.url)
    secret = make_secret()
    webhook = await webhooks.insert_webhook(
        adapters.database,
        caller.tenant_id,
        made_id,
        body.setup(),
        seal_secret(adapters.sealer, caller.tenant_id, made_id, secret),
    )
    return WebhookCreated.model_validate(msgspec.structs.asdict(webhook) | {"secret": secret})


@router.get("", response_model=list[WebhookRead])
async def list_webhooks(adapters: AdaptersOf, caller: CallerOf) -> list[Webhook]:
    """List the webhooks, newest first."""
    return await webhooks.list_webhooks(adapters.database, caller.tenant_id)


@router.get("/{webhook_id}", response_model=WebhookRead)
async def get_webhook(webhook_id: UUID, adapters: AdaptersOf, caller: CallerOf) -> Webhook:
    """Return a webhook."""
    return await webhooks.get_webhook(adapters.database, caller.tenant_id, webhook_id)


@router.put("/{webhook_id}", response_model=WebhookRead)
async def update_webhook(
    webhook_id: UUID, body: WebhookUpdate, adapters: AdaptersOf, caller: CallerOf
) -> Webhook:
    """Change a webhook; what is left out stays. What is under way goes to the address that it has then."""
    changes = body.changes()
    if "url" in changes:
        adapters.outside.check(changes["url"])
    return await webhooks.update_webhook(adapters.database, caller.tenant_id, webhook_id, changes)


@router.delete("/{webhook_id}")
async def delete_webhook(webhook_id: UUID, adapters: AdaptersOf, caller: CallerOf) -> WebhookDeleted:
    """Delete a webhook with its deliveries; nothing more is sent."""
    await webhooks.delete_webhook(adapters.database, caller.tenant_id, webhook_id)
    return WebhookDeleted(message="Webhook deleted", webhook_id=webhook_id, deleted_at=now())


@router.get("/{webhook_id}/deliveries", response_model=list[DeliveryRead])
async def list_webhook_deliveries(
    webhook_id: UUID,
    adapters: AdaptersOf,
    caller: CallerOf,
    skip: Skip = 0,
    limit: Limit = 50,
    status: Annotated[DeliveryStatus | None, Query(description="Only those of this status.")] = None,
) -> list[Delivery]:
    """List what a webhook was told, or is to be told, newest first, with the log of the attempts."""
    return await webhook_deliveries.list_webhook_deliveries(
        adapters.database, caller.tenant_id, webhook_id, skip=skip, limit=limit, status=status
    )


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay")
async def replay_webhook_delivery(
    webhook_id: UUID, delivery_id: UUID, adapters: AdaptersOf, caller: CallerOf
) -> DeliveryReplayed:
    """Send a delivery once more, at once and with the same `webhook-id`, whatever became of it before."""
    await webhook_deliveries.replay_delivery(adapters.database, caller.tenant_id, webhook_id, delivery_id)
    return DeliveryReplayed(message="Delivery replayed", delivery_id=delivery_id)
