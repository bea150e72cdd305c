from __future__ import annotations

from pathlib import Path

import pytest

import unasync

ASYNC_SOURCE = '''"""Things, one after the other."""

import asyncio

import httpx

from .stream import AsyncMessageStream


class BackboardClient:
    """Call `aclose` when done."""

    agent = "sdk (async)"

    async def __aenter__(self) -> AsyncMessageStream:
        return await self._open(httpx.AsyncClient())

    async def things(self) -> AsyncGenerator[bytes, None]:
        await asyncio.sleep(1)
        async with self.lock:
            async for thing in self.source.aiter_bytes():
                yield thing
'''
SYNC_SOURCE = '''# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""Things, one after the other."""

import time

import httpx

from .stream import MessageStream


class SyncBackboardClient:
    """Call `close` when done."""

    agent = "sdk (sync)"

    def __enter__(self) -> MessageStream:
        return self._open(httpx.Client())

    def things(self) -> Generator[bytes, None, None]:
        time.sleep(1)
        with self.lock:
            for thing in self.source.iter_bytes():
                yield thing
'''


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "_async").mkdir()
    (tmp_path / "_async" / "client.py").write_text(ASYNC_SOURCE)
    return tmp_path


def test_async_source_becomes_sync_source(package: Path) -> None:
    assert unasync.main([], package) == 0

    assert (package / "_sync" / "client.py").read_text() == SYNC_SOURCE


def test_lines_that_grow_short_are_joined_as_a_person_would_write_them(package: Path) -> None:
    long_call = f"async def f() -> None:\n    return await g(\n        '{'x' * 40}', '{'y' * 48}'\n    )\n"
    (package / "_async" / "client.py").write_text(long_call)

    unasync.main([], package)

    assert f'return g("{"x" * 40}", "{"y" * 48}")' in (package / "_sync" / "client.py").read_text()


def test_what_is_up_to_date_passes_the_check(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    unasync.main([], package)

    assert unasync.main(["--check"], package) == 0
    assert capsys.readouterr().out == ""


def test_a_changed_source_fails_the_check_with_the_remedy(
    package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unasync.main([], package)
    (package / "_async" / "client.py").write_text(ASYNC_SOURCE.replace("sleep(1)", "sleep(2)"))

    assert unasync.main(["--check"], package) == 1
    said = capsys.readouterr().out
    assert "_sync/client.py" in said
    assert "make generate" in said
    assert "sleep(1)" in (package / "_sync" / "client.py").read_text()


def test_a_file_whose_source_is_gone_fails_the_check_and_is_removed(package: Path) -> None:
    unasync.main([], package)
    orphan = package / "_sync" / "orphan.py"
    orphan.write_text("")

    assert unasync.main(["--check"], package) == 1
    assert unasync.main([], package) == 0
    assert not orphan.exists()


def test_what_is_committed_is_what_the_async_client_makes() -> None:
    assert unasync.main(["--check"]) == 0
