"""Runs the code blocks of the documentation, so that what a page shows is what happens.

On each page, in order: a `bash` block is run from the root of the repository, a `json` block is parsed, and
the `python` blocks together are one program, run where the first of them stands. A block that cannot run says
why on its fence: ```bash skip="starts a server that never ends"; what is only read is `console` or `text`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PROGRAM_SECONDS_MAX = 120.0
OUTPUT_CHARACTERS_MAX = 4_000

FENCE = re.compile(r"^(?P<indent> *)(?P<mark>`{3,}|~{3,}) *(?P<language>[\w+-]*) *(?P<rest>[^`]*)$")
SKIP = re.compile(r"\bskip\b")
REASON = re.compile(r'\bskip="[^"\s]+ [^"]+"')
PLAIN_NAMES = {"py": "python", "python3": "python", "sh": "bash", "shell": "bash", "zsh": "bash"}

# Runs its standard input under the name of the page, so that a traceback names the page's own lines.
RUN_AS_PAGE = "import sys; exec(compile(sys.stdin.read(), sys.argv[1], 'exec'))"


class Block(NamedTuple):
    """A fenced block: `line` is that of its opening fence, counted from 1; `rest` follows the language."""

    line: int
    language: str
    rest: str
    code: str


class Failure(NamedTuple):
    """A block that does not do what its page says."""

    page: Path
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.sentence}"


def pages(root: Path = ROOT) -> list[Path]:
    """The pages whose blocks are run: the README and everything below docs/."""
    return [root / "README.md", *sorted((root / "docs").rglob("*.md"))]


def run_page(
    page: Path, environment: Mapping[str, str], *, program_seconds: float = PROGRAM_SECONDS_MAX
) -> list[Failure]:
    """Run the blocks of `page` with `environment` added to ours; returns those that fail, by line.

    The environment names a live server: BACKBOARD_BASE_URL and BACKBOARD_API_KEY. A program that takes longer
    than `program_seconds` fails, and whatever it started is ended with it.
    """
    blocks = list(read_blocks(page.read_text()))
    failures = [Failure(page, block.line, sentence) for block in blocks for sentence in _misfits(block)]
    runnable = [block for block in blocks if not SKIP.search(block.rest)]
    failures += [
        Failure(page, block.line, sentence)
        for block in runnable
        if block.language == "json" and (sentence := _json_error(block.code))
    ]
    variables = {**os.environ, **environment, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for line, command, program in _programs(page, runnable):
        if sentence := _run(command, program, variables, program_seconds):
            failures.append(Failure(page, line, sentence))
    return sorted(failures)


def read_blocks(text: str) -> Iterator[Block]:
    """The fenced blocks of a Markdown page, freed of the indent of their fence."""
    lines = iter(enumerate(text.splitlines(), start=1))
    for number, line in lines:
        if opening := FENCE.match(line):
            code: list[str] = []
            for _, inner in lines:
                if inner.strip().startswith(opening["mark"]) and not inner.strip(" `~"):
                    break
                code.append(inner.removeprefix(opening["indent"]))
            yield Block(number, opening["language"], opening["rest"].strip(), "\n".join(code) + "\n")


def _misfits(block: Block) -> Iterator[str]:
    """What is wrong with the fence itself: a block must not escape from being run by accident."""
    if not block.language:
        yield "The block has no language: name it, `text` if it is only to be read."
    if plain := PLAIN_NAMES.get(block.language):
        yield f"A `{block.language}` block is not run: write `{plain}`."
    if SKIP.search(block.rest) and not REASON.search(block.rest):
        yield 'The block is skipped without a reason: write skip="why it cannot run".'


def _json_error(code: str) -> str | None:
    try:
        json.loads(code)
    except ValueError as error:
        return f"The JSON does not parse: {error}."
    return None


def _programs(page: Path, blocks: list[Block]) -> Iterator[tuple[int, list[str], str]]:
    """The line, the command and the standard input of each program of a page, in the order of the page."""
    python = [block for block in blocks if block.language == "python"]
    for block in blocks:
        if block.language == "bash":
            yield block.line, ["bash", "-euo", "pipefail", "-c", block.code], ""
        elif python and block is python[0]:
            yield block.line, [sys.executable, "-c", RUN_AS_PAGE, str(page)], _joined(python)


def _joined(blocks: list[Block]) -> str:
    """The blocks as one program in which each line has the number that it has on the page."""
    lines: list[str] = []
    for block in blocks:
        lines += [""] * (block.line - len(lines))
        lines += block.code.splitlines()
    return "\n".join(lines) + "\n"


def _run(command: list[str], program: str, variables: Mapping[str, str], seconds: float) -> str | None:
    """Run a command in a process group of its own; returns a sentence if it fails."""
    # A file, not a pipe: what the command leaves running in the background would hold a pipe open.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as source:
        source.write(program)
        source.seek(0)
        process = subprocess.Popen(  # noqa: S603 - our own pages, reviewed like any code
            command,
            cwd=ROOT,
            env=variables,
            stdin=source,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = f"exit code {process.wait(seconds)}"
        except subprocess.TimeoutExpired:
            status = f"no end within {seconds:g} seconds"
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        tail = output.read()[-OUTPUT_CHARACTERS_MAX:]
    return None if status == "exit code 0" else f"The program fails: {status}.\n{tail}"
