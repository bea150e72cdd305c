"""Webhooks: addresses that are told what happened, and how the telling went."""

from datetime import datetime
from typing import Any, Dict, List, Optional
from uuid import UUID

from pydantic import Field
from typing_extensions import TypedDict

from ._record import Record


class Webhook(Record):
    """An address that is told what happened; without `events` it is told of everything.

    `disabled_reason` says why the server itself disabled it, such as that its receiver answered 410 Gone.
    """

    webhook_id: UUID
    url: str
    events: List[str]
    description: Optional[str] = None
    enabled: bool
    disabled_reason: Optional[str] = None
    created_at: datetime
    updated_at: datetime


class WebhookCreated(Webhook):
    """A webhook as it was created; `secret` is shown this once, and is what `verify_webhook` takes."""

    secret: str = Field(repr=False)


class WebhookDeleted(TypedDict):
    """What is left of a deleted webhook: a dict, as what other deletions leave."""

    message: str
    webhook_id: str
    deleted_at: str


class WebhookAttempt(Record):
    """One attempt: the receiver's HTTP status, or why there is none, and how its answer began."""

    status: Optional[int] = None
    error: Optional[str] = None
    answer: Optional[str] = None
    duration_ms: int
    attempted_at: datetime


class WebhookDelivery(Record):
    """One event on its way to one webhook, with the latest attempts, oldest first.

    `status` is pending, delivered or failed. The receiver gets `delivery_id` as `webhook-id`.
    """

    delivery_id: UUID
    webhook_id: UUID
    event: str
    payload: Dict[str, Any]
    status: str
    attempts: List[WebhookAttempt]
    next_attempt_at: Optional[datetime] = None
    created_at: datetime
    ended_at: Optional[datetime] = None


class WebhookReplay(TypedDict):
    """What replaying a delivery leaves: a dict."""

    message: str
    delivery_id: str


class WebhookMessage(Record):
    """What a webhook was told: `data` is about what happened, and `id` is the same however often it comes."""

    id: str
    type: str
    timestamp: datetime
    data: Dict[str, Any]
