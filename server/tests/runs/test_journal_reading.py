"""Logs are read on through the journal: at once, when something comes, and at the end."""

from __future__ import annotations

import asyncio

import pytest

from backboard_server.runs.journal import Journal
from backboard_server.runs.live import LiveRuns
from backboard_server.store.database import Database
from backboard_server.store.threads import delete_thread
from played_runs import begin, end_as_cancelled, played, some_time, texts_of, wait_for_texts
from tenants import Tenant
from unreliable_proxy import UnreliableProxy

WAIT_SECONDS = 10.0  # longer than anything here takes


@pytest.mark.usefixtures("no_rounds")
async def test_who_begins_to_read_gets_what_there_is_at_once(
    database: Database, tenant: Tenant, journal: Journal
) -> None:
    run, other = await played(database, tenant), await played(database, tenant)
    begin(journal, run, other)
    await run.say("a", "b")

    state = await journal.next_state(run.tenant_id, run.run_id, 0, WAIT_SECONDS)

    assert state is not None
    assert (state.run_id, state.status, state.epoch, state.logged_through) == (
        run.run_id,
        "IN_PROGRESS",
        1,
        2,
    )
    assert texts_of(state.rows) == ["a", "b"]


async def test_who_has_read_what_there_is_gets_what_comes_when_it_comes(
    database: Database, tenant: Tenant, journal: Journal
) -> None:
    run = await played(database, tenant)
    begin(journal, run)
    await run.say("a")
    await wait_for_texts(database, run, "a")
    reading = asyncio.create_task(journal.next_state(run.tenant_id, run.run_id, 1, WAIT_SECONDS))
    await some_time(database)
    assert not reading.done()

    await run.say("b")

    state = await reading
    assert state is not None
    assert [(row.first_sequence, row.last_sequence) for row in state.rows] == [(2, 2)]


async def test_readers_who_are_at_different_places_get_what_each_has_not_read(
    database: Database, tenant: Tenant, journal: Journal
) -> None:
    run = await played(database, tenant)
    begin(journal, run)
    for count in range(1, 4):
        await run.say("a")
        await wait_for_texts(database, run, *["a"] * count)

    states = await asyncio.gather(
        *(journal.next_state(run.tenant_id, run.run_id, after, WAIT_SECONDS) for after in (1, 0, 2, 0, 1))
    )

    read = [[row.last_sequence for row in state.rows] for state in states if state is not None]
    assert read == [[2, 3], [1, 2, 3], [3], [1, 2, 3], [2, 3]]


async def test_nothing_for_as_long_as_one_waits_is_a_timeout(
    database: Database, tenant: Tenant, journal: Journal
) -> None:
    run = await played(database, tenant)

    with pytest.raises(TimeoutError):
        await journal.next_state(run.tenant_id, run.run_id, 0, 0.05)


async def test_the_end_of_a_run_is_told_though_nothing_was_written(
    database: Database, tenant: Tenant, journal: Journal
) -> None:
    run = await played(database, tenant)
    reading = asyncio.create_task(journal.next_state(run.tenant_id, run.run_id, 0, WAIT_SECONDS))
    await some_time(database)
    assert not reading.done()

    await end_as_cancelled(database, run)

    state = await reading
    assert state is not None
    assert (state.status, state.rows) == ("CANCELLED", [])


@pytest.mark.parametrize("is_foreign", [False, True], ids=["deleted", "of another tenant"])
async def test_a_run_that_is_gone_or_somebody_elses_has_no_state(
    database: Database, tenant: Tenant, other_tenant: Tenant, journal: Journal, is_foreign: bool
) -> None:
    run = await played(database, tenant)
    if not is_foreign:
        await delete_thread(database, run.tenant_id, run.thread_id)

    asking = other_tenant if is_foreign else tenant

    assert await journal.next_state(asking.caller.tenant_id, run.run_id, 0, WAIT_SECONDS) is None


@pytest.mark.usefixtures("no_rounds")
async def test_who_begins_to_wait_during_a_round_is_not_told_what_was_true_before(
    database: Database, far_database: Database, proxy: UnreliableProxy, tenant: Tenant
) -> None:
    run = await played(database, tenant)
    await end_as_cancelled(database, run)
    journal = Journal(far_database, LiveRuns())
    async with journal.running():
        proxy.hold()
        early = asyncio.create_task(journal.next_state(run.tenant_id, run.run_id, 0, WAIT_SECONDS))
        await asyncio.wait_for(proxy.is_silent.wait(), WAIT_SECONDS)
        async with database.tenant(run.tenant_id) as connection:
            await connection.execute("UPDATE runs SET status = 'FAILED' WHERE id = $1", run.run_id)
        late = asyncio.create_task(journal.next_state(run.tenant_id, run.run_id, 0, WAIT_SECONDS))
        await asyncio.sleep(0)
        proxy.let_go()

        told = [state.status for state in await asyncio.gather(early, late) if state is not None]

    assert told == ["CANCELLED", "FAILED"]
