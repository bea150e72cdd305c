"""Whose folders are taken, whose are not, and what is in one."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from backboard_server.domain.errors import Invalid, Unavailable
from backboard_server.store.embedded.account import Account, choose_account
from backboard_server.store.embedded.folder import Folder, OpenFolder


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return choose_account(tmp_path / "absent", None)


def test_a_folder_that_is_not_there_is_made_private_and_marked(tmp_path: Path, account: Account) -> None:
    path = tmp_path / "some" / "where"

    Folder(path).claim(account)

    assert path.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_uid == account.uid
    assert (path / "backboard.json").read_text() == '{"format":1}'


def test_an_empty_folder_is_made_private_and_the_one_above_stays_as_it_is(
    tmp_path: Path, account: Account
) -> None:
    tmp_path.chmod(0o751)
    path = tmp_path / "empty"
    path.mkdir(mode=0o755)

    Folder(path).claim(account)

    assert path.stat().st_mode & 0o777 == 0o700
    assert tmp_path.stat().st_mode & 0o777 == 0o751
    assert tmp_path.stat().st_uid == os.geteuid()


def test_the_root_of_an_empty_volume_will_do_and_one_with_our_configuration(
    tmp_path: Path, account: Account
) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "backboard.toml").touch()

    Folder(tmp_path).claim(account)

    assert (tmp_path / "backboard.json").exists()


def test_a_folder_that_holds_something_else_is_refused_and_left_alone(
    tmp_path: Path, account: Account
) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(
        Invalid, match=r"is not empty and not a Backboard data folder \(it holds thesis\.txt\)"
    ):
        Folder(tmp_path).claim(account)

    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_a_folder_of_ours_keeps_what_it_holds(tmp_path: Path, account: Account) -> None:
    folder = Folder(tmp_path)
    folder.claim(account)
    (tmp_path / "postgres").mkdir()

    folder.claim(account)

    assert (tmp_path / "postgres").exists()


def test_a_folder_of_a_later_format_is_refused(tmp_path: Path, account: Account) -> None:
    (tmp_path / "backboard.json").write_text('{"format":2}')

    with pytest.raises(Invalid, match="has the data format 2, and this server knows format 1"):
        Folder(tmp_path).claim(account)


def test_a_damaged_marker_is_an_error_that_names_the_file(tmp_path: Path, account: Account) -> None:
    (tmp_path / "backboard.json").write_text("")

    with pytest.raises(Invalid, match=r"backboard\.json"):
        Folder(tmp_path).claim(account)


def test_a_claim_that_was_cut_short_is_done_again(tmp_path: Path, account: Account) -> None:
    (tmp_path / "backboard.json.unfinished").write_text("{")

    Folder(tmp_path).claim(account)

    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["backboard.json"]


def test_many_servers_may_claim_a_folder_at_the_same_moment(tmp_path: Path, account: Account) -> None:
    refused: list[Invalid] = []

    def claim() -> None:
        try:
            Folder(tmp_path / "data").claim(account)
        except Invalid as error:
            refused.append(error)

    claims = [threading.Thread(target=claim) for _ in range(16)]
    for thread in claims:
        thread.start()
    for thread in claims:
        thread.join()

    assert refused == []


def test_a_file_where_the_folder_should_be_is_an_error_with_a_remedy(
    tmp_path: Path, account: Account
) -> None:
    path = tmp_path / "file"
    path.touch()

    with pytest.raises(Invalid, match="cannot be the data folder: File exists"):
        Folder(path).claim(account)


def test_passwords_are_drawn_once_and_readable_by_the_owner_alone(tmp_path: Path, account: Account) -> None:
    folder = Folder(tmp_path)
    folder.claim(account)

    folder.make_passwords(account)
    drawn = folder.passwords()
    folder.make_passwords(account)

    assert folder.passwords() == drawn
    assert drawn.owner != drawn.app
    assert len(drawn.app) >= 32
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_missing_passwords_are_an_error_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"secrets\.json cannot be read.*Restore the file from a backup"):
        Folder(tmp_path).passwords()


def test_a_link_in_place_of_a_file_of_ours_is_not_followed(tmp_path: Path, account: Account) -> None:
    folder = Folder(tmp_path / "data")
    folder.claim(account)
    target = tmp_path / "target"
    target.write_text("untouched")
    (tmp_path / "data" / "secrets.json.unfinished").symlink_to(target)

    folder.make_passwords(account)

    assert target.read_text() == "untouched"


def test_an_open_folder_is_reached_by_a_short_address(tmp_path: Path) -> None:
    deep = tmp_path / ("deep" * 40)
    deep.mkdir()
    (deep / "file").write_text("found")
    opened = OpenFolder(deep)

    content = (Path(opened.address) / "file").read_text()
    opened.close()

    assert content == "found"
