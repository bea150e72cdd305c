"""The worker: runs jobs, each under its own tenant, and takes up runs that lost their process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from .adapters import Adapters
from .bootstrap import open_adapters
from .domain.errors import BackboardError
from .runs.journal import Journal
from .runs.live import LiveRuns
from .runs.recover import CLAIMED_MAX, recover_lost_runs
from .runs.remembering import RememberMessage, remember_message
from .runs.summarise import SummariseThread, summarise_thread
from .settings import Settings
from .store.jobs import ATTEMPTS_MAX, Job, claim_jobs, delete_job, update_failed_job
from .store.request_keys import purge_expired
from .webhooks.deliver import DeliverWebhook, deliver_webhook

POLL_SECONDS = 0.5
LEASE_SECONDS = 300.0  # a job that takes longer is taken to be lost, and given to another worker
RECOVER_SECONDS = 1.0
PURGE_SECONDS = 300.0
PURGED_ROWS_MAX = 10_000  # at a time

_log = logging.getLogger(__name__)


async def _summarise_thread(adapters: Adapters, job: Job) -> None:
    await summarise_thread(adapters, job.tenant_id, msgspec.convert(job.payload, SummariseThread))


async def _delete_blobs(adapters: Adapters, job: Job) -> None:
    keys: list[str] = job.payload["keys"]
    await adapters.blobs.delete(keys)


async def _remember_message(adapters: Adapters, job: Job) -> None:
    request = msgspec.convert(job.payload, RememberMessage)
    await remember_message(adapters, job.tenant_id, request, is_last_attempt=job.attempts >= ATTEMPTS_MAX)


async def _deliver_webhook(adapters: Adapters, job: Job) -> None:
    await deliver_webhook(adapters, job.tenant_id, msgspec.convert(job.payload, DeliverWebhook))


JOBS: dict[str, Callable[[Adapters, Job], Awaitable[None]]] = {
    "summarise_thread": _summarise_thread,
    "delete_blobs": _delete_blobs,
    "remember_message": _remember_message,
    "deliver_webhook": _deliver_webhook,
}


class Lane(Struct, frozen=True):
    """Kinds of jobs that share a number of places, and leave those of other lanes alone."""

    kinds: tuple[str, ...]
    at_once_max: int


LANES = (
    Lane(("summarise_thread", "delete_blobs"), 4),
    Lane(("remember_message",), 4),
    Lane(("deliver_webhook",), 8),  # others' servers may take long, and cost nothing while they do
)


async def run_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Run jobs, and runs that lost their process, until `stop` is set; then finish what is under way."""
    async with open_adapters(settings) as adapters, asyncio.TaskGroup() as group:
        group.create_task(_look_after_runs(adapters, settings, stop))
        for lane in LANES:
            group.create_task(_run_lane(adapters, lane, stop))


async def _run_lane(adapters: Adapters, lane: Lane, stop: asyncio.Event) -> None:
    async with asyncio.TaskGroup() as group:
        running: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            claimed = await _claim(adapters, lane, lane.at_once_max - len(running))
            for job in claimed:
                task = group.create_task(run_job(adapters, job))
                running.add(task)
                task.add_done_callback(running.discard)
            if not claimed:
                await _pause(stop)


async def _look_after_runs(adapters: Adapters, settings: Settings, stop: asyncio.Event) -> None:
    """Take up runs whose process is gone, and purge what is kept for a while only, until `stop` is set."""
    runs = LiveRuns()
    journal = Journal(adapters.database, runs)
    purged_at = time.monotonic()
    async with journal.running():
        while not stop.is_set():
            found = 0
            try:
                found = await recover_lost_runs(adapters, journal)
                if time.monotonic() - purged_at > PURGE_SECONDS:
                    purged_at = time.monotonic()
                    await purge_expired(
                        adapters.database, log_hours=settings.run_log_hours, limit=PURGED_ROWS_MAX
                    )
            except BackboardError as error:
                _log.warning("lost runs could not be looked for: %s", error.message)
            if found < CLAIMED_MAX:
                await _pause(stop, RECOVER_SECONDS)
        await runs.drain(settings.drain_seconds)


async def run_job(adapters: Adapters, job: Job) -> None:
    """Run one job and record how it went; a failure never ends the worker."""
    try:
        async with asyncio.timeout(LEASE_SECONDS * 0.9):
            await JOBS[job.kind](adapters, job)
        await delete_job(adapters.database, job)
    except Exception as error:  # noqa: BLE001 - the worker: whatever happened belongs to this job alone
        message = error.message if isinstance(error, BackboardError) else f"{type(error).__name__}: {error}"
        _log.warning("job %s %s failed, attempt %d: %s", job.kind, job.id, job.attempts, message)
        await _record_failure(adapters, job, message)


async def _record_failure(adapters: Adapters, job: Job, message: str) -> None:
    try:
        await update_failed_job(adapters.database, job, message)
    except BackboardError as error:
        _log.error("the failed job could not be stored, its lease will run out: %s", error.message)


async def _claim(adapters: Adapters, lane: Lane, limit: int) -> list[Job]:
    if limit <= 0:
        return []
    try:
        return await claim_jobs(adapters.database, kinds=lane.kinds, limit=limit, lease_seconds=LEASE_SECONDS)
    except BackboardError as error:
        _log.warning("no jobs could be claimed: %s", error.message)
        return []


async def _pause(stop: asyncio.Event, seconds: float = POLL_SECONDS) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
