"""Blobs in a folder, as on one machine; buckets differ only in their URL."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from backboard_server.domain.errors import Unavailable
from backboard_server.domain.ids import new_id
from backboard_server.store.blobs import Blobs, open_blobs

TENANT = new_id()


class Upload:
    """An uploaded file that remembers how much was asked of it at once."""

    def __init__(self, content: bytes) -> None:
        self._file = io.BytesIO(content)
        self.sizes: list[int] = []

    async def read(self, size: int = -1) -> bytes:
        self.sizes.append(size)
        return self._file.read(size)


class BrokenUpload:
    """A file whose sender goes away in the middle."""

    def __init__(self) -> None:
        self._parts = iter([b"half"])

    async def read(self, size: int = -1) -> bytes:
        del size
        for part in self._parts:
            return part
        raise ConnectionResetError("the client has gone")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the blobs of the fixture `blobs` lie."""
    return tmp_path / "blobs"


def stored(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def replace_by_file(folder: Path) -> None:
    folder.rmdir()
    folder.write_text("a file where the folder was")


async def test_the_folder_is_made(blobs: Blobs, folder: Path) -> None:
    key = await blobs.put(TENANT, Upload(b"hello"))

    assert stored(folder) == {key: b"hello"}


async def test_a_key_says_the_tenant_and_nothing_else(blobs: Blobs) -> None:
    first = await blobs.put(TENANT, Upload(b"same"))
    second = await blobs.put(TENANT, Upload(b"same"))

    assert first != second
    assert first.startswith(f"{TENANT}/")


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, 5_000_001])
async def test_bytes_of_any_number_are_stored_exactly(blobs: Blobs, folder: Path, size: int) -> None:
    content = os.urandom(size)

    key = await blobs.put(TENANT, Upload(content))

    assert stored(folder) == {key: content}


async def test_a_large_file_is_never_read_at_once(blobs: Blobs) -> None:
    upload = Upload(b"x" * 5_000_000)

    await blobs.put(TENANT, upload)

    assert set(upload.sizes) == {1 << 20}


async def test_a_file_that_breaks_off_is_not_stored(blobs: Blobs, folder: Path) -> None:
    with pytest.raises(Unavailable, match="could not be stored"):
        await blobs.put(TENANT, BrokenUpload())

    assert stored(folder) == {}


async def test_a_place_that_cannot_be_written_is_unavailable(blobs: Blobs, folder: Path) -> None:
    replace_by_file(folder)

    with pytest.raises(Unavailable, match="Try again"):
        await blobs.put(TENANT, Upload(b"hello"))


async def test_deleted_blobs_are_gone_and_others_stay(blobs: Blobs, folder: Path) -> None:
    keys = [await blobs.put(TENANT, Upload(b"x")) for _ in range(3)]

    await blobs.delete(keys[:2])

    assert stored(folder).keys() == {keys[2]}


async def test_deleting_what_is_gone_does_not_keep_the_rest(blobs: Blobs, folder: Path) -> None:
    key = await blobs.put(TENANT, Upload(b"x"))

    await blobs.delete([f"{TENANT}/{new_id()}", key])
    await blobs.delete([key])

    assert stored(folder) == {}


async def test_a_place_can_be_given_by_url(folder: Path) -> None:
    open_blobs(None, folder)  # makes it
    blobs = open_blobs(folder.as_uri(), Path("not used"))

    key = await blobs.put(TENANT, Upload(b"hello"))

    assert stored(folder) == {key: b"hello"}
