"""Which database the settings mean, and what becomes of it at the end."""

from __future__ import annotations

from pathlib import Path

from backboard_server.cli.database import entered_database, running_database
from backboard_server.settings import Settings
from running_server import is_alive, postgres_pid


def test_without_a_url_the_embedded_one_runs_meanwhile(tmp_path: Path) -> None:
    with running_database(Settings(data_dir=tmp_path), on_lost=lambda: None) as owner:
        pid = postgres_pid(tmp_path)
        was_alive = is_alive(pid)

    assert owner.user == "backboard_owner"
    assert was_alive
    assert not is_alive(pid)


def test_a_command_enters_the_one_that_runs(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)

    with running_database(settings, on_lost=lambda: None):
        pid = postgres_pid(tmp_path)
        with entered_database(settings) as owner:
            entered = postgres_pid(tmp_path)
        is_left_running = is_alive(pid)

    assert owner.user == "backboard_owner"
    assert (entered, is_left_running) == (pid, True)


def test_with_a_url_nothing_is_started(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", database_url="postgresql://elsewhere/backboard")

    with running_database(settings, on_lost=lambda: None) as run, entered_database(settings) as entered:
        assert run.url == entered.url == "postgresql://elsewhere/backboard"

    assert not (tmp_path / "data").exists()
