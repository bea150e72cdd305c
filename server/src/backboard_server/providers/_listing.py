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
        self._remembered: dict[str, _Remembered] = {}
        self._asking = asyncio.Lock()

    async def find(self, host: Host) -> str | None:
        """Return the host's first model, or None where it has none or does not answer within 300 ms."""
        async with self._asking:
            now = asyncio.get_running_loop().time()
            known = self._remembered.get(host.row.id)
            if known is None or known.until < now:
                known = _Remembered(await self._ask(host), now + _REMEMBERED_SECONDS)
                self._remembered[host.row.id] = known
            return known.model

    async def _ask(self, host: Host) -> str | None:
        headers = {"Authorization": f"Bearer {host.key}"} if host.has_key else {}
        try:
            async with asyncio.timeout(_PROBE_SECONDS):
                async with self._egress.open(Call(url=f"{host.base_url}/models", headers=headers)) as reply:
                    listing = msgspec.json.decode(await reply.read_all(), type=_Listing)
        except (Failure, TimeoutError, msgspec.MsgspecError):
            return None
        return listing.data[0].id if listing.data else None
