"""The methods of your own keys of providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from backboard._answers import parse, parse_dict, parse_list
from backboard._requests import Request, path
from backboard.models.provider_keys import ProviderKey, ProviderKeyDeleted

if TYPE_CHECKING:
    from backboard._options import Timeout

    from .transport import Transport


class ProviderKeyMethods:
    """Bring your own keys of providers; the server stores them sealed and never shows them again."""

    _transport: Transport

    async def list_provider_keys(self, *, timeout: Timeout = None) -> list[ProviderKey]:
        """Return your keys, and after them the providers that the server has set up for everybody."""
        return parse_list(ProviderKey, await self._transport.fetch(Request("GET", "/provider-keys"), timeout))

    async def set_provider_key(self, provider: str, api_key: str, *, timeout: Timeout = None) -> ProviderKey:
        """Use a key of yours for a provider from now on, in the place of the one that was set before."""
        request = Request("PUT", path("provider-keys", provider), fields={"api_key": api_key})
        return parse(ProviderKey, await self._transport.fetch(request, timeout))

    async def delete_provider_key(self, provider: str, *, timeout: Timeout = None) -> ProviderKeyDeleted:
        """Delete your key of a provider. Raises BackboardNotFoundError where there is none."""
        request = Request("DELETE", path("provider-keys", provider))
        return cast("ProviderKeyDeleted", parse_dict(await self._transport.fetch(request, timeout)))
