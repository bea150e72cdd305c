"""Tenants' own keys of providers over HTTP: set and deleted, and never shown again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, SecretStr

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Invalid
from backboard_server.domain.provider_keys import KEY_CHARACTERS_MAX, ProviderKey
from backboard_server.store import provider_keys

from .bodies import Body
from .edge import AdaptersOf, CallerOf, GuardedRoute
from .shapes import Shape, now

router = APIRouter(prefix="/provider-keys", tags=["provider keys"], route_class=GuardedRoute)

_WITHOUT_KEY = "local"  # it is on this server and takes none

ProviderName = Annotated[
    str, Path(min_length=1, max_length=64, description="The provider's id or an alias of it, in any case.")
]


class ProviderKeySet(Body):
    """The key to use for a provider from now on."""

    api_key: SecretStr = Field(
        min_length=1, max_length=KEY_CHARACTERS_MAX, description="It is stored sealed and never shown again."
    )


class ProviderKeyRead(Shape):
    """A provider that can be called: with a key of the tenant's, or else with what the server itself has."""

    provider: str
    is_tenants: bool = True
    shown: str | None = Field(default=None, description="How the tenant's key begins.")
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ProviderKeyDeleted(BaseModel):
    """What deleting a key answers."""

    message: str
    provider: str
    deleted_at: datetime


@router.get("")
async def list_provider_keys(adapters: AdaptersOf, caller: CallerOf) -> list[ProviderKeyRead]:
    """List the tenant's keys, and after them the providers that the server has set up for all tenants.

    A key of the tenant's goes before the server's.
    """
    keys = await provider_keys.list_provider_keys(adapters.database, caller.tenant_id)
    own = {key.provider for key in keys}
    others = sorted(adapters.models.usable_providers() - own - {_WITHOUT_KEY})
    return [
        *(ProviderKeyRead.model_validate(key) for key in keys),
        *(ProviderKeyRead(provider=provider, is_tenants=False) for provider in others),
    ]


@router.put("/{provider}", response_model=ProviderKeyRead)
async def set_provider_key(
    provider: ProviderName, body: ProviderKeySet, adapters: AdaptersOf, caller: CallerOf
) -> ProviderKey:
    """Set the tenant's key of a provider; it is used within a second, by every process."""
    return await provider_keys.set_provider_key(
        adapters.database,
        adapters.sealer,
        caller.tenant_id,
        adapters.models.provider_id(provider),
        body.api_key.get_secret_value(),
    )


@router.delete("/{provider}")
async def delete_provider_key(
    provider: ProviderName, adapters: AdaptersOf, caller: CallerOf
) -> ProviderKeyDeleted:
    """Delete the tenant's key of a provider; within a second no run uses it any more."""
    provider_id = _id_of(adapters, provider)
    await provider_keys.delete_provider_key(adapters.database, caller.tenant_id, provider_id)
    return ProviderKeyDeleted(message="Provider key deleted", provider=provider_id, deleted_at=now())


def _id_of(adapters: Adapters, name: str) -> str:
    try:
        return adapters.models.provider_id(name)
    except Invalid:
        return name.strip().lower()  # the operator took the provider away, and its key is to go too
