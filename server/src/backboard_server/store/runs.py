"""Runs in Postgres: read, queued, continued with outputs of tools, cancelled, and taken over when lost.

The SQL of what is more than a query is in routines/runs.sql, outputs.sql and leases.sql: one round trip each.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from backboard_server.domain.errors import NotFound
from backboard_server.domain.messages import RunOptions
from backboard_server.domain.prompts import ToolCall, Usage
from backboard_server.domain.runs import Attempt, HeldRun, Run, RunLogState, RunStatus
from backboard_server.domain.threads import Turn

from .database import Connection, Database
from .rows import decoded
from .turns import LogPart, Repeated, TurnLimits

_COLUMNS = """
    r.id, r.thread_id, t.assistant_id, r.message_id, r.question_id, r.status, r.model_provider, r.model_name,
    r.usage, r.cost_usd, r.attempts, r.error_code, r.error, r.created_at, r.started_at, r.ended_at, (
        SELECT pending_calls($1, m) FROM messages AS m
        WHERE r.status = 'REQUIRES_ACTION' AND m.tenant_id = $1 AND m.id = r.message_id
    ) AS tool_calls
"""
_FROM = "FROM runs AS r JOIN threads AS t ON t.tenant_id = $1 AND t.id = r.thread_id WHERE r.tenant_id = $1"


class StoredOutput(Struct, frozen=True, kw_only=True):
    """The output of a tool as it becomes a message of the thread; `tokens` is our estimate."""

    message_id: UUID
    tool_call_id: str
    name: str | None = None
    output: str
    is_error: bool = False
    tokens: int


class ContinueTurn(TurnLimits, frozen=True, kw_only=True, omit_defaults=True):
    """Outputs for a run that waits for them.

    `log` holds what its log gets first, numbered by the database.
    """

    thread_id: UUID
    run_id: UUID | None = None
    answer_id: UUID
    outputs: list[StoredOutput]
    options: RunOptions
    key_id: UUID
    lease_seconds: float
    log: dict[str, Any]
    idempotency_key: str | None = None
    fingerprint: str | None = None


class Continued(Struct, frozen=True, kw_only=True):
    """A run that goes on, or the one that went on when the same was asked before."""

    run: HeldRun | None = None
    turn: Turn | None = None
    repeated: Repeated | None = None


class FinishCalls(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What tools of the server's returned.

    With `answer_id` the run waits for the other calls of that answer.
    """

    run_id: UUID
    thread_id: UUID
    epoch: int
    status: RunStatus
    outputs: list[StoredOutput]
    log: LogPart
    answer_id: UUID | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    model_provider: str
    model_name: str


class StartQueued(TurnLimits, frozen=True, kw_only=True):
    """A queued run that asks whether it is its turn."""

    thread_id: UUID
    run_id: UUID
    epoch: int
    lease_seconds: float
    tools_wait_seconds: float


class QueuedAnswer(Struct, frozen=True, kw_only=True):
    """Whether a queued run still waits, or has been ended or taken over; else it has its turn."""

    waits: bool = False
    ended: bool = False


_encoder = msgspec.json.Encoder()
_continued = msgspec.json.Decoder(Continued)
_turn = msgspec.json.Decoder(Turn)
_queued = msgspec.json.Decoder(QueuedAnswer)
_held = msgspec.json.Decoder(HeldRun)


async def get_run(database: Database, tenant_id: UUID, thread_id: UUID, run_id: UUID) -> Run:
    """Return a run of a thread. Raises NotFound for either."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            f"SELECT {_COLUMNS} {_FROM} AND r.thread_id = $2 AND r.id = $3",
            tenant_id, thread_id, run_id,
        )  # fmt: skip
    if row is None:
        raise NotFound("Run not found")
    return _run(row)


async def find_run(database: Database, tenant_id: UUID, run_id: UUID) -> Run | None:
    """Return a run of any thread of the tenant, or None."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(f"SELECT {_COLUMNS} {_FROM} AND r.id = $2", tenant_id, run_id)
    return None if row is None else _run(row)


async def list_runs(
    database: Database, tenant_id: UUID, thread_id: UUID, *, skip: int, limit: int
) -> list[Run]:
    """Return a page of the runs of a thread, newest first. Raises NotFound for the thread."""
    async with database.tenant(tenant_id) as connection:
        rows = await connection.fetch(
            f"""
            SELECT {_COLUMNS} {_FROM} AND r.thread_id = $2 ORDER BY r.id DESC OFFSET $3 LIMIT $4
            """,
            tenant_id, thread_id, skip, limit,
        )  # fmt: skip
        if not rows and not await _has_thread(connection, tenant_id, thread_id):
            raise NotFound("Thread not found")
    return [_run(row) for row in rows]


async def continue_turn(database: Database, tenant_id: UUID, request: ContinueTurn) -> Continued:
    """Store the outputs that a run waits for, and return what it goes on with. One round trip.

    Raises NotFound for thread or run, Invalid for calls that are unknown or left out, and Conflict for a run
    that does not wait, for outputs that differ from those handed in before, and for a key that was reused.
    """
    rows = await database.call("SELECT continue_turn($1, $2)", tenant_id, _encoder.encode(request).decode())
    return _continued.decode(rows[0][0])


async def resume_turn(database: Database, tenant_id: UUID, run_id: UUID, limits: TurnLimits) -> Turn:
    """Return what the prompt of a run that goes on is made of, all that it has said included.

    Raises NotFound.
    """
    request = msgspec.structs.asdict(limits) | {"run_id": run_id}
    rows = await database.call("SELECT resume_turn($1, $2)", tenant_id, _encoder.encode(request).decode())
    return _turn.decode(rows[0][0])


async def start_queued(database: Database, tenant_id: UUID, request: StartQueued) -> Turn | QueuedAnswer:
    """Return the turn of a queued run if it is its turn now, which it thereby is. One round trip."""
    rows = await database.call("SELECT start_queued($1, $2)", tenant_id, _encoder.encode(request).decode())
    answer = _queued.decode(rows[0][0])
    return answer if answer.waits or answer.ended else _turn.decode(rows[0][0])


async def finish_calls(database: Database, tenant_id: UUID, request: FinishCalls) -> bool:
    """Store what tools of the server's returned. False where the run was ended or taken over."""
    rows = await database.call("SELECT finish_calls($1, $2)", tenant_id, _encoder.encode(request).decode())
    return rows[0][0] is not None


async def cancel_run(database: Database, tenant_id: UUID, thread_id: UUID, run_id: UUID) -> RunStatus:
    """Cancel a run that no process works on, or ask the one that does. Return its status. Raises NotFound."""
    rows = await database.call("SELECT cancel_run($1, $2, $3)", tenant_id, thread_id, run_id)
    return rows[0][0]


async def take_over_run(
    database: Database, tenant_id: UUID, run_id: UUID, lease_seconds: float
) -> HeldRun | None:
    """Take a run from whichever process has it; None where it has ended by now."""
    lease = timedelta(seconds=lease_seconds)
    rows = await database.call("SELECT take_over_run($1, $2, $3)", tenant_id, run_id, lease)
    return None if rows[0][0] is None else _held.decode(rows[0][0])


async def claim_lost_runs(database: Database, *, limit: int, lease_seconds: float) -> list[HeldRun]:
    """Take over runs, of any tenant, whose process has let their lease run out. One round trip."""
    rows = await database.call(
        "SELECT * FROM claim_lost_runs($1, $2)", limit, timedelta(seconds=lease_seconds)
    )
    return [_held.decode(row[0]) for row in rows]


async def find_state(database: Database, tenant_id: UUID, run_id: UUID) -> RunLogState | None:
    """Return how far a run has come, without its log; None where it is gone."""
    async with database.tenant(tenant_id) as connection:
        row = await connection.fetchrow(
            """
            SELECT id AS run_id, status, epoch, logged_through FROM runs WHERE tenant_id = $1 AND id = $2
            """,
            tenant_id, run_id,
        )  # fmt: skip
    return None if row is None else RunLogState(**dict(row.items()))


async def _has_thread(connection: Connection, tenant_id: UUID, thread_id: UUID) -> bool:
    query = "SELECT EXISTS (SELECT FROM threads WHERE tenant_id = $1 AND id = $2)"
    return bool(await connection.fetchval(query, tenant_id, thread_id))


def _run(row: asyncpg.Record) -> Run:
    values = decoded(row, "usage", "attempts", "tool_calls")
    values["usage"] = msgspec.convert(values["usage"], Usage | None)
    values["attempts"] = msgspec.convert(values["attempts"], list[Attempt] | None)
    values["tool_calls"] = msgspec.convert(values["tool_calls"], list[ToolCall] | None)
    if values["status"] == "REQUIRES_ACTION":
        values["ended_at"] = None  # it waits; that it does so since then is the database's own concern
    return Run(**values)
