"""Headers for MCP servers, which may hold keys: sealed for the store, and opened when the server is asked."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from uuid import UUID

import msgspec

from backboard_server.domain.errors import Invalid
from backboard_server.domain.tools import McpServer
from backboard_server.store.sealing import Sealer


def seal_headers(sealer: Sealer, tenant_id: UUID, url: str, headers: Mapping[str, str]) -> str:
    """Return headers as they are stored; they open for this tenant and this address alone.

    Raises Unavailable if the server's secret cannot be read.
    """
    text = msgspec.json.encode(headers).decode()
    return b64encode(sealer.seal(tenant_id, _context(url), text)).decode()


def open_headers(sealer: Sealer, tenant_id: UUID, server: McpServer) -> dict[str, str]:
    """Return the headers of a server, none if it has none. Raises Invalid if the seal does not open."""
    if server.sealed_headers is None:
        return {}
    try:
        opened = sealer.open(tenant_id, _context(server.url), b64decode(server.sealed_headers))
    except Invalid:
        raise Invalid(
            "its headers cannot be opened, as they were sealed with another secret than this server has: "
            "set them again"
        ) from None
    return msgspec.json.decode(opened.reveal(), type=dict[str, str])


def _context(url: str) -> str:
    """Return what the seal is bound to beside the tenant; the space keeps it apart from every provider."""
    return f"MCP server {url}"
