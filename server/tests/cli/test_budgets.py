"""Budgets from the command line."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec
import pytest

from backboard_server.cli import budgets, keys
from backboard_server.domain.errors import NotFound
from backboard_server.settings import Settings
from running_server import RunningServer, run_command


def test_budgets_are_set_listed_and_removed_without_a_server(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    key = keys.create(settings, "team", "laptop")

    budgets.set_one(settings, "team", None, 10, "month")
    of_key = budgets.set_one(settings, "team", key.key_id, 0.5, "day")
    budgets.set_one(settings, "team", None, 20, "total")
    listed = budgets.list_all(settings)
    budgets.remove(settings, "team", None)

    assert [(one.tenant_name, one.scope, one.limit_usd, one.period) for one in listed] == [
        ("team", "tenant", 20, "total"),
        ("team", "key", 0.5, "day"),
    ]
    assert budgets.list_all(settings) == [of_key]


def test_a_budget_that_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match='no tenant "nobody"'):
        budgets.remove(Settings(data_dir=tmp_path), "nobody", None)


def test_a_budget_holds_beside_a_running_server_from_the_next_message_on(tmp_path: Path) -> None:
    options = ("--tenant", "default", "--data-dir", str(tmp_path))
    nobody = (
        "http://127.0.0.1:9/v1"  # a model that costs something: what counts is whether it is asked at all
    )
    environment = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": nobody, "BACKBOARD_RETRY_BASE_SECONDS": "0"}

    with RunningServer(tmp_path, environment=environment) as server:

        def status() -> int:
            url, headers = f"{server.base_url}/api/threads/messages", {"X-API-Key": server.api_key}
            return httpx.post(url, headers=headers, json={"content": "Hi"}).status_code

        before = status()
        said = run_command("budgets", "set", *options, "--usd", "0", "--period", "day")
        limited = status()
        listed = run_command("budgets", "list", "--data-dir", str(tmp_path))
        as_json = run_command("budgets", "list", "--data-dir", str(tmp_path), "--json")
        removed = run_command("budgets", "remove", *options)
        after = status()

    assert (before, limited, after) == (502, 402, 502)
    assert said.stdout.startswith("default  whole tenant  day  $0.0000 of $0.0000 spent, $0.0000 left until ")
    assert listed.stdout == said.stdout
    assert msgspec.json.decode(as_json.stdout)[0]["limit_usd"] == 0
    assert removed.stdout == "Removed.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--usd", "-1"), "an amount of US dollars"),
        (("--usd", "nan"), "an amount of US dollars"),
        (("--usd", "inf"), "an amount of US dollars"),
        (("--usd", "1", "--key", "01890a5d-ac96-774b-bcce-b302099a8057"), "has no key"),
    ],
)
def test_what_cannot_be_set_is_one_sentence(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    keys.create(Settings(data_dir=tmp_path), "team", "laptop")

    refused = run_command("budgets", "set", "--tenant", "team", *words, "--data-dir", str(tmp_path))

    assert refused.returncode == 1
    assert refused.stderr.startswith("backboard: ")
    assert sentence in refused.stderr
    assert refused.stderr.count("\n") == 1
