"""What can be typed, and what a mistake in it is answered with."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from running_server import run_command


def test_help_names_every_command() -> None:
    shown = run_command("--help").stdout

    assert all(name in shown for name in ("serve", "work", "migrate", "doctor", "keys", "budgets"))


@pytest.mark.parametrize(
    ("words", "environment", "sentence"),
    [
        (("serve", "--port", "99999"), {}, "--port or BACKBOARD_PORT: Input should be less than"),
        (("serve",), {"BACKBOARD_WORKERS": "many"}, "--workers or BACKBOARD_WORKERS: Input should be"),
        (
            ("serve",),
            {"BACKBOARD_DRAIN_SECONDS": "soon"},
            "backboard: BACKBOARD_DRAIN_SECONDS: Input",
        ),
    ],
)
def test_a_setting_that_cannot_be_is_one_sentence_that_names_it(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str], sentence: str
) -> None:
    refused = run_command(*words, "--data-dir", str(tmp_path), environment=environment)

    assert refused.returncode == 1
    assert refused.stderr.startswith("backboard: ")
    assert sentence in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_folder_that_is_not_ours_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()

    refused = run_command("keys", "list", "--data-dir", str(tmp_path))

    assert refused.returncode == 1
    assert refused.stderr == (
        f"backboard: {tmp_path} is not empty and not a Backboard data folder (it holds thesis.txt). "
        "Choose an empty or a new folder with --data-dir or BACKBOARD_DATA_DIR.\n"
    )


def test_keys_are_made_listed_and_revoked_without_a_server(tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path))

    made = msgspec.json.decode(
        run_command("keys", "create", "--tenant", "team", "--name", "laptop", "--json", *options).stdout
    )
    plain = run_command("keys", "create", "--tenant", "team", *options).stdout
    revoked = run_command("keys", "revoke", made["key_id"], *options).stdout
    listed = run_command("keys", "list", *options).stdout.splitlines()

    assert set(made) == {"tenant", "tenant_id", "key_id", "api_key"}
    assert made["tenant"] == "team"
    assert plain.startswith("espr_")
    assert revoked == f"Revoked {made['api_key'][:9]}… of team.\n"
    assert [("revoked" in line, "valid" in line) for line in listed] == [(True, False), (False, True)]
    assert listed[0].endswith("laptop")
    assert made["api_key"] not in "".join(listed)


def test_migrations_are_shown_by_check_and_run_without_it(tmp_path: Path) -> None:
    options = ("--data-dir", str(tmp_path))

    before = run_command("migrate", "--check", *options)
    done = run_command("migrate", *options)
    after = run_command("migrate", "--check", *options)

    assert before.returncode == 1
    assert before.stdout.startswith("pending: migrations/0001")
    assert done.stdout == before.stdout.replace("pending", "done")
    assert (after.returncode, after.stdout) == (0, "The database is up to date.\n")
