"""The cluster that initdb leaves: complete, unchanged by a second call, of one version."""

from __future__ import annotations

from pathlib import Path

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.store.embedded.account import choose_account
from backboard_server.store.embedded.cluster import ensure_cluster
from backboard_server.store.embedded.engine import SHARED_COPIES, Engine, find_engine
from backboard_server.store.embedded.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def engine(folder: Folder) -> Engine:
    account = choose_account(folder.cluster, None)
    folder.claim(account)
    return find_engine(account, folder.engine, SHARED_COPIES)


def test_only_two_roles_may_enter_and_only_with_a_password(engine: Engine, folder: Folder) -> None:
    ensure_cluster(engine, folder)

    assert (folder.cluster / "pg_hba.conf").read_text() == (
        "local backboard backboard_owner,backboard_app scram-sha-256\n"
    )
    assert folder.cluster.stat().st_mode & 0o777 == 0o700


def test_a_second_call_changes_nothing(engine: Engine, folder: Folder) -> None:
    ensure_cluster(engine, folder)
    with (folder.cluster / "postgresql.conf").open("a") as settings:
        settings.write("# mine\n")

    ensure_cluster(engine, folder)

    assert (folder.cluster / "postgresql.conf").read_text().endswith("# mine\n")


def test_what_an_interrupted_one_left_is_removed(engine: Engine, folder: Folder) -> None:
    leftover = folder.path / "postgres.x.unfinished"
    leftover.mkdir()
    (leftover / "PG_VERSION").touch()

    ensure_cluster(engine, folder)

    assert not leftover.exists()
    assert (folder.cluster / "PG_VERSION").read_text() == "18\n"


def test_a_cluster_of_another_version_is_refused_with_a_remedy(engine: Engine, folder: Folder) -> None:
    folder.cluster.mkdir()
    (folder.cluster / "PG_VERSION").write_text("17\n")

    with pytest.raises(Invalid, match=r"was written by Postgres 17, and this server brings 18.*dump"):
        ensure_cluster(engine, folder)
