"""The example programs, run as a stranger runs them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

import docs
from running_server import RunningServer, bare_environment

KEY = "espr_examples_key"
PROGRAMS = sorted((docs.ROOT / "examples").glob("*.py"))
SHOWN = {
    "first_conversation": "green",
    "stream_to_terminal": "[local/quotes, ",
    "many_at_once": "10 threads were started.\nAs expected: ",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RunningServer]:
    folder: Path = tmp_path_factory.mktemp("examples") / "data"
    with RunningServer(folder, environment={"BACKBOARD_API_KEY": KEY}) as server:
        yield server


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.stem)
def test_the_example_does_what_it_says(program: Path, server: RunningServer) -> None:
    environment = {"BACKBOARD_API_KEY": KEY, "BACKBOARD_BASE_URL": f"{server.base_url}/api"}

    run = subprocess.run(  # noqa: S603 - our own examples
        [sys.executable, str(program)],
        env=bare_environment() | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert SHOWN[program.stem] in run.stdout
