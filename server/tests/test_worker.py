"""The worker: jobs that fail, come back, and die in the end."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Invalid
from backboard_server.domain.ids import new_id
from backboard_server.settings import Settings
from backboard_server.store.database import Connection, Database
from backboard_server.store.jobs import ATTEMPTS_MAX, Job, claim_jobs
from backboard_server.worker import JOBS, run_job, run_worker
from tenants import Tenant, make_tenant
from waiting import wait_until


class Disk:
    """A file to be stored."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self, size: int = -1) -> bytes:
        taken, self._content = self._content, b""
        return taken


async def enqueue(database: Database, tenant: Tenant, kind: str, payload: str) -> UUID:
    job_id = new_id()
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO jobs (tenant_id, id, kind, subject, payload) VALUES ($1, $2, $3, $4, $5)",
            tenant.caller.tenant_id,
            job_id,
            kind,
            str(job_id),
            payload,
        )
    return job_id


async def status_of(database: Database, tenant: Tenant, job_id: UUID) -> str | None:
    async with database.tenant(tenant.caller.tenant_id) as connection:
        return await connection.fetchval(
            "SELECT status FROM jobs WHERE tenant_id = $1 AND id = $2", tenant.caller.tenant_id, job_id
        )


async def test_jobs_of_every_tenant_are_done_and_forgotten(
    adapters: Adapters, settings: Settings, owner: Connection
) -> None:
    stop = asyncio.Event()
    worker = asyncio.create_task(run_worker(settings, stop))
    jobs: list[tuple[Tenant, UUID, str]] = []
    for _ in range(3):
        tenant = await make_tenant(owner)
        key = await adapters.blobs.put(tenant.caller.tenant_id, Disk(b"bytes"))
        job_id = await enqueue(adapters.database, tenant, "delete_blobs", f'{{"keys": ["{key}", "gone"]}}')
        jobs.append((tenant, job_id, key))

    async def are_done() -> bool:
        return all([await status_of(adapters.database, tenant, job) is None for tenant, job, _ in jobs])

    await wait_until(are_done)
    stop.set()
    await worker
    assert not [key for _, _, key in jobs if (settings.data_dir / "blobs" / key).exists()]


async def test_a_job_that_fails_waits_and_a_job_that_keeps_failing_is_kept_as_dead(
    adapters: Adapters, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_adapters: Adapters, _job: Job) -> None:
        raise Invalid("not today")

    monkeypatch.setitem(JOBS, "failing", fail)
    job_id = await enqueue(adapters.database, tenant, "failing", "{}")
    (first,) = await _claimed(adapters.database, job_id)

    await run_job(adapters, first)
    assert await status_of(adapters.database, tenant, job_id) == "queued"

    for _ in range(ATTEMPTS_MAX - 1):
        async with adapters.database.tenant(tenant.caller.tenant_id) as connection:
            await connection.execute(
                "UPDATE jobs SET run_after = now() WHERE tenant_id = $1", tenant.caller.tenant_id
            )
        (again,) = await _claimed(adapters.database, job_id)
        await run_job(adapters, again)
    assert await status_of(adapters.database, tenant, job_id) == "dead"


async def test_a_job_of_an_unknown_kind_does_not_end_the_worker(adapters: Adapters, tenant: Tenant) -> None:
    job_id = await enqueue(adapters.database, tenant, "from a later release", "{}")
    (job,) = await _claimed(adapters.database, job_id)

    await run_job(adapters, job)

    assert await status_of(adapters.database, tenant, job_id) == "queued"


async def _claimed(database: Database, job_id: UUID) -> list[Job]:
    kinds = [*JOBS, "from a later release"]
    claimed = await claim_jobs(database, kinds=kinds, limit=100_000, lease_seconds=60)
    return [job for job in claimed if job.id == job_id]
