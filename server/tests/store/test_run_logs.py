"""Logs of runs in Postgres: appended by whoever has the run, and read by anybody of its tenant."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from backboard_server.domain.ids import new_id
from backboard_server.domain.runs import LogRow, RunLogState
from backboard_server.store.database import Connection, Database
from backboard_server.store.run_logs import (
    Batch,
    Followed,
    Synced,
    SyncRuns,
    Watched,
    find_said,
    list_rows,
    sync_runs,
)
from backboard_server.store.runs import cancel_run, take_over_run
from backboard_server.store.threads import delete_thread
from run_requests import Begun, begin, complete, enqueue, row, wait_for_tools
from tenants import Tenant
from waiting import wait_until_blocked


async def sync(
    database: Database,
    tenant: Tenant,
    *batches: Batch,
    watched: tuple[Watched, ...] = (),
    followed: tuple[Followed, ...] = (),
    lease_seconds: float | None = None,
) -> Synced:
    request = SyncRuns(batches=batches, watched=watched, followed=followed, lease_seconds=lease_seconds)
    return await sync_runs(database, tenant.caller.tenant_id, request)


def batch(begun: Begun, first: int, last: int, epoch: int = 1) -> Batch:
    events = row(first, last).events
    return Batch(run_id=begun.run_id, epoch=epoch, first_sequence=first, last_sequence=last, events=events)


async def logged(database: Database, tenant: Tenant, begun: Begun, after: int = 0) -> list[LogRow]:
    return await list_rows(database, tenant.caller.tenant_id, begun.run_id, after=after)


async def lease_of(owner: Connection, begun: Begun) -> datetime:
    return await owner.fetchval("SELECT lease_until FROM runs WHERE id = $1", begun.run_id)


async def test_what_a_run_says_is_appended_to_its_log(database: Database, tenant: Tenant) -> None:
    first, second = await begin(database, tenant), await begin(database, tenant)

    await sync(database, tenant, batch(second, 5, 5), batch(first, 5, 9))
    await sync(database, tenant, batch(first, 10, 12))

    assert await logged(database, tenant, first) == [row(1, 4), row(5, 9), row(10, 12)]
    assert await logged(database, tenant, second) == [row(1, 4), row(5, 5)]


async def test_a_batch_whose_answer_was_lost_is_appended_once(database: Database, tenant: Tenant) -> None:
    begun = await begin(database, tenant)
    await sync(database, tenant, batch(begun, 5, 9))

    await sync(database, tenant, batch(begun, 5, 9))
    synced = await sync(database, tenant, batch(begun, 10, 10), watched=(Watched(begun.run_id, 1),))

    assert await logged(database, tenant, begun) == [row(1, 4), row(5, 9), row(10, 10)]
    assert [state.logged_through for state in synced.states] == [10]


async def test_whoever_has_lost_a_run_appends_nothing_and_keeps_nothing(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    begun = await begin(database, tenant)
    await take_over_run(database, tenant.caller.tenant_id, begun.run_id, 5.0)
    lease = await lease_of(owner, begun)

    synced = await sync(
        database, tenant, batch(begun, 5, 9), watched=(Watched(begun.run_id, 1),), lease_seconds=60.0
    )

    assert await logged(database, tenant, begun) == [row(1, 4)]
    assert await lease_of(owner, begun) == lease
    assert [(state.epoch, state.logged_through) for state in synced.states] == [(2, 4)]
    await sync(database, tenant, batch(begun, 10_005, 10_006, epoch=2))
    assert await logged(database, tenant, begun) == [row(1, 4), row(10_005, 10_006)]


@pytest.mark.parametrize("status", ["COMPLETED", "FAILED", "REQUIRES_ACTION"])
async def test_the_log_of_a_run_that_is_over_or_waits_is_closed(
    database: Database, tenant: Tenant, owner: Connection, status: str
) -> None:
    begun = await begin(database, tenant)
    await complete(database, tenant, begun, status=status)

    synced = await sync(
        database, tenant, batch(begun, 5, 9), watched=(Watched(begun.run_id, 1),), lease_seconds=60.0
    )

    assert await logged(database, tenant, begun) == [row(1, 4)]
    assert [state.status for state in synced.states] == [status]
    assert await lease_of(owner, begun) is None


async def test_leases_are_renewed_in_the_order_in_which_others_take_the_runs_of_a_thread(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    first = await begin(database, tenant)
    second = await enqueue(database, tenant, first.thread_id)
    watched = (Watched(second.run_id, 1), Watched(first.run_id, 1))
    lock = "SELECT id FROM runs WHERE id = $1 FOR NO KEY UPDATE NOWAIT"

    async with database.tenant(tenant.caller.tenant_id) as making_way:
        await making_way.execute(lock, first.run_id)
        renewing = asyncio.create_task(sync(database, tenant, watched=watched, lease_seconds=600.0))
        await wait_until_blocked(owner)
        assert await making_way.fetchval(lock, second.run_id) == second.run_id

    assert len((await renewing).states) == 2


async def test_leases_are_renewed_only_when_that_is_asked_for(
    database: Database, tenant: Tenant, owner: Connection
) -> None:
    first = await begin(database, tenant, lease_seconds=1.0)
    queued = await enqueue(database, tenant, first.thread_id, lease_seconds=1.0)
    watched = (Watched(first.run_id, 1), Watched(queued.run_id, 1))
    before = [await lease_of(owner, begun) for begun in (first, queued)]

    await sync(database, tenant, watched=watched)
    unchanged = [await lease_of(owner, begun) for begun in (first, queued)]
    await sync(database, tenant, watched=watched, lease_seconds=600.0)
    renewed = [await lease_of(owner, begun) for begun in (first, queued)]

    assert unchanged == before
    assert all((lease - datetime.now(UTC)).total_seconds() > 500 for lease in renewed)


async def test_a_process_learns_what_others_did_to_its_runs(database: Database, tenant: Tenant) -> None:
    asked, taken, ended, gone = [await begin(database, tenant) for _ in range(4)]
    queued = await enqueue(database, tenant, asked.thread_id)
    for begun in (asked, queued):
        await cancel_run(database, tenant.caller.tenant_id, begun.thread_id, begun.run_id)
    await take_over_run(database, tenant.caller.tenant_id, taken.run_id, 5.0)
    await complete(database, tenant, ended)
    await delete_thread(database, tenant.caller.tenant_id, gone.thread_id)

    synced = await sync(
        database,
        tenant,
        watched=tuple(Watched(begun.run_id, 1) for begun in (asked, taken, ended, gone, queued)),
    )

    assert {state.run_id: state for state in synced.states} == {
        asked.run_id: state_of(asked, is_cancel_requested=True),
        taken.run_id: state_of(taken, epoch=2),
        ended.run_id: state_of(ended, status="COMPLETED"),
        queued.run_id: state_of(queued, status="CANCELLED", epoch=2),
    }


async def test_a_log_is_followed_from_a_number_on(database: Database, tenant: Tenant) -> None:
    begun, waiting = await begin(database, tenant), await wait_for_tools(database, tenant)
    await sync(database, tenant, batch(begun, 5, 9))

    synced = await sync(
        database,
        tenant,
        batch(begun, 10, 12),
        followed=(Followed(begun.run_id, 7), Followed(waiting.run_id, 4), Followed(new_id(), 0)),
    )

    assert synced.states == []
    assert {state.run_id: (state.status, state.rows) for state in synced.followed} == {
        begun.run_id: ("IN_PROGRESS", [row(5, 9), row(10, 12)]),
        waiting.run_id: ("REQUIRES_ACTION", []),
    }


async def test_one_run_is_followed_from_several_numbers_at_once(database: Database, tenant: Tenant) -> None:
    begun = await begin(database, tenant)
    await sync(database, tenant, batch(begun, 5, 9))

    synced = await sync(database, tenant, followed=(Followed(begun.run_id, 0), Followed(begun.run_id, 4)))

    assert [state.rows for state in synced.followed] == [[row(1, 4), row(5, 9)], [row(5, 9)]]


async def test_logs_of_other_tenants_are_neither_written_nor_read(
    database: Database, tenant: Tenant, other_tenant: Tenant, owner: Connection
) -> None:
    theirs = await begin(database, other_tenant, lease_seconds=1.0)
    lease = await lease_of(owner, theirs)

    synced = await sync(
        database,
        tenant,
        batch(theirs, 5, 9),
        watched=(Watched(theirs.run_id, 1),),
        followed=(Followed(theirs.run_id, 0),),
        lease_seconds=600.0,
    )

    assert synced == Synced([], [])
    assert await logged(database, tenant, theirs) == []
    assert await logged(database, other_tenant, theirs) == [row(1, 4)]
    assert await lease_of(owner, theirs) == lease


async def test_rows_that_end_beyond_a_number_are_read_in_order(database: Database, tenant: Tenant) -> None:
    begun = await begin(database, tenant)
    for first, last in ((5, 9), (10, 10), (11, 120)):
        await sync(database, tenant, batch(begun, first, last))

    assert await logged(database, tenant, begun, after=4) == [row(5, 9), row(10, 10), row(11, 120)]
    assert await logged(database, tenant, begun, after=9) == [row(10, 10), row(11, 120)]
    assert await logged(database, tenant, begun, after=119) == [row(11, 120)]
    assert await logged(database, tenant, begun, after=120) == []


async def test_what_an_answer_said_is_found_beside_its_log(
    database: Database, tenant: Tenant, other_tenant: Tenant
) -> None:
    begun = await begin(database, tenant)
    before = await find_said(database, tenant.caller.tenant_id, begun.answer_id)
    await complete(database, tenant, begun, content="Said", reasoning="Thought")

    async def said_to(tenant_id: UUID) -> tuple[str, str | None]:
        return await find_said(database, tenant_id, begun.answer_id)

    assert before == ("", None)
    assert await said_to(tenant.caller.tenant_id) == ("Said", "Thought")
    assert await said_to(other_tenant.caller.tenant_id) == ("", None)


def state_of(begun: Begun, **changes: Any) -> RunLogState:
    """Return the state of a run whose log ends with number four."""
    fields: dict[str, Any] = {"status": "IN_PROGRESS", "epoch": 1, "logged_through": 4}
    return RunLogState(run_id=begun.run_id, **(fields | changes))
