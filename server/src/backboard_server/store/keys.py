"""Tenants and their API keys: found by a full hash, made and revoked by the owner only."""

from __future__ import annotations

import hmac
from uuid import UUID

import asyncpg

from backboard_server.domain.errors import Invalid, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import ApiKey, Caller, digest, new_secret, shown_part

from .database import Connection, Database

DEFAULT_TENANT = "default"
GENERATED = "generated at first start"
CONFIGURED = "BACKBOARD_API_KEY"
NAME_CHARACTERS_MAX = 200

_FIELDS = """
    SELECT k.id, k.tenant_id, t.name AS tenant_name, k.name, k.shown, k.created_at, k.revoked_at
    FROM api_keys AS k JOIN tenants AS t USING (tenant_id)
"""


async def find_caller(database: Database, secret: str) -> Caller | None:
    """Return whose valid key this is, with the tenant's own keys of providers, or None. One round trip."""
    wanted = digest(secret)
    query = "SELECT tenant_id, id, digest, providers, sealed_keys FROM find_key($1)"
    for row in await database.call(query, wanted):
        if hmac.compare_digest(row["digest"], wanted):
            names: list[str] = row["providers"] or []
            provider_keys: dict[str, bytes] = dict(zip(names, row["sealed_keys"] or [], strict=True))
            return Caller(row["tenant_id"], row["id"], provider_keys)
    return None


async def create_key(
    owner: Connection, tenant_name: str, key_name: str, *, secret: str | None = None
) -> tuple[ApiKey, str]:
    """Make a key, and its tenant if there is none of that name; return it and its secret (not stored).

    Raises Invalid for a name that nobody could tell from others; a key may do without.
    """
    for name in (tenant_name, key_name or tenant_name):
        if not (name.strip() and name.isprintable() and len(name) <= NAME_CHARACTERS_MAX):
            raise Invalid(f"A name is a line of 1 to {NAME_CHARACTERS_MAX} printable characters.")
    secret = secret or new_secret()
    tenant_id = await _ensure_tenant(owner, tenant_name)
    key_id = new_id()
    await owner.execute(
        "INSERT INTO api_keys (tenant_id, id, name, shown, digest) VALUES ($1, $2, $3, $4, $5)",
        tenant_id, key_id, key_name, shown_part(secret), digest(secret),
    )  # fmt: skip
    row = await owner.fetchrow(_FIELDS + "WHERE k.tenant_id = $1 AND k.id = $2", tenant_id, key_id)
    return _key(row), secret


async def list_keys(owner: Connection) -> list[ApiKey]:
    """Return every key of every tenant, oldest first, revoked ones too."""
    return [_key(row) for row in await owner.fetch(_FIELDS + "ORDER BY k.id")]


async def revoke_key(owner: Connection, key_id: UUID) -> ApiKey:
    """Revoke a key for good; servers stop taking it within a second. Raises NotFound."""
    await owner.execute("UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL", key_id)
    row = await owner.fetchrow(_FIELDS + "WHERE k.id = $1", key_id)
    if row is None:
        raise NotFound(f"There is no key {key_id}. `backboard keys list` shows all.")
    return _key(row)


async def ensure_first_key(owner: Connection, configured: str | None) -> str | None:
    """See to it that the default tenant can call; return the secret if one had to be made, to be shown once.

    With `configured` (BACKBOARD_API_KEY) that key is valid and an earlier value of the variable is revoked.
    """
    async with owner.transaction():
        # Servers that start together on one database wait for each other here; reading goes on.
        await owner.execute("LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE")
        if configured:
            await _ensure_configured(owner, configured)
            return None
        if await owner.fetchval("SELECT EXISTS (SELECT FROM api_keys WHERE revoked_at IS NULL)"):
            return None
        _, secret = await create_key(owner, DEFAULT_TENANT, GENERATED)
        return secret


async def has_only_generated_keys(owner: Connection) -> bool:
    """Return whether every valid key (there may be none) is the one that the first start made."""
    return not await owner.fetchval(
        "SELECT EXISTS (SELECT FROM api_keys WHERE revoked_at IS NULL AND name <> $1)", GENERATED
    )


async def _ensure_configured(owner: Connection, secret: str) -> None:
    await owner.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE name = $1 AND digest <> $2 AND revoked_at IS NULL",
        CONFIGURED, digest(secret),
    )  # fmt: skip
    revived = await owner.fetchval(
        "UPDATE api_keys SET revoked_at = NULL WHERE digest = $1 RETURNING id", digest(secret)
    )
    if revived is None:
        await create_key(owner, DEFAULT_TENANT, CONFIGURED, secret=secret)


async def _ensure_tenant(owner: Connection, name: str) -> UUID:
    await owner.execute(
        "INSERT INTO tenants (tenant_id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING", new_id(), name
    )
    return await owner.fetchval("SELECT tenant_id FROM tenants WHERE name = $1", name)


def _key(row: asyncpg.Record | None) -> ApiKey:
    assert row is not None  # noqa: S101 - read back by its primary key in the same session
    return ApiKey(**dict(row.items()))
