"""Requests to addresses that somebody outside named: a tenant, a model, a page."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class OutsideRequest(Struct, frozen=True, kw_only=True):
    """One request to an address that is not trusted, and the bounds that it keeps."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | None = None
    timeout_seconds: float = 10.0
    """How long to wait for the head of the response, and between two pieces of its body."""
    total_seconds: float = 60.0
    """How long all of it may take, from the name to the last piece."""
    bytes_max: int = 1_048_576
    """How long the body of the response may be, decompressed."""
    redirects_max: int = 0
    """How many redirects are followed, each checked again; only GET and HEAD follow any."""
