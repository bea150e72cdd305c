"""The doctor: looks, changes nothing, shows no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from backboard_server.cli.doctor import Finding, examine
from backboard_server.providers.table import list_rows
from backboard_server.settings import Settings
from backboard_server.store.embedded import EmbeddedPostgres
from running_server import run_command


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for row in list_rows():
        for variable in row.key_variables:
            monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("OLLAMA_BASE_URL", "http://127.0.0.1:1")


async def test_an_unused_folder_is_noted_and_left_alone(tmp_path: Path) -> None:
    findings = await examine(Settings(data_dir=tmp_path / "data"))

    assert kinds(findings) == {"database": "note", "provider keys": "note", "default model": "note"}
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("owner_address")
async def test_a_database_that_is_up_to_date_is_fine(data_dir: Path) -> None:
    found = kinds(await examine(Settings(data_dir=data_dir)))

    assert (found["database"], found["pgvector"], found["tables"]) == ("fine", "fine", "fine")


async def test_pending_migrations_are_noted(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(tmp_path)
    postgres.start()

    findings = await examine(Settings(data_dir=tmp_path))
    postgres.stop()

    assert kinds(findings)["tables"] == "note"


async def test_keys_are_named_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")

    shown = "\n".join(str(finding) for finding in await examine(Settings(data_dir=tmp_path)))

    assert "provider keys: OPENAI_API_KEY." in shown
    assert "canary" not in shown


async def test_own_providers_are_shown_with_their_place_and_without_their_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYCORP_API_KEY", "sk-canary")
    (tmp_path / "backboard.toml").write_text(
        '[providers.mycorp]\nbase_url = "http://10.0.0.5/v1"\nkey_variable = "MYCORP_API_KEY"\n'
        'default_model = "llama"\n'
        '[providers.other]\nbase_url = "http://10.0.0.6/v1"\nkey_variable = "OTHER_KEY"\n'
    )

    findings = await examine(Settings(data_dir=tmp_path))

    told = {finding.subject: (finding.kind, finding.sentence) for finding in findings}
    assert told["own provider mycorp"] == (
        "fine",
        "http://10.0.0.5/v1 speaks openai_chat, with the key in MYCORP_API_KEY.",
    )
    assert told["own provider other"][0] == "note"
    assert "set OTHER_KEY" in told["own provider other"][1]
    assert told["provider keys"] == ("fine", "MYCORP_API_KEY.")
    assert told["default model"] == ("fine", "llama of mycorp.")
    assert "canary" not in repr(findings)


async def test_a_mistake_in_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "backboard.toml").write_text("[providers.mycorp]\n")

    findings = await examine(Settings(data_dir=tmp_path))

    assert kinds(findings)["own providers"] == "wrong"
    assert "provider mycorp: base_url is missing." in findings[-1].sentence


def test_something_wrong_is_told_with_exit_code_1(tmp_path: Path) -> None:
    url = "postgresql://nobody:secret-canary@127.0.0.1:1/none"

    told = run_command("doctor", "--data-dir", str(tmp_path), environment={"BACKBOARD_DATABASE_URL": url})

    assert told.returncode == 1
    assert told.stdout.startswith("wrong  database: ")
    assert "canary" not in told.stdout + told.stderr


def kinds(findings: list[Finding]) -> dict[str, str]:
    return {finding.subject: finding.kind for finding in findings}
