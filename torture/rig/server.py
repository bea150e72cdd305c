"""The server as its operator runs it: `backboard serve`, started again when it ends, as a supervisor would.

Its processes can be killed and stopped one by one; all of them are gone when the block ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

READY_SECONDS_MAX = 60.0
_STOP_SECONDS_MAX = 60.0
_STARTS_MAX = 30  # in a row, without becoming ready
_LOOK_SECONDS = 0.02
_COMMAND = (sys.executable, "-m", "backboard_server.cli")


class Plan(Struct, frozen=True, kw_only=True):
    """How a server is run: on which folder, with how many web processes, and with which further settings."""

    folder: Path
    web_processes: int = 2
    environment: Mapping[str, str] = {}


class Server:
    """A server that is kept running; `serving` makes one. `starts` counts how often it was started."""

    def __init__(self, plan: Plan) -> None:
        """Nothing runs yet; the port is chosen for good."""
        self.plan = plan
        self.port = _free_port()
        self.starts = 0
        self._process: Process | None = None
        self._is_up = asyncio.Event()
        self._is_stopping = False

    @property
    def folder(self) -> Path:
        """Its data folder."""
        return self.plan.folder / "backboard"

    @property
    def log(self) -> Path:
        """Where its log is."""
        return self.plan.folder / "log"

    async def keep(self) -> None:
        """Start it, and again whenever it ends, until `stop`. Raises RuntimeError if it does not start."""
        failures = 0
        while not self._is_stopping:
            process = self._process = await self._start()
            self.starts += 1
            failures = 0 if await self._is_announced(process) else failures + 1
            if failures > _STARTS_MAX:
                raise RuntimeError(f"The server does not start; its log is {self.log}")
            await process.wait()
            self._is_up.clear()

    async def ready(self) -> float:
        """Wait until it answers, and return how many seconds that took."""
        started = time.monotonic()
        async with asyncio.timeout(READY_SECONDS_MAX):
            await until(self._is_ready)
        return time.monotonic() - started

    async def whole(self) -> None:
        """Wait until it is ready, and has all its web processes."""

        async def is_whole() -> bool:
            return await self._is_ready() and len(self.web()) == self.plan.web_processes

        async with asyncio.timeout(READY_SECONDS_MAX):
            await until(is_whole)

    async def stop(self) -> None:
        """Ask it to stop, and kill what has not after a minute."""
        self._is_stopping = True
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_SECONDS_MAX):
                await process.wait()
        except TimeoutError:
            self.kill_all()
            await process.wait()

    def web(self) -> list[int]:
        """Return the web processes."""
        return self._children("spawn_main")

    def workers(self) -> list[int]:
        """Return the job worker, none while it is being replaced."""
        return self._children(" work ")

    def postgres(self) -> int:
        """Return the embedded Postgres."""
        return int((self.folder / "postgres" / "postmaster.pid").read_text().split("\n", 1)[0])

    def kill_whole(self) -> None:
        """Kill the server; its processes go with it, and Postgres stays for the next one."""
        self._is_up.clear()
        send(self._process.pid if self._process else 0, signal.SIGKILL)

    def kill_all(self) -> None:
        """Kill the server and Postgres at once, as when the machine loses its power."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            send(self.postgres(), signal.SIGKILL)
        self.kill_whole()

    async def _start(self) -> Process:
        with self.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *_COMMAND, "serve", "--port", str(self.port), "--data-dir", str(self.folder),
                "--workers", str(self.plan.web_processes),
                env=bare_environment() | dict(self.plan.environment), stdout=PIPE, stderr=log,
            )  # fmt: skip

    async def _is_ready(self) -> bool:
        return self._is_up.is_set() and await answers(self.port)

    async def _is_announced(self, process: Process) -> bool:
        assert process.stdout is not None  # noqa: S101 - asked for when it was started
        async for line in process.stdout:
            if b"ready on" in line:
                self._is_up.set()
                return True
        return False

    def _children(self, word: str) -> list[int]:
        if self._process is None:
            return []
        return [pid for pid, words in children(self._process.pid).items() if word in words]


@asynccontextmanager
async def serving(plan: Plan) -> AsyncGenerator[Server]:
    """Run a server that is ready, and leave nothing of it behind."""
    server = Server(plan)
    keeping = asyncio.create_task(server.keep())
    try:
        await server.ready()
        yield server
    finally:
        await server.stop()
        await keeping


def bare_environment() -> dict[str, str]:
    """Return what a program needs to run, without a setting or a provider's key of this machine."""
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def send(pid: int, order: signal.Signals) -> bool:
    """Send a signal to a process, and say whether it was still there."""
    if pid <= 1:
        return False
    try:
        os.kill(pid, order)
    except ProcessLookupError:
        return False
    return True


def children(parent: int) -> dict[int, str]:
    """Return the command line of each child of a process, by pid."""
    found: dict[int, str] = {}
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{parent}/task").iterdir():
            for child in (thread / "children").read_text().split():
                with contextlib.suppress(OSError):
                    found[int(child)] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
    return found


async def until(is_so: Callable[[], Awaitable[bool]], look_seconds: float = _LOOK_SECONDS) -> None:
    """Look again and again until something is so: nobody tells."""
    while not await is_so():  # noqa: ASYNC110 - other processes set no event of ours
        await asyncio.sleep(look_seconds)


async def answers(port: int) -> bool:
    """Whether the server at a port says that it is ready."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        async with asyncio.timeout(_STOP_SECONDS_MAX):
            return b" 200 " in await reader.readline()
    except OSError:
        return False
    finally:
        writer.transport.abort()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
