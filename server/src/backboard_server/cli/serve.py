"""One machine's server: what is started, in which order, and how it stops."""

from __future__ import annotations

import asyncio
import http.client
import ipaddress
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from types import FrameType

from backboard_server.domain.errors import Invalid, Unavailable
from backboard_server.settings import PREFIX, Settings
from backboard_server.store.address import Address
from backboard_server.store.database import connect_owner
from backboard_server.store.keys import ensure_first_key, has_only_generated_keys
from backboard_server.store.migrate import migrate

from .database import running_database
from .job_worker import JobWorker
from .logs import configure_logging
from .web import resolve_listener, run_web

_READY_POLL_SECONDS = 0.05


def serve(settings: Settings, *, has_worker: bool, is_generated_key_allowed: bool) -> None:
    """Run Postgres (unless it is external), the job worker and the web processes until SIGTERM or SIGINT.

    They stop in the opposite order. Raises what keeps them from starting, each with a remedy, and Unavailable
    when one of them cannot be kept up.
    """
    configure_logging("serve", settings.log_format)
    host, port = resolve_listener(settings.host, settings.port)
    settings = settings.model_copy(
        update={"host": host, "port": port, "data_dir": settings.data_dir.resolve()}
    )
    os.environ[f"{PREFIX}DATA_DIR"] = str(settings.data_dir)  # the job worker reads the environment
    _check_own_providers(settings)
    _check_egress(settings)
    is_lost = threading.Event()

    def stop_without_postgres() -> None:
        is_lost.set()
        os.kill(os.getpid(), signal.SIGTERM)

    with _ended_by_signals(), running_database(settings, on_lost=stop_without_postgres) as owner:
        secret = asyncio.run(_prepare(owner, settings, is_generated_key_allowed=is_generated_key_allowed))
        if secret:
            _say(f"API key of the tenant default, shown this once: {secret}")
        with JobWorker(settings.drain_seconds) if has_worker else nullcontext(), _announced(settings):
            run_web(settings)
    if is_lost.is_set():
        raise Unavailable(
            "The server stopped because its Postgres died and did not come back; see the log above."
        )


def _check_own_providers(settings: Settings) -> None:
    """Say what is wrong with the operator's providers once and before the rest: every process reads them."""
    if settings.config or settings.providers or (settings.data_dir / "backboard.toml").exists():
        from backboard_server.bootstrap import own_rows  # a quarter of a second that others are spared

        own_rows(settings)


def _check_egress(settings: Settings) -> None:
    """Say what is wrong with the operator's list of allowed addresses once, for the same reason."""
    if settings.egress_allow:
        from backboard_server.providers.outside import GuardedOutside

        GuardedOutside(settings.egress_allow)


@contextmanager
def _ended_by_signals() -> Generator[None]:
    """Leave the block in good order on SIGTERM or SIGINT, until the web processes take the signals over."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        for order in (signal.SIGTERM, signal.SIGINT):
            signal.signal(order, signal.SIG_IGN)  # stopping is bounded in time, and must not be cut short
        sys.exit(0)

    for order in (signal.SIGTERM, signal.SIGINT):
        signal.signal(order, end)
    yield


async def _prepare(owner: Address, settings: Settings, *, is_generated_key_allowed: bool) -> str | None:
    """Bring the tables up to date, see to the first key, and return it if it was made now."""
    await migrate(owner)
    connection = await connect_owner(owner)
    try:
        is_refused = (
            not ipaddress.ip_address(settings.host).is_loopback
            and not settings.api_key
            and not is_generated_key_allowed
            and await has_only_generated_keys(connection)
        )
        if is_refused:
            raise Invalid(
                f"{settings.host} can be reached from other machines, and the only API key would be a "
                "generated one. Make a key with `backboard keys create --tenant default`, or set "
                "BACKBOARD_API_KEY, or allow it with --allow-generated-key."
            )
        return await ensure_first_key(connection, settings.api_key)
    finally:
        await connection.close()


@contextmanager
def _announced(settings: Settings) -> Generator[None]:
    """Say on standard output when the server is ready."""
    is_over = threading.Event()
    announcing = threading.Thread(target=_announce, args=(settings, is_over), daemon=True)
    announcing.start()
    try:
        yield
    finally:
        is_over.set()
        announcing.join()


def _announce(settings: Settings, is_over: threading.Event) -> None:
    while not is_over.wait(_READY_POLL_SECONDS):
        if _is_ready(settings):
            host = f"[{settings.host}]" if ":" in settings.host else settings.host
            _say(f"Backboard is ready on http://{host}:{settings.port} (API under /api, docs under /docs)")
            return


def _is_ready(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(settings.host, settings.port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - standard output is for people, and for programs that wait for it
