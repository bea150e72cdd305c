"""What the environment decides, and that its reference page tells the truth."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from pydantic import ValidationError

from backboard_server.domain.errors import Invalid
from backboard_server.settings import PREFIX, Settings

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
DEFAULTS_IN_WORDS = {"data_dir": "see there"}  # not the same on every machine


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKBOARD_PORT", "9000")
    monkeypatch.setenv("BACKBOARD_DATA_DIR", "/somewhere")

    settings = Settings()

    assert settings.port == 9000
    assert settings.data_dir == Path("/somewhere")


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKBOARD_DATABASE_URL", "")

    assert Settings().database_url is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "70000"),
        ("WORKERS", "0"),
        ("LOG_FORMAT", "xml"),
        ("DRAIN_SECONDS", "soon"),
    ],
)
def test_a_value_that_cannot_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(PREFIX + name, value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_an_ordinary_user_keeps_state_below_its_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    in_home = Settings().data_dir
    monkeypatch.setenv("XDG_DATA_HOME", "/elsewhere")

    assert in_home == Path("/home/ada/.local/share/backboard")
    assert Settings().data_dir == Path("/elsewhere/backboard")


def test_root_keeps_state_where_services_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert Settings().data_dir == Path("/var/lib/backboard")


def test_an_account_without_a_home_is_asked_for_a_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_listed(_uid: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    monkeypatch.setattr(pwd, "getpwuid", not_listed)
    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)

    with pytest.raises(Invalid, match="BACKBOARD_DATA_DIR"):
        Settings()


def test_secrets_do_not_show_when_settings_are_printed() -> None:
    secret_key = "canary " * 5
    shown = repr(
        Settings(
            api_key="espr_canary", database_url="postgresql://user:canary@host/db", secret_key=secret_key
        )
    )

    assert "canary" not in shown


def test_secrets_that_seal_are_separated_by_commas() -> None:
    first, second = "a secret that nobody would ever guess", "another one that nobody could guess"

    assert Settings(secret_key=f"{first}, {second}").secret_keys == (first, second)
    assert Settings().secret_keys == ()


@pytest.mark.parametrize(
    "canary", ["canary", "canary,and one that nobody would ever ever guess", "canary" * 6 + ","]
)
def test_a_secret_that_could_be_guessed_is_refused_and_not_shown(canary: str) -> None:
    with pytest.raises(ValidationError, match="32 characters") as caught:
        Settings(secret_key=canary)

    assert "canary" not in str(caught.value)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # pyright: ignore[reportAttributeAccessIssue] - that it cannot be set is what is tested


def test_the_reference_page_lists_every_variable_as_it_is() -> None:
    rows = [line for line in REFERENCE.read_text().splitlines() if line.startswith(f"| `{PREFIX}")]

    assert rows == [row_of(name) for name in Settings.model_fields]


def row_of(name: str) -> str:
    field = Settings.model_fields[name]
    default = DEFAULTS_IN_WORDS.get(name) or ("none" if field.default is None else f"`{field.default}`")
    return f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |"
