"""One attempt to tell a webhook what happened, and when the next one is due.

The schedule and what a status means are those that Standard Webhooks recommends, over a good day.
"""

from __future__ import annotations

import random
import time
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from uuid import UUID

from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Invalid, Upstream
from backboard_server.domain.outside import OutsideRequest
from backboard_server.domain.ports import OutsideReply
from backboard_server.domain.webhooks import DeliveryAttempt, DueDelivery, Verdict
from backboard_server.store.webhook_deliveries import find_due_delivery, update_tried_delivery

from .secret import open_secret
from .signature import signed_headers

# The waits between attempts: 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h and 10 h; then it is given up.
WAITS_SECONDS = (5.0, 30.0, 120.0, 600.0, 1_800.0, 7_200.0, 18_000.0, 36_000.0, 36_000.0)
JITTER = 0.2  # each wait is up to so much longer, so that what failed together does not come back together
RETRY_AFTER_SECONDS_MAX = 36_000.0
TIMEOUT_SECONDS = 15.0
TOTAL_SECONDS = 20.0
ANSWER_BYTES_MAX = 1_024
ERROR_CHARACTERS_MAX = 500

_DISABLED = "It was not sent, as the webhook is disabled."
_GONE = 410
_GONE_REASON = "The receiver answered 410 Gone: it wants to hear nothing more."


class DeliverWebhook(Struct, frozen=True, kw_only=True):
    """The job: which delivery, and how often it had been tried; it is void when that is no longer so."""

    delivery_id: UUID
    tries: int


async def deliver_webhook(adapters: Adapters, tenant_id: UUID, job: DeliverWebhook) -> None:
    """Make an attempt and store how it went, with the job of the next. What ended or is gone is fine."""
    due = await find_due_delivery(adapters.database, tenant_id, job.delivery_id, job.tries)
    if due is None:
        return
    if not due.is_enabled:
        attempt = DeliveryAttempt(
            status=None, error=_DISABLED, answer=None, duration_ms=0, attempted_at=datetime.now(UTC)
        )
        verdict = Verdict(status="failed")
    else:
        attempt, retry_after = await _attempt(adapters, tenant_id, due)
        verdict = verdict_on(attempt.status, due.tries, retry_after, random.random())  # noqa: S311 - jitter
    await update_tried_delivery(adapters.database, tenant_id, due, attempt, verdict)


def verdict_on(status: int | None, tries: int, retry_after: float, chance: float) -> Verdict:
    """Return what follows from an answer's status, None where there was no answer.

    `tries` counts the attempts before this one; `chance`, from 0 to 1, spreads the wait.
    """
    if status is not None and 200 <= status < 300:
        return Verdict(status="delivered")
    if status == _GONE:
        return Verdict(status="failed", disabled_reason=_GONE_REASON)
    if tries >= len(WAITS_SECONDS):
        return Verdict(status="failed")
    wait = WAITS_SECONDS[tries] * (1 + JITTER * chance)
    return Verdict(status="pending", wait_seconds=max(wait, min(retry_after, RETRY_AFTER_SECONDS_MAX)))


async def _attempt(adapters: Adapters, tenant_id: UUID, due: DueDelivery) -> tuple[DeliveryAttempt, float]:
    """Return how an attempt went, and for how many seconds the receiver asks for patience."""
    attempted_at, started = datetime.now(UTC), time.monotonic()
    status, error, answer, retry_after = None, None, None, 0.0
    try:
        async with adapters.outside.open(_request(adapters, tenant_id, due, attempted_at)) as reply:
            status, retry_after = reply.status, _retry_after_seconds(reply)
            answer = await _beginning(reply)
    except (Upstream, Invalid) as failure:
        error = failure.message[:ERROR_CHARACTERS_MAX]
    attempt = DeliveryAttempt(
        status=status,
        error=error,
        answer=answer,
        duration_ms=round((time.monotonic() - started) * 1000),
        attempted_at=attempted_at,
    )
    return attempt, retry_after


def _request(adapters: Adapters, tenant_id: UUID, due: DueDelivery, at: datetime) -> OutsideRequest:
    """Return the request. Raises Invalid for a secret that does not open."""
    body = due.payload.encode()
    secret = open_secret(adapters.sealer, tenant_id, due.webhook_id, due.sealed_secret)
    signed = signed_headers(secret.reveal(), str(due.id), at, body)
    return OutsideRequest(
        method="POST",
        url=due.url,
        headers={"content-type": "application/json"} | signed,
        body=body,
        timeout_seconds=TIMEOUT_SECONDS,
        total_seconds=TOTAL_SECONDS,
    )


async def _beginning(reply: OutsideReply) -> str:
    """Return how an answer begins, as text that can be stored; it may break off where it likes."""
    read = bytearray()
    with suppress(Upstream):
        async with aclosing(reply.pieces()) as pieces:
            async for piece in pieces:
                read += piece
                if len(read) >= ANSWER_BYTES_MAX:
                    break
    return bytes(read[:ANSWER_BYTES_MAX]).decode(errors="replace").replace("\0", "\ufffd")


def _retry_after_seconds(reply: OutsideReply) -> float:
    """Return what a Retry-After in seconds asks for; one with a date is left to the schedule."""
    text = reply.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0.0
