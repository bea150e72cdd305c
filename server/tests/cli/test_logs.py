"""The log: one record a line, with its request and run, and nobody's text posing as another record."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Generator

import pytest

from backboard_server.cli.logs import JsonLines, TextLines
from backboard_server.domain import tracing
from running_server import bare_environment


@pytest.fixture
def ids() -> Generator[None]:
    request, run = tracing.request_id.set("req-1"), tracing.run_id.set("run-1")
    yield
    tracing.request_id.reset(request)
    tracing.run_id.reset(run)


@pytest.mark.usefixtures("ids")
def test_text_has_time_level_process_ids_and_message() -> None:
    line = TextLines("web[7]").format(record("job %s failed", "a"))

    assert line == "2023-11-14T22:13:20.125Z WARNING web[7] request=req-1 run=run-1 job a failed"


def test_ids_are_left_out_where_there_are_none() -> None:
    assert TextLines("serve[7]").format(record("ready")).endswith(" WARNING serve[7] ready")


def test_a_line_break_in_a_message_does_not_begin_a_record() -> None:
    lines = TextLines("web[7]").format(record("%s", "a\n2023-11-14T22:13:20.125Z ERROR forged")).splitlines()

    assert lines[1] == "  2023-11-14T22:13:20.125Z ERROR forged"


@pytest.mark.usefixtures("ids")
def test_json_is_one_object_a_record_traceback_included() -> None:
    line = JsonLines("web[7]").format(record("a\nb", error=ValueError("broken")))

    fields = json.loads(line)
    assert "\n" not in line
    assert fields.pop("traceback").endswith("ValueError: broken")
    assert fields == {
        "time": "2023-11-14T22:13:20.125Z",
        "level": "WARNING",
        "process": "web[7]",
        "logger": "backboard_server.test",
        "request": "req-1",
        "run": "run-1",
        "message": "a\nb",
    }


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_what_nobody_catches_is_logged_with_its_traceback_in_one_record(log_format: str) -> None:
    program = (
        "import sys; from backboard_server.cli.logs import configure_logging; "
        "configure_logging('serve', sys.argv[1]); raise ValueError('broken')"
    )

    ended = subprocess.run(  # noqa: S603 - this very Python
        [sys.executable, "-c", program, log_format],
        env=bare_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    first, *rest = ended.stderr.splitlines()
    assert "CRITICAL" in first
    assert all(line.startswith("  ") for line in rest)
    assert "ValueError: broken" in ended.stderr


def record(message: str, *values: object, error: Exception | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, None) if error else None
    made = logging.LogRecord(
        "backboard_server.test", logging.WARNING, "test.py", 1, message, values, exc_info
    )
    made.created, made.msecs = 1_700_000_000.125, 125
    return made
