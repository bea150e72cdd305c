"""The queue: jobs are rows, enqueued in the transaction of the data that they are about.

A job is claimed for the length of a lease. Its attempt number is the fence: a worker that was too slow, and
whose job was claimed again since, changes nothing any more. A job that failed too often is kept as dead.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from .database import Database

ATTEMPTS_MAX = 5
_ERROR_CHARACTERS_MAX = 2_000
_BACKOFF_SECONDS = 2.0  # doubled with each attempt: 4, 8, 16, 32 seconds


class Job(Struct, frozen=True, kw_only=True):
    """A claimed job."""

    tenant_id: UUID
    id: UUID
    kind: str
    payload: dict[str, Any]
    attempts: int


async def claim_jobs(
    database: Database, *, kinds: Collection[str], limit: int, lease_seconds: float
) -> list[Job]:
    """Claim jobs of these kinds that are due, of any tenant, oldest first, and those whose lease ran out.

    One round trip.
    """
    rows = await database.call(
        "SELECT tenant_id, id, kind, payload, attempts FROM claim_jobs($1, $2, $3, $4)",
        limit, timedelta(seconds=lease_seconds), ATTEMPTS_MAX, list(kinds),
    )  # fmt: skip
    return [
        Job(
            tenant_id=row["tenant_id"],
            id=row["id"],
            kind=row["kind"],
            payload=msgspec.json.decode(row["payload"], type=dict[str, Any]),
            attempts=row["attempts"],
        )
        for row in rows
    ]


async def delete_job(database: Database, job: Job) -> None:
    """Forget a job that is done, unless it has been claimed again since."""
    async with database.tenant(job.tenant_id) as connection:
        await connection.execute(
            "DELETE FROM jobs WHERE tenant_id = $1 AND id = $2 AND attempts = $3",
            job.tenant_id, job.id, job.attempts,
        )  # fmt: skip


async def update_failed_job(database: Database, job: Job, error: str) -> None:
    """Put a failed job back for later, or among the dead if it has had its attempts."""
    is_dead = job.attempts >= ATTEMPTS_MAX
    async with database.tenant(job.tenant_id) as connection:
        # A newer job about the same subject makes this one superfluous: one of a kind waits per subject.
        await connection.execute(
            """
            DELETE FROM jobs AS j
            WHERE j.tenant_id = $1 AND j.id = $2 AND j.attempts = $3 AND EXISTS (
                SELECT FROM jobs AS n
                WHERE n.tenant_id = $1 AND n.kind = j.kind AND n.subject = j.subject AND n.status = 'queued'
            )
            """,
            job.tenant_id, job.id, job.attempts,
        )  # fmt: skip
        await connection.execute(
            """
            UPDATE jobs
            SET status = $4, run_after = now() + $5, lease_until = NULL, last_error = $6
            WHERE tenant_id = $1 AND id = $2 AND attempts = $3
            """,
            job.tenant_id, job.id, job.attempts, "dead" if is_dead else "queued",
            timedelta(seconds=_BACKOFF_SECONDS * 2**job.attempts), error[:_ERROR_CHARACTERS_MAX],
        )  # fmt: skip
