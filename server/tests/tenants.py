"""Tenants as tests make them: one of its own for each test, with a key."""

from __future__ import annotations

import uuid

from msgspec import Struct

from backboard_server.domain.keys import Caller
from backboard_server.store.database import Connection
from backboard_server.store.keys import create_key


class Tenant(Struct, frozen=True):
    """A tenant with its key."""

    caller: Caller
    secret: str


async def make_tenant(owner: Connection) -> Tenant:
    key, secret = await create_key(owner, f"tenant {uuid.uuid4()}", "test")
    return Tenant(Caller(key.tenant_id, key.id), secret)
