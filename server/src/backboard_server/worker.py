"""The worker: runs jobs, each under its own tenant; what keeps failing is kept as dead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from .adapters import Adapters
from .bootstrap import open_adapters
from .domain.errors import BackboardError
from .runs.summarise import SummariseThread, summarise_thread
from .settings import Settings
from .store.jobs import Job, claim_jobs, delete_job, update_failed_job
from .webhooks.deliver import DeliverWebhook, deliver_webhook

POLL_SECONDS = 0.5
LEASE_SECONDS = 300.0  # a job that takes longer is taken to be lost, and given to another worker
JOBS_AT_ONCE_MAX = 4

_log = logging.getLogger(__name__)


async def _summarise_thread(adapters: Adapters, job: Job) -> None:
    await summarise_thread(adapters, job.tenant_id, msgspec.convert(job.payload, SummariseThread))


async def _delete_blobs(adapters: Adapters, job: Job) -> None:
    keys: list[str] = job.payload["keys"]
    await adapters.blobs.delete(keys)


async def _deliver_webhook(adapters: Adapters, job: Job) -> None:
    await deliver_webhook(adapters, job.tenant_id, msgspec.convert(job.payload, DeliverWebhook))


JOBS: dict[str, Callable[[Adapters, Job], Awaitable[None]]] = {
    "summarise_thread": _summarise_thread,
    "delete_blobs": _delete_blobs,
    "deliver_webhook": _deliver_webhook,
}


async def run_worker(settings: Settings, stop: asyncio.Event) -> None:
    """Run jobs until `stop` is set, then finish those that are under way."""
    async with open_adapters(settings) as adapters, asyncio.TaskGroup() as group:
        running: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            claimed = await _claim(adapters, JOBS_AT_ONCE_MAX - len(running))
            for job in claimed:
                task = group.create_task(run_job(adapters, job))
                running.add(task)
                task.add_done_callback(running.discard)
            if not claimed:
                await _pause(stop)


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


async def _claim(adapters: Adapters, limit: int) -> list[Job]:
    if limit <= 0:
        return []
    try:
        return await claim_jobs(adapters.database, limit=limit, lease_seconds=LEASE_SECONDS)
    except BackboardError as error:
        _log.warning("no jobs could be claimed: %s", error.message)
        return []


async def _pause(stop: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(stop.wait(), POLL_SECONDS)
    except TimeoutError:
        return
