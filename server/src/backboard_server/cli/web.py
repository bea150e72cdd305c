"""The web processes: granian around the application, on one port."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import math
import multiprocessing
import os
import signal
import socket
from functools import partial
from typing import TYPE_CHECKING

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.http import HTTP1Settings
from granian.log import LogLevels

from backboard_server.domain.errors import Conflict, Invalid, Unavailable
from backboard_server.settings import Settings

from .children import die_with_parent
from .logs import configure_logging

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

HEADER_SECONDS_MAX = 10
REQUESTS_MAX = 2_500  # at once per process, streams included; the runs have a smaller limit of their own
_KILL_MARGIN_SECONDS = 5

# Granian's records go the way of all others.
_GRANIAN_LOGGING: dict[str, object] = {"incremental": True, "formatters": {}, "handlers": {}, "loggers": {}}

_log = logging.getLogger(__name__)


def resolve_listener(host: str, port: int) -> tuple[str, int]:
    """Return the address and the port to listen on: a number for a name, a free port for 0.

    Raises Conflict when the port is taken, Invalid when the host is not this machine's.
    """
    try:
        family, _, _, _, listener = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # The web processes share their port, and would share it with another server's just as well.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(listener)
            return probe.getsockname()[:2]
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"Port {port} on {host} is in use. Stop what uses it, or choose another port with --port "
                "(0 takes a free one)."
            ) from error
        raise Invalid(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose with --host and --port."
        ) from error


def run_web(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then let what is under way come to its end.

    Raises Unavailable when the web processes keep dying.
    """
    multiprocessing.set_start_method("spawn", force=True)  # a fork would inherit the lock of the data folder
    granian = Granian(
        "backboard_server.app:create_app",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=settings.workers,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS_MAX * 1000),
        backpressure=REQUESTS_MAX,
        log_level=LogLevels.warning,
        log_dictconfig=_GRANIAN_LOGGING,
        respawn_failed_workers=True,
        workers_kill_timeout=math.ceil(settings.drain_seconds) + _KILL_MARGIN_SECONDS,
    )
    try:
        granian.serve(target_loader=partial(load_app, os.getpid(), settings), wrap_loader=False)
    except SystemExit as error:
        if not granian.interrupt_signal:
            raise Unavailable("The web processes keep ending; the log above says why.") from error


def load_app(parent: int, settings: Settings) -> ASGIApp:
    """Return the application, in a web process of the server `parent`."""
    die_with_parent(parent)
    configure_logging("web", settings.log_format)
    from backboard_server.app import create_app

    app = create_app(settings)
    _spare_the_collector()

    async def draining(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            _drain_on_sigterm(app, settings.drain_seconds)
        await app(scope, receive, send)

    return draining


def _spare_the_collector() -> None:
    """Leave what lives as long as the process out of every garbage collection, and collect less often.

    Requests leave few cycles behind; looking for them took 5 to 8 % of the time of each.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 50)


def _drain_on_sigterm(app: FastAPI, drain_seconds: float) -> None:
    """End the runs in time when we are told to stop: granian waits for their streams, however long they take.

    It acts on SIGTERM and SIGINT alike, so that the one can be ours and is passed on as the other.
    """
    loop = asyncio.get_running_loop()
    draining: list[asyncio.Task[None]] = []

    def begin() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        draining.append(loop.create_task(app.state.edge.runs.drain(drain_seconds)))

    loop.add_signal_handler(signal.SIGTERM, begin)
