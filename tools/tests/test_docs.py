"""Documentation is run as a reader would run it, and a block that lies is found."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

import docs


def test_a_page_whose_blocks_do_what_they_say_has_no_failures(tmp_path: Path) -> None:
    page = _page(
        tmp_path, "```bash\ntest -d tools\n```\n", "```python\nx = 1\n```\n", '```json\n{"a": 1}\n```\n'
    )

    assert docs.run_page(page, {}) == []


def test_the_python_blocks_of_a_page_share_their_names(tmp_path: Path) -> None:
    page = _page(tmp_path, "```python\nx = 20\n```\n", "prose\n", "```python\nassert x == 20, x\n```\n")

    assert docs.run_page(page, {}) == []


def test_programs_run_in_the_order_of_the_page(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    page = _page(
        tmp_path,
        f"```bash\necho bash >> {trace}\n```\n",
        f"```python\nopen({str(trace)!r}, 'a').write('python\\n')\n```\n",
        f"```bash\necho again >> {trace}\n```\n",
    )

    assert docs.run_page(page, {}) == []
    assert trace.read_text() == "bash\npython\nagain\n"


def test_a_failing_python_block_is_reported_with_its_own_line_of_the_page(tmp_path: Path) -> None:
    page = _page(
        tmp_path, "# Title\n", "```python\nx = 1\n```\n", "```python\nassert x == 2, 'not two'\n```\n"
    )

    [failure] = docs.run_page(page, {})

    assert failure.line == 2
    assert f'"{page}", line 6' in failure.sentence
    assert "AssertionError: not two" in failure.sentence


@pytest.mark.parametrize("code", ["false\ntrue", "false | cat", "echo $NO_SUCH_VARIABLE", "exit 3"])
def test_a_bash_block_fails_at_its_first_failing_command(tmp_path: Path, code: str) -> None:
    page = _page(tmp_path, f"```bash\n{code}\n```\n")

    [failure] = docs.run_page(page, {})

    assert failure.sentence.startswith("The program fails: exit code")


def test_every_program_runs_even_if_an_earlier_one_fails(tmp_path: Path) -> None:
    page = _page(tmp_path, "```bash\nfalse\n```\n", "```bash\nexit 2\n```\n")

    assert [failure.line for failure in docs.run_page(page, {})] == [1, 4]


def test_programs_see_the_environment_given(tmp_path: Path) -> None:
    page = _page(
        tmp_path,
        '```bash\ntest "$BACKBOARD_API_KEY" = espr_1\n```\n',
        "```python\nimport os\nassert os.environ['BACKBOARD_API_KEY'] == 'espr_1'\n```\n",
    )

    assert docs.run_page(page, {"BACKBOARD_API_KEY": "espr_1"}) == []


def test_bash_finds_the_commands_of_the_virtual_environment_first(tmp_path: Path) -> None:
    found = tmp_path / "found"
    page = _page(tmp_path, f"```bash\ncommand -v python > {found}\n```\n")

    assert docs.run_page(page, {}) == []
    assert found.read_text().strip() == str(Path(sys.executable).with_name("python"))


def test_json_that_does_not_parse_is_a_failure(tmp_path: Path) -> None:
    page = _page(tmp_path, "```json\n{a: 1}\n```\n")

    [failure] = docs.run_page(page, {})

    assert failure.sentence.startswith("The JSON does not parse")


@pytest.mark.parametrize("language", ["console", "text", "toml", "http"])
def test_a_block_that_is_only_to_be_read_is_not_run(tmp_path: Path, language: str) -> None:
    page = _page(tmp_path, f"```{language}\nexit 1\n```\n")

    assert docs.run_page(page, {}) == []


@pytest.mark.parametrize("language", ["bash", "python", "json"])
def test_a_block_skipped_with_a_reason_is_not_run(tmp_path: Path, language: str) -> None:
    page = _page(tmp_path, f'```{language} skip="starts a server that never ends"\n(((\n```\n')

    assert docs.run_page(page, {}) == []


@pytest.mark.parametrize("rest", ["skip", 'skip=""', 'skip="no"', "skip=because it fails"])
def test_a_block_skipped_without_a_reason_is_a_failure(tmp_path: Path, rest: str) -> None:
    page = _page(tmp_path, f"```bash {rest}\nexit 1\n```\n")

    [failure] = docs.run_page(page, {})

    assert failure.sentence.startswith("The block is skipped without a reason")


@pytest.mark.parametrize("language", ["", "py", "sh"])
def test_a_fence_that_would_escape_from_being_run_is_a_failure(tmp_path: Path, language: str) -> None:
    page = _page(tmp_path, f"```{language}\ntrue\n```\n")

    assert len(docs.run_page(page, {})) == 1


def test_a_program_that_does_not_end_is_ended_with_what_it_started(tmp_path: Path) -> None:
    started = tmp_path / "started"
    page = _page(tmp_path, f"```bash\nsleep 600 &\necho $! > {started}\nwait\n```\n")

    [failure] = docs.run_page(page, {}, program_seconds=1)

    assert failure.sentence.startswith("The program fails: no end within 1 seconds")
    _wait_until_gone(int(started.read_text()))


def test_what_a_program_leaves_in_the_background_is_ended(tmp_path: Path) -> None:
    started = tmp_path / "started"
    page = _page(tmp_path, f"```bash\nsleep 600 &\necho $! > {started}\n```\n")

    assert docs.run_page(page, {}) == []
    _wait_until_gone(int(started.read_text()))


def test_blocks_inside_lists_and_longer_fences_are_read_as_written() -> None:
    text = "1. Do:\n\n   ```python\n   if True:\n       x = 1\n   ```\n\n````text\n```bash\n````\n"

    assert list(docs.read_blocks(text)) == [
        docs.Block(3, "python", "", "if True:\n    x = 1\n"),
        docs.Block(8, "text", "", "```bash\n"),
    ]


def test_the_pages_are_the_readme_and_everything_below_docs(tmp_path: Path) -> None:
    (tmp_path / "docs" / "guides").mkdir(parents=True)
    for name in ["README.md", "docs/start.md", "docs/guides/tools.md", "docs/notes.txt", "STYLE.md"]:
        (tmp_path / name).touch()

    assert docs.pages(tmp_path) == [
        tmp_path / "README.md",
        tmp_path / "docs/guides/tools.md",
        tmp_path / "docs/start.md",
    ]


def _page(folder: Path, *parts: str) -> Path:
    page = folder / "page.md"
    page.write_text("".join(parts))
    return page


def _wait_until_gone(pid: int) -> None:
    """Wait until a process has ended; one that is dead and not yet collected counts as gone."""
    deadline = time.monotonic() + 5
    while _is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
