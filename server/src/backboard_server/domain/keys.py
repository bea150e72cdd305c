"""API keys: who is calling. Only a key's hash is ever stored."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from msgspec import Struct

PREFIX = "espr_"
_ENTROPY_BYTES = 32
_SHOWN_CHARACTERS_MAX = 9


class Secret:
    """A text that no log and no traceback shows: to read it, one must ask."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret(…)"

    def reveal(self) -> str:
        """Return the text."""
        return self._text


class Caller(Struct, frozen=True):
    """Whose request this is; it comes from the credential and from nowhere else.

    `provider_keys` are the tenant's own keys of providers, by provider and still sealed.
    """

    tenant_id: UUID
    key_id: UUID
    provider_keys: Mapping[str, bytes] = {}


class ApiKey(Struct, frozen=True, kw_only=True):
    """A key as stored: enough to recognise it, not enough to use it."""

    id: UUID
    tenant_id: UUID
    tenant_name: str
    name: str
    shown: str
    created_at: datetime
    revoked_at: datetime | None = None


def new_secret() -> str:
    """Return a new key: 256 random bits behind the prefix, to be shown once."""
    return PREFIX + secrets.token_urlsafe(_ENTROPY_BYTES)


def digest(secret: str) -> bytes:
    """Return the full SHA-256 of a key; with 256 bits of chance in it, a slow hash adds nothing.

    Any text has one, as callers send any: a wrong key is no error.
    """
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def shown_part(secret: str) -> str:
    """Return the beginning by which people recognise a key in a list."""
    return secret[: min(_SHOWN_CHARACTERS_MAX, len(secret) // 4)] + "…"
