"""API keys from the command line: beside a running server, or with Postgres up for the moment."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from backboard_server.domain.keys import ApiKey
from backboard_server.settings import Settings
from backboard_server.store import keys
from backboard_server.store.database import Connection

from .database import as_owner


class CreatedKey(Struct, frozen=True):
    """A key that was just made, with the secret that is not stored."""

    tenant: str
    tenant_id: UUID
    key_id: UUID
    api_key: str


def create(settings: Settings, tenant: str, name: str) -> CreatedKey:
    """Make a key, and its tenant if there is none of that name."""

    async def act(owner: Connection) -> CreatedKey:
        key, secret = await keys.create_key(owner, tenant, name)
        return CreatedKey(key.tenant_name, key.tenant_id, key.id, secret)

    return as_owner(settings, act)


def list_all(settings: Settings) -> list[ApiKey]:
    """Return every key of every tenant, oldest first, revoked ones too."""
    return as_owner(settings, keys.list_keys)


def revoke(settings: Settings, key_id: UUID) -> ApiKey:
    """Revoke a key. Raises NotFound."""
    return as_owner(settings, lambda owner: keys.revoke_key(owner, key_id))
