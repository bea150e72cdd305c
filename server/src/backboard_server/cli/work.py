"""The job worker as a process: it runs jobs until it is told to stop, and finishes those under way."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from backboard_server.settings import Settings
from backboard_server.worker import run_worker

from .children import die_with_parent
from .logs import configure_logging


def work(settings: Settings, *, parent: int | None) -> None:
    """Run jobs until SIGTERM or SIGINT; with `parent`, no longer than that process lives."""
    if parent is not None:
        die_with_parent(parent)
    configure_logging("worker", settings.log_format)
    uvloop.run(_until_told(settings))


async def _until_told(settings: Settings) -> None:
    stop = asyncio.Event()
    for order in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(order, stop.set)
    await run_worker(settings, stop)
