"""Libraries that read streamed answers, each in a process of its own on the core of the web process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from .environments import python_of
from .machine import pin, split_cores

SDKS = "wires-requirements.txt"
LITELLM = "wires-litellm-requirements.txt"

_BENCHMARKS = Path(__file__).parents[1]
_REQUIREMENTS = {
    "openai_sdk": SDKS,
    "anthropic_sdk": SDKS,
    "google_sdk": SDKS,
    "aws_sdk": SDKS,
    "litellm_library": LITELLM,
}
_ENVIRONMENT = {
    "PATH": os.defpath,
    "PYTHONPATH": str(_BENCHMARKS),
    "PYTHONWARNINGS": "ignore",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it asks the network for prices otherwise
}


class Reading(Struct, frozen=True):
    """What came of a task."""

    answers: int
    characters: int
    cpu_seconds: float


class Library:
    """One library at work; `readers/` has a module of its name."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: IO[str]) -> None:
        """`library` starts one."""
        self.name = name
        self._process = process
        self._log = log

    def read(self, wire: str, streams: int, seconds: float) -> Reading:
        """Read this many answers at once, again and again for a while; raises RuntimeError if it cannot."""
        assert self._process.stdin is not None  # noqa: S101 - asked for when it was started
        self._process.stdin.write(json.dumps({"wire": wire, "streams": streams, "seconds": seconds}) + "\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._answer(), type=Reading)

    def begin(self) -> None:
        """Wait until it has loaded what it needs, and give it its core."""
        self._answer()
        pin(self._process.pid, frozenset([split_cores().web]))

    def _answer(self) -> str:
        assert self._process.stdout is not None  # noqa: S101 - likewise
        line = self._process.stdout.readline()
        if not line:
            self._log.seek(0)
            raise RuntimeError(f"{self.name} gave up:\n{self._log.read()}")
        return line


@contextmanager
def library(name: str, vendor_url: str) -> Generator[Library]:
    """Run a library; `vendor_url` ends where the vendor's host does."""
    python = python_of(_REQUIREMENTS[name]) if name in _REQUIREMENTS else Path(sys.executable)
    command = [python, "-m", "readers", name, vendor_url]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, env=_ENVIRONMENT
        )
        try:
            running = Library(name, process, log)
            running.begin()
            yield running
        finally:
            process.kill()
            process.communicate()
