"""Tenants' own keys of providers in Postgres, sealed; a caller has them from authentication (`find_key`)."""

from __future__ import annotations

from uuid import UUID

from backboard_server.domain.errors import NotFound
from backboard_server.domain.keys import shown_part
from backboard_server.domain.provider_keys import ProviderKey, checked

from .database import Database
from .sealing import Sealer

_COLUMNS = "provider, shown, created_at, updated_at"


async def list_provider_keys(database: Database, tenant_id: UUID) -> list[ProviderKey]:
    """Return what may be shown of the tenant's keys, by provider. There is at most one for each provider."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            f"SELECT {_COLUMNS} FROM provider_keys WHERE tenant_id = $1 ORDER BY provider", tenant_id
        )
    return [ProviderKey(**dict(row.items())) for row in rows]


async def find_sealed_keys(database: Database, tenant_id: UUID) -> dict[str, bytes]:
    """Return the tenant's keys by provider, for what runs on its behalf without a caller."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            "SELECT provider, sealed FROM provider_keys WHERE tenant_id = $1", tenant_id
        )
    return {row["provider"]: row["sealed"] for row in rows}


async def set_provider_key(
    database: Database, sealer: Sealer, tenant_id: UUID, provider: str, text: str
) -> ProviderKey:
    """Store a key in the place of the one that was there, if any. Raises Invalid for what can be no key."""
    key = checked(text).reveal()
    sealed = sealer.seal(tenant_id, provider, key)
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"""
            INSERT INTO provider_keys (tenant_id, provider, sealed, shown) VALUES ($1, $2, $3, $4)
            ON CONFLICT (tenant_id, provider) DO UPDATE
            SET sealed = excluded.sealed, shown = excluded.shown, updated_at = now()
            RETURNING {_COLUMNS}
            """,
            tenant_id, provider, sealed, shown_part(key),
        )  # fmt: skip
    assert row is not None  # noqa: S101 - an INSERT that returns has a row
    return ProviderKey(**dict(row.items()))


async def delete_provider_key(database: Database, tenant_id: UUID, provider: str) -> None:
    """Delete the tenant's key of a provider. Raises NotFound."""
    async with database.tenant(tenant_id) as connection:
        deleted = await connection.fetchval(
            "DELETE FROM provider_keys WHERE tenant_id = $1 AND provider = $2 RETURNING provider",
            tenant_id, provider,
        )  # fmt: skip
    if deleted is None:
        raise NotFound(f"There is no key of yours for the provider {provider}.")
