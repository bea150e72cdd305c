"""Sealing: a tenant's keys of providers are stored so that the database alone does not tell them.

AES-256-GCM under the server's own secret. The tenant and the provider are part of what is authenticated, so
that a sealed key that is moved to another row opens nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from backboard_server.domain.errors import Invalid, Unavailable
from backboard_server.domain.keys import Secret

from .embedded.folder import UNFINISHED, one_at_a_time, sync_folder

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE = "sealing.key"
VARIABLE = "BACKBOARD_SECRET_KEY"
UNREADABLE = "provider_key_unreadable"

_VERSION = b"\x01"  # of the layout: this byte, the nonce, the ciphertext with its tag
_PURPOSE = b"backboard: keys of providers, version 1"  # whatever else the secret may come to seal has another
_NONCE_BYTES = 12
_ENTROPY_BYTES = 32
_FILE_BYTES_MAX = 4096


class Sealer:
    """Seals and opens under the operator's secrets, else under one in the data folder, made at first need."""

    def __init__(self, secret_keys: Sequence[str], folder: Path) -> None:
        """The first of `secret_keys` seals and all open. Nothing is read or derived before it is needed."""
        self._secret_keys = secret_keys
        self._folder = folder

    def seal(self, tenant_id: UUID, provider: str, text: str) -> bytes:
        """Return a key as it is stored. Raises Unavailable if the server's secret cannot be read."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[0].encrypt(nonce, text.encode(), _context(tenant_id, provider))
        return _VERSION + nonce + sealed

    def open(self, tenant_id: UUID, provider: str, sealed: bytes) -> Secret:
        """Return a key that was sealed for this tenant and this provider.

        Raises Invalid (`provider_key_unreadable`) when none of the server's secrets opens it.
        """
        from cryptography.exceptions import InvalidTag

        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        if sealed[:1] == _VERSION and len(nonce) == _NONCE_BYTES:
            for cipher in self._ciphers:
                try:
                    return Secret(cipher.decrypt(nonce, ciphertext, _context(tenant_id, provider)).decode())
                except InvalidTag:
                    continue
        raise Invalid(
            f"The key that you stored for the provider {provider} cannot be opened: it was sealed with "
            f"another secret than this server has. Set it again with PUT /provider-keys/{provider}, or "
            f"delete it. (Whoever runs the server: a former secret can stand behind a comma in {VARIABLE}, "
            "and several servers on one database need the same one.)",
            code=UNREADABLE,
        )

    def keys_of(self, tenant_id: UUID, sealed_keys: Mapping[str, bytes]) -> Mapping[str, Secret]:
        """Return a tenant's keys by provider, opened when asked for; one that fails spoils no other."""
        return _OpenedKeys(self, tenant_id, sealed_keys)

    @cached_property
    def _ciphers(self) -> list[AESGCM]:
        # Imported here because the start of the server does not need it.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        secret_keys = self._secret_keys or [_secret_in(self._folder)]
        return [AESGCM(hmac.digest(text.encode(), _PURPOSE, hashlib.sha256)) for text in secret_keys]


class _OpenedKeys(Mapping[str, Secret]):
    """A tenant's keys by provider. Looking one up opens it, and raises Invalid where that fails."""

    def __init__(self, sealer: Sealer, tenant_id: UUID, sealed_keys: Mapping[str, bytes]) -> None:
        self._sealer = sealer
        self._tenant_id = tenant_id
        self._sealed_keys = sealed_keys

    def __getitem__(self, provider: str) -> Secret:
        return self._sealer.open(self._tenant_id, provider, self._sealed_keys[provider])

    def __contains__(self, provider: object) -> bool:
        return provider in self._sealed_keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._sealed_keys)

    def __len__(self) -> int:
        return len(self._sealed_keys)


def _context(tenant_id: UUID, provider: str) -> bytes:
    """What a sealed key is bound to; the tenant has a fixed length, so no two pairs look the same."""
    return _VERSION + tenant_id.bytes + provider.encode()


def _secret_in(folder: Path) -> str:
    """Return the secret of a data folder, and make it if there is none; of several processes one makes it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with one_at_a_time(folder):
            text = _read(folder / FILE)
            return text if text is not None else _make(folder)
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"The server's secret cannot be read or made in its data folder ({type(error).__name__}), and "
            f"without it no key of a provider is stored or used. Whoever runs the server: set {VARIABLE}, or "
            f"see to the file {FILE}."
        ) from error


def _read(path: Path) -> str | None:
    # O_NOFOLLOW: as root, the folder belongs to the account of Postgres, which must not lead us elsewhere.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    with open(descriptor, "rb") as file:
        text = file.read(_FILE_BYTES_MAX).decode().strip()
    if len(text) < _ENTROPY_BYTES:
        raise OSError(f"{path} is damaged")
    return text


def _make(folder: Path) -> str:
    """Write the file so that it is there completely or not at all."""
    text = secrets.token_urlsafe(_ENTROPY_BYTES)
    unfinished = folder / (FILE + UNFINISHED)
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    unfinished.rename(folder / FILE)
    sync_folder(folder)
    return text
