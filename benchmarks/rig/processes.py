"""The processes of a benchmark: the fake vendor and a real `backboard serve`, each where it belongs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct
from readers.calls import MODELS, PROVIDERS, configuration

from .machine import pin, split_cores

_STOP_SECONDS_MAX = 60.0
_READY = "Backboard is ready on "
_REPOSITORY = Path(__file__).parents[2]
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Vendor(Struct, frozen=True):
    """The far end: what a model provider is to the server, and to a direct call."""

    base_url: str

    def script(self, **answer: Any) -> None:
        """Answer like this from now on; the fields are those of the fake vendor's Answer."""
        request = urllib.request.Request(  # noqa: S310 - our own vendor, on loopback
            self.base_url.removesuffix("/v1") + "/_script", json.dumps([answer]).encode()
        )
        with urllib.request.urlopen(request) as response:  # noqa: S310 - as above
            response.read()


class Server(Struct, frozen=True):
    """A server that is ready; `web` is the pid of its one web process."""

    base_url: str
    api_key: str
    web: int
    start_seconds: float


class Folder(Struct, frozen=True):
    """A data folder, and the key to whatever runs on it."""

    path: Path
    api_key: str


@contextmanager
def vendor() -> Generator[Vendor]:
    """Run the fake vendor."""
    command = [sys.executable, "-m", "fake_vendor"]
    environment = _environment() | {"PYTHONPATH": str(_REPOSITORY / "tools")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603 - ours
        assert process.stdout is not None  # noqa: S101 - asked for in the line above
        try:
            yield Vendor(json.loads(process.stdout.readline())["base_url"])
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def data_folder() -> Generator[Folder]:
    """Make a data folder and delete it afterwards, with all that was stored."""
    path = Path(tempfile.mkdtemp(prefix="backboard-bench-"))
    try:
        yield Folder(path, "espr_" + secrets.token_urlsafe(32))
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def serving(folder: Folder, vendor_url: str, wire: str = "openai_chat") -> Generator[Server]:
    """Run `backboard serve` as an operator does, its web process alone on its core; models speak `wire`."""
    command = [sys.executable, "-m", "backboard_server.cli", "serve", "--port", "0"]
    environment = _environment() | configuration(vendor_url.removesuffix("/v1"))
    environment |= {
        "BACKBOARD_API_KEY": folder.api_key,
        "BACKBOARD_DATA_DIR": str(folder.path),
        "BACKBOARD_DRAIN_SECONDS": "2",
        "BACKBOARD_LLM_PROVIDER": PROVIDERS[wire],
        "BACKBOARD_MODEL_NAME": MODELS[wire],
    }
    with tempfile.TemporaryFile("w+") as log:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)  # noqa: S603 - ours
        try:
            base_url = _address(process)
            if base_url is None:
                log.seek(0)
                raise RuntimeError(f"The server did not start:\n{log.read()}")
            start_seconds = time.perf_counter() - started
            web = _web_process(process.pid)
            pin(web, frozenset([split_cores().web]))
            yield Server(base_url, folder.api_key, web, start_seconds)
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=_STOP_SECONDS_MAX)


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far, in user and system mode, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


def resident_bytes(pid: int) -> int:
    """Return the memory that a process holds, what it shares with others included (RSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"The kernel does not tell the memory of process {pid}.")


def _environment() -> dict[str, str]:
    """Return what a program needs to run, without a setting or a provider's key of this machine."""
    return {"PATH": os.defpath}


def _address(process: subprocess.Popen[str]) -> str | None:
    assert process.stdout is not None  # noqa: S101 - asked for when it was started
    for line in process.stdout:
        if line.startswith(_READY):
            return line.removeprefix(_READY).split()[0]
    return None


def _web_process(parent: int) -> int:
    """Return the pid of the child that `multiprocessing` spawned: granian's one worker."""
    for thread in Path(f"/proc/{parent}/task").iterdir():
        for child in (thread / "children").read_text().split():
            if "spawn_main" in Path(f"/proc/{child}/cmdline").read_text():
                return int(child)
    raise RuntimeError(f"The server {parent} has no web process.")
