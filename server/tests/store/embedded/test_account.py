"""Which account Postgres runs as."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backboard_server.domain.errors import Invalid
from backboard_server.store.embedded.account import choose_account

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as somebody else")
NOBODY = 65534


@pytest.mark.skipif(os.geteuid() == 0, reason="root is no ordinary user")
def test_an_ordinary_user_runs_it_as_itself(tmp_path: Path) -> None:
    account = choose_account(tmp_path / "absent", "nobody")

    assert (account.uid, account.is_ours) == (os.geteuid(), True)


@needs_root
def test_root_takes_an_existing_unprivileged_account(tmp_path: Path) -> None:
    account = choose_account(tmp_path / "absent", None)

    assert account.name in ("postgres", "nobody")
    assert account.uid != 0
    assert not account.is_ours


@needs_root
def test_root_takes_the_account_that_was_named(tmp_path: Path) -> None:
    assert choose_account(tmp_path / "absent", "nobody").uid == NOBODY


@needs_root
def test_the_owner_of_the_cluster_comes_before_the_account_that_was_named(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4712)

    account = choose_account(tmp_path, "nobody")

    assert (account.name, account.uid, account.gid) == ("user 4711", 4711, 4712)


@needs_root
@pytest.mark.parametrize("name", ["root", "no-such-account"])
def test_an_account_that_will_not_do_is_an_error_that_names_the_variable(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid, match="BACKBOARD_POSTGRES_ACCOUNT"):
        choose_account(tmp_path / "absent", name)


def test_a_folder_that_cannot_be_looked_into_is_left_to_whoever_makes_the_cluster(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    expected = choose_account(tmp_path / "absent", None)

    assert choose_account(tmp_path / "file" / "postgres", None) == expected
    assert choose_account(tmp_path / ("x" * 300) / "postgres", None) == expected
