# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""The methods of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Sequence, cast

from backboard._answers import parse, parse_dict, parse_list
from backboard._requests import Id, Request, given, path
from backboard.models.webhooks import (
    Webhook,
    WebhookCreated,
    WebhookDeleted,
    WebhookDelivery,
    WebhookReplay,
)

if TYPE_CHECKING:
    from backboard._options import Timeout

    from .transport import Transport


class WebhookMethods:
    """Have an address of yours told what happened, and see how it was told."""

    _transport: Transport

    def create_webhook(
        self,
        url: str,
        events: Sequence[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> WebhookCreated:
        """Create a webhook; without `events`, such as `run.completed`, it is told of everything.

        Its `secret` is shown this once: keep it where the receiver finds it, for `verify_webhook`.
        """
        fields = given(url=url, events=_listed(events), description=description, enabled=enabled)
        request = Request("POST", "/webhooks", fields=fields).under(idempotency_key)
        return parse(WebhookCreated, self._transport.fetch(request, timeout))

    def list_webhooks(self, *, timeout: Timeout = None) -> list[Webhook]:
        """Return your webhooks, newest first."""
        return parse_list(Webhook, self._transport.fetch(Request("GET", "/webhooks"), timeout))

    def get_webhook(self, webhook_id: Id, *, timeout: Timeout = None) -> Webhook:
        """Return a webhook. Raises BackboardNotFoundError where there is none of that id."""
        request = Request("GET", path("webhooks", webhook_id))
        return parse(Webhook, self._transport.fetch(request, timeout))

    def update_webhook(
        self,
        webhook_id: Id,
        url: str | None = None,
        events: Sequence[str] | None = None,
        description: str | None = None,
        enabled: bool | None = None,
        *,
        timeout: Timeout = None,
    ) -> Webhook:
        """Change what is given and keep the rest; `events` replaces the whole list."""
        fields = given(url=url, events=_listed(events), description=description, enabled=enabled)
        request = Request("PUT", path("webhooks", webhook_id), fields=fields)
        return parse(Webhook, self._transport.fetch(request, timeout))

    def delete_webhook(self, webhook_id: Id, *, timeout: Timeout = None) -> WebhookDeleted:
        """Delete a webhook with the log of its deliveries; nothing more is sent."""
        request = Request("DELETE", path("webhooks", webhook_id))
        return cast("WebhookDeleted", parse_dict(self._transport.fetch(request, timeout)))

    def list_webhook_deliveries(
        self,
        webhook_id: Id,
        skip: int = 0,
        limit: int = 50,
        status: str | None = None,
        *,
        timeout: Timeout = None,
    ) -> list[WebhookDelivery]:
        """Return a page of what a webhook was told, newest first; `status` keeps those of that status."""
        query = given(skip=skip, limit=limit, status=status)
        request = Request("GET", path("webhooks", webhook_id, "deliveries"), query=query)
        return parse_list(WebhookDelivery, self._transport.fetch(request, timeout))

    def replay_webhook_delivery(
        self, webhook_id: Id, delivery_id: Id, *, idempotency_key: str | None = None, timeout: Timeout = None
    ) -> WebhookReplay:
        """Send a delivery once more, at once, whatever became of it before."""
        request = Request("POST", path("webhooks", webhook_id, "deliveries", delivery_id, "replay"))
        answer = self._transport.fetch(request.under(idempotency_key), timeout)
        return cast("WebhookReplay", parse_dict(answer))


def _listed(events: Sequence[str] | None) -> list[str] | None:
    return None if events is None else list(events)
