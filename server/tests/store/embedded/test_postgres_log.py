"""The log of Postgres: appended to, bounded, quoted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backboard_server.store.embedded.postgres_log import PostgresLog

LINE = b"2026-11-23 01:00:47.398 UTC [8212] LOG:  a line as Postgres writes it\n"


def test_it_is_appended_to_and_private(tmp_path: Path) -> None:
    log = PostgresLog(tmp_path / "postgres.log")

    for word in (b"one\n", b"two\n"):
        with log.opened() as descriptor:
            os.write(descriptor, word)

    assert (tmp_path / "postgres.log").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "postgres.log").stat().st_mode & 0o777 == 0o600


def test_one_that_has_grown_too_long_keeps_its_end_while_postgres_writes_on(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    path.write_bytes(LINE * 200_000)
    log = PostgresLog(path)

    with log.opened() as postgres:
        log.trim()
        os.write(postgres, b"last\n")
    lines = path.read_bytes().splitlines(keepends=True)

    assert path.stat().st_size < 2_000_000
    assert set(lines[:-1]) == {LINE}
    assert lines[-1] == b"last\n"


def test_a_short_one_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    path.write_bytes(LINE)

    PostgresLog(path).trim()

    assert path.read_bytes() == LINE


def test_its_end_is_quoted_in_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "postgres.log"
    path.write_bytes(LINE * 1_000)

    end = PostgresLog(path).end()

    assert set(end.splitlines()) == {LINE.decode().rstrip()}


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "postgres.log").symlink_to(tmp_path / "target")

    with pytest.raises(OSError, match="symbolic links"), PostgresLog(tmp_path / "postgres.log").opened():
        pass
