"""Logs of runs in Postgres: appended by the process that has the run, read by any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from backboard_server.domain.runs import LogRow, RunLogState

from .database import Database


class Batch(Struct, frozen=True, kw_only=True):
    """Events of one run on their way to its log."""

    run_id: UUID
    epoch: int
    first_sequence: int
    last_sequence: int
    events: str


class Watched(Struct, frozen=True):
    """A run that this process has."""

    run_id: UUID
    epoch: int


class Followed(Struct, frozen=True):
    """A run whose log is read from a number on."""

    run_id: UUID
    after: int


class SyncRuns(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All that a process has to tell, and to ask, of its runs of one tenant.

    With `lease_seconds` it keeps them.
    """

    batches: Sequence[Batch] = ()
    watched: Sequence[Watched] = ()
    followed: Sequence[Followed] = ()
    lease_seconds: float | None = None


class Synced(Struct, frozen=True):
    """What has become of the runs that are watched, and of those that are followed.

    One that is gone is missing.
    """

    states: list[RunLogState]
    followed: list[RunLogState]


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Synced)


async def sync_runs(database: Database, tenant_id: UUID, request: SyncRuns) -> Synced:
    """Append to logs, renew leases, and learn of cancels, takeovers and new rows. One round trip.

    A batch that was appended before, or whose run is not ours any more, changes nothing.
    """
    rows = await database.call("SELECT sync_runs($1, $2)", tenant_id, _encoder.encode(request).decode())
    return _decoder.decode(rows[0][0])


async def list_rows(database: Database, tenant_id: UUID, run_id: UUID, *, after: int) -> list[LogRow]:
    """Return the rows of a log that end beyond a number, in order."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            """
            SELECT first_sequence, last_sequence, events FROM run_events
            WHERE tenant_id = $1 AND run_id = $2 AND last_sequence > $3 ORDER BY last_sequence
            """,
            tenant_id, run_id, after,
        )  # fmt: skip
    return [LogRow(**dict(row.items())) for row in rows]


async def find_said(database: Database, tenant_id: UUID, message_id: UUID) -> tuple[str, str | None]:
    """Return the content and the reasoning of an answer: nothing where it is not stored."""
    async with database.tenant(tenant_id) as connection:
        row: Any = await connection.fetchrow(
            "SELECT content, reasoning FROM messages WHERE tenant_id = $1 AND id = $2", tenant_id, message_id
        )
    return ("", None) if row is None else (row["content"], row["reasoning"])
