"""What a local host has: the first of its models, asked for quickly and remembered briefly."""

from __future__ import annotations

import asyncio

import msgspec

from ._failures import Failure
from ._hosts import Host
from ._http import Call, Egress

_PROBE_SECONDS = 0.3
_REMEMBERED_SECONDS = 30.0


class _ListedModel(msgspec.Struct):
    id: str


class _Listing(msgspec.Struct):
    data: list[_ListedModel] = []


class _Remembered(msgspec.Struct, frozen=True):
    model: str | None
    until: float


class FirstModels:
    """The first model of each host; nothing is asked twice within half a minute, whatever the answer was."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._remembered: dict[tuple[str, str], _Remembered] = {}
        self._asking = asyncio.Lock()

    async def find(self, host: Host) -> str | None:
        """Return the host's first model, or None where it has none or does not answer within 300 ms."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            self._remembered = {key: known for key, known in self._remembered.items() if known.until >= now}
            # By key as well: what one tenant's key shows, or fails to show, is nothing to the others.
            key = (host.row.id, host.key)
            if key not in self._remembered:
                self._remembered[key] = _Remembered(await self._ask(host), now + _REMEMBERED_SECONDS)
            return self._remembered[key].model

    async def _ask(self, host: Host) -> str | None:
        headers = {"Authorization": f"Bearer {host.key}"} if host.has_key else {}
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                async with self._egress.open(Call(url=f"{host.base_url}/models", headers=headers)) as reply:
                    listing = msgspec.json.decode(await reply.read_all(), type=_Listing)
        except (Failure, TimeoutError, msgspec.MsgspecError):
            return None
        return listing.data[0].id if listing.data else None
