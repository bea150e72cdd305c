"""Secrets of webhooks: made once, shown once, and stored sealed."""

from __future__ import annotations

import secrets
from base64 import b64encode
from uuid import UUID

from backboard_server.domain.errors import Invalid
from backboard_server.domain.keys import Secret
from backboard_server.store.sealing import Sealer

from .signature import PREFIX

_ENTROPY_BYTES = 32  # Standard Webhooks asks for 24 to 64


def make_secret() -> str:
    """Return a new secret, to be shown once."""
    return PREFIX + b64encode(secrets.token_bytes(_ENTROPY_BYTES)).decode()


def seal_secret(sealer: Sealer, tenant_id: UUID, webhook_id: UUID, secret: str) -> bytes:
    """Return a secret as it is stored; it opens for this tenant's webhook alone.

    Raises Unavailable if the server's own secret cannot be read.
    """
    return sealer.seal(tenant_id, _context(webhook_id), secret)


def open_secret(sealer: Sealer, tenant_id: UUID, webhook_id: UUID, sealed_secret: bytes) -> Secret:
    """Return the secret of a webhook. Raises Invalid if the seal does not open."""
    try:
        return sealer.open(tenant_id, _context(webhook_id), sealed_secret)
    except Invalid:
        raise Invalid(
            "The secret of this webhook cannot be opened, as it was sealed with another secret than this "
            "server has. Delete the webhook and create it again."
        ) from None


def _context(webhook_id: UUID) -> str:
    """Return what the seal is bound to beside the tenant; the space keeps it apart from every provider."""
    return f"webhook {webhook_id}"
