"""The demonstration, as a stranger runs it."""

from __future__ import annotations

from running_server import run_command


def test_the_demonstration_shows_state_across_a_restart() -> None:
    shown = run_command("demo")

    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("ready after") == 2
    assert shown.stdout.count("you        ") == 3
    answer = shown.stdout.rpartition("assistant  ")[2]
    assert "not a language model" in answer
    assert "12 March" in answer
    assert "all 6 messages" in shown.stdout
