"""The queue: who gets which job, for how long, and what becomes of jobs that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from uuid import UUID

import pytest
from asyncpg import Record

from backboard_server.domain.ids import new_id
from backboard_server.store.database import Connection, Database
from backboard_server.store.jobs import ATTEMPTS_MAX, Job, claim_jobs, delete_job, update_failed_job
from tenants import Tenant

LEASE_SECONDS = 60.0


@pytest.fixture(autouse=True)
async def queue(owner: Connection) -> AsyncGenerator[Connection]:
    """An empty queue: claims are across tenants, so what other tests left would be claimed too."""
    await owner.execute("DELETE FROM jobs")
    yield owner
    await owner.execute("DELETE FROM jobs")


KINDS = ("test", "other")


async def enqueue(
    database: Database, tenant: Tenant, subject: str, *, due_in_seconds: float = 0, kind: str = "test"
) -> UUID:
    job_id = new_id()
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(
            """
            INSERT INTO jobs (tenant_id, id, kind, subject, payload, run_after)
            VALUES ($1, $2, $3, $4, '{"n": 1}', now() + $5)
            """,
            tenant.caller.tenant_id, job_id, kind, subject, timedelta(seconds=due_in_seconds),
        )  # fmt: skip
    return job_id


async def claim(database: Database, limit: int = 10, lease_seconds: float = LEASE_SECONDS) -> list[Job]:
    return await claim_jobs(database, kinds=KINDS, limit=limit, lease_seconds=lease_seconds)


async def stored(queue: Connection, job_id: UUID) -> Record | None:
    return await queue.fetchrow("SELECT *, run_after - now() AS wait FROM jobs WHERE id = $1", job_id)


async def expire_lease(queue: Connection, job_id: UUID) -> None:
    await queue.execute("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE id = $1", job_id)


async def make_due(queue: Connection, job_id: UUID) -> None:
    await queue.execute("UPDATE jobs SET run_after = now() WHERE id = $1", job_id)


async def test_a_claimed_job_has_all_that_it_takes_to_run_it(database: Database, tenant: Tenant) -> None:
    job_id = await enqueue(database, tenant, "a")

    assert await claim(database) == [
        Job(tenant_id=tenant.caller.tenant_id, id=job_id, kind="test", payload={"n": 1}, attempts=1)
    ]


async def test_jobs_are_claimed_in_the_order_in_which_they_became_due(
    database: Database, tenant: Tenant
) -> None:
    second = await enqueue(database, tenant, "second", due_in_seconds=-10)
    first = await enqueue(database, tenant, "first", due_in_seconds=-20)
    third = await enqueue(database, tenant, "third")

    claimed = [job.id for _ in range(3) for job in await claim(database, limit=1)]

    assert claimed == [first, second, third]


async def test_a_job_waits_until_it_is_due(database: Database, tenant: Tenant) -> None:
    await enqueue(database, tenant, "later", due_in_seconds=60)

    assert await claim(database) == []


async def test_a_claimed_job_is_nobody_elses(database: Database, tenant: Tenant) -> None:
    await enqueue(database, tenant, "a")
    await claim(database)

    assert await claim(database) == []


async def test_no_more_jobs_are_claimed_than_asked_for(database: Database, tenant: Tenant) -> None:
    for number in range(5):
        await enqueue(database, tenant, str(number))

    assert len(await claim(database, limit=3)) == 3
    assert len(await claim(database, limit=3)) == 2


async def test_claimers_at_the_same_time_get_different_jobs(database: Database, tenant: Tenant) -> None:
    ids = {await enqueue(database, tenant, str(number)) for number in range(40)}

    claims = await asyncio.gather(*(claim(database, limit=10) for _ in range(6)))

    claimed = [job.id for jobs in claims for job in jobs]
    assert len(claimed) == len(set(claimed)) == len(ids)


async def test_a_job_that_somebody_is_claiming_is_skipped_and_not_waited_for(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    held = await enqueue(database, tenant, "held", due_in_seconds=-10)
    free = await enqueue(database, tenant, "free")

    async with queue.transaction(), asyncio.timeout(10):
        await queue.execute("SELECT FROM jobs WHERE id = $1 FOR UPDATE", held)
        claimed = await claim(database)

    assert [job.id for job in claimed] == [free]


async def test_jobs_of_every_tenant_are_claimed(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    await enqueue(database, tenant, "a")
    await enqueue(database, other_tenant, "a")

    tenants = {job.tenant_id for job in await claim(database)}

    assert tenants == {tenant.caller.tenant_id, other_tenant.caller.tenant_id}


async def test_what_follows_the_claim_stays_within_the_jobs_tenant(
    database: Database, tenant: Tenant, other_tenant: Tenant, queue: Connection
) -> None:
    job_id = await enqueue(database, tenant, "a")
    [job] = await claim(database)
    forged = Job(
        tenant_id=other_tenant.caller.tenant_id, id=job.id, kind=job.kind, payload={}, attempts=job.attempts
    )

    await delete_job(database, forged)
    await update_failed_job(database, forged, "no")

    row = await stored(queue, job_id)
    assert row is not None
    assert (row["status"], row["last_error"]) == ("running", None)


async def test_a_job_that_is_done_is_forgotten(database: Database, tenant: Tenant, queue: Connection) -> None:
    job_id = await enqueue(database, tenant, "a")
    [job] = await claim(database)

    await delete_job(database, job)

    assert await stored(queue, job_id) is None


async def test_a_job_whose_lease_ran_out_is_claimed_again_with_a_higher_attempt(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    job_id = await enqueue(database, tenant, "a")
    [first] = await claim(database)
    await expire_lease(queue, job_id)

    [second] = await claim(database)

    assert (second.id, first.attempts, second.attempts) == (job_id, 1, 2)


async def test_a_worker_that_was_too_slow_changes_nothing_any_more(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    job_id = await enqueue(database, tenant, "a")
    [slow] = await claim(database)
    await expire_lease(queue, job_id)
    await claim(database)
    before = await stored(queue, job_id)
    assert before is not None

    await delete_job(database, slow)
    await update_failed_job(database, slow, "too late")

    after = await stored(queue, job_id)
    assert after is not None
    assert (after["status"], after["attempts"], after["last_error"]) == ("running", 2, None)
    assert after["lease_until"] == before["lease_until"]


async def test_a_worker_that_was_too_slow_deletes_nothing_for_a_newer_job(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    job_id = await enqueue(database, tenant, "a")
    [slow] = await claim(database)
    await expire_lease(queue, job_id)
    await claim(database)
    await enqueue(database, tenant, "a")

    await update_failed_job(database, slow, "too late")

    assert await stored(queue, job_id) is not None


async def test_a_failed_job_waits_longer_after_each_attempt(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    job_id = await enqueue(database, tenant, "a")
    waits: list[int] = []

    for attempt in range(1, ATTEMPTS_MAX):
        [job] = await claim(database)
        assert job.attempts == attempt
        await update_failed_job(database, job, f"failure {attempt}")
        row = await stored(queue, job_id)
        assert row is not None
        assert (row["status"], row["last_error"], row["lease_until"]) == (
            "queued",
            f"failure {attempt}",
            None,
        )
        waits.append(round(row["wait"].total_seconds()))
        assert await claim(database) == []
        await make_due(queue, job_id)

    assert waits == [4, 8, 16, 32]


async def test_a_job_that_failed_too_often_is_kept_as_dead(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    job_id = await enqueue(database, tenant, "a")
    for _ in range(ATTEMPTS_MAX):
        await make_due(queue, job_id)
        [job] = await claim(database)
        await update_failed_job(database, job, "again")
    await make_due(queue, job_id)

    assert await claim(database) == []
    row = await stored(queue, job_id)
    assert row is not None
    assert (row["status"], row["last_error"], row["attempts"]) == ("dead", "again", ATTEMPTS_MAX)


async def test_a_job_that_kills_its_workers_dies_too(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    job_id = await enqueue(database, tenant, "a")
    for _ in range(ATTEMPTS_MAX):
        [_] = await claim(database)
        await expire_lease(queue, job_id)

    assert await claim(database) == []
    row = await stored(queue, job_id)
    assert row is not None
    assert (row["status"], row["attempts"], row["lease_until"]) == ("dead", ATTEMPTS_MAX, None)


async def test_a_failed_job_gives_way_to_a_newer_one_about_the_same(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    older = await enqueue(database, tenant, "a")
    [job] = await claim(database)
    newer = await enqueue(database, tenant, "a")

    await update_failed_job(database, job, "again")

    assert await stored(queue, older) is None
    assert [job.id for job in await claim(database)] == [newer]


@pytest.mark.parametrize(("subject", "kind"), [("b", "test"), ("a", "other")])
async def test_a_failed_job_does_not_give_way_to_one_about_something_else(
    database: Database, tenant: Tenant, queue: Connection, subject: str, kind: str
) -> None:
    job_id = await enqueue(database, tenant, "a")
    [job] = await claim(database)
    await enqueue(database, tenant, subject, kind=kind)

    await update_failed_job(database, job, "again")

    assert await stored(queue, job_id) is not None


async def test_of_an_error_only_the_beginning_is_kept(
    database: Database, tenant: Tenant, queue: Connection
) -> None:
    job_id = await enqueue(database, tenant, "a")
    [job] = await claim(database)

    await update_failed_job(database, job, "x" * 100_000)

    row = await stored(queue, job_id)
    assert row is not None
    assert row["last_error"] == "x" * 2_000
