"""Blobs: the bytes of files, in a folder or a bucket by URL. Keys are generated; names are metadata."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Protocol
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from backboard_server.domain.errors import NotFound, Unavailable
from backboard_server.domain.ids import new_id

_PART_BYTES = 1 << 20


class Readable(Protocol):
    """Something that is read piece by piece, such as an uploaded file."""

    async def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; none at the end."""
        ...


class Blobs:
    """A place for bytes."""

    def __init__(self, store: ObjectStore) -> None:
        """`store` is a folder or a bucket; see `open_blobs`."""
        self._store = store

    async def put(self, tenant_id: UUID, source: Readable) -> str:
        """Store all bytes of `source`, never all at once in memory, and return their key."""
        key = f"{tenant_id}/{new_id()}"
        try:
            await obstore.put_async(self._store, key, _parts(source))
        except (BaseError, OSError) as error:
            raise Unavailable("The file could not be stored. Try again in a few seconds.") from error
        return key

    async def get(self, key: str) -> bytes:
        """Return all bytes of a blob. Raises NotFound, and Unavailable where the store is away."""
        try:
            found = await obstore.get_async(self._store, key)
            return bytes(await found.bytes_async())
        except FileNotFoundError as error:
            raise NotFound("The file is gone.") from error
        except (BaseError, OSError) as error:
            raise Unavailable("The file could not be read. Try again in a few seconds.") from error

    async def delete(self, keys: Iterable[str]) -> None:
        """Delete blobs; those that are gone already do not matter."""
        for key in keys:
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue


async def _parts(source: Readable) -> AsyncIterator[bytes]:
    while part := await source.read(_PART_BYTES):
        yield part


def open_blobs(url: str | None, folder: Path) -> Blobs:
    """Return the store at `url` (s3://…, gs://…, az://…, file://…), or in `folder` without one."""
    if url:
        return Blobs(from_url(url))
    return Blobs(LocalStore(prefix=folder, mkdir=True))
