"""The journal: logs are written, leases kept, and runs stopped that others have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from backboard_server.runs import journal as journals
from backboard_server.runs.journal import LEASE_SECONDS, Journal
from backboard_server.runs.live import LiveRuns
from backboard_server.runs.log import UNLOGGED_CHARACTERS_MAX, RunLog, StopReason
from backboard_server.store.address import APP_ROLE, Address
from backboard_server.store.database import Connection, Database, connect_owner, open_database
from backboard_server.store.migrate import migrate
from backboard_server.store.runs import cancel_run, take_over_run
from backboard_server.store.threads import delete_thread
from backboard_server.store.turns import open_turn
from external_postgres import external_postgres
from played_runs import Played, begin, end_as_cancelled, played, rows_of, some_time, texts_of, wait_for_texts
from tenants import Tenant, make_tenant
from turn_requests import opening
from unreliable_proxy import UnreliableProxy
from waiting import wait_until

WAIT_SECONDS = 10.0  # longer than anything here takes


async def test_what_a_run_says_is_written_in_rounds(
    database: Database, tenant: Tenant, journal: Journal
) -> None:
    run = await played(database, tenant)
    begin(journal, run)

    await run.say("a", "b")
    await wait_for_texts(database, run, "a", "b")
    await run.say("c")
    await wait_for_texts(database, run, "a", "b", "c")

    assert [row.last_sequence for row in await rows_of(database, run)][-1] == 3


@pytest.mark.usefixtures("no_rounds")
async def test_much_is_written_at_once(database: Database, tenant: Tenant, journal: Journal) -> None:
    run = await played(database, tenant)
    begin(journal, run)
    long = "x" * (UNLOGGED_CHARACTERS_MAX + 1)
    await run.say("a")
    await some_time(database)
    assert await rows_of(database, run) == []

    await run.say(long)

    await wait_for_texts(database, run, "a", long)


@pytest.mark.usefixtures("no_rounds")
async def test_many_runs_of_a_tenant_cost_one_exchange_a_round(
    database: Database, far_database: Database, proxy: UnreliableProxy, tenant: Tenant, other_tenant: Tenant
) -> None:
    runs = [await played(database, tenant) for _ in range(20)]
    runs += [await played(database, other_tenant) for _ in range(5)]
    journal = Journal(far_database, LiveRuns())
    begin(journal, *runs)
    for run in runs:
        await run.say("a")
    before = proxy.exchanges

    async with journal.running():
        await journal.next_state(runs[0].tenant_id, runs[0].run_id, 0, WAIT_SECONDS)
        for run in runs:
            await wait_for_texts(database, run, "a")
        await some_time(database)

    assert proxy.exchanges - before == 2


@pytest.mark.parametrize("is_queued", [False, True], ids=["under way", "queued"])
async def test_the_lease_of_a_run_is_renewed_again_and_again(
    database: Database, owner: Connection, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, is_queued: bool
) -> None:
    monkeypatch.setattr(journals, "_RENEWAL_SECONDS", 0.05)
    first = await played(database, tenant)
    request = opening(thread_id=first.thread_id, lease_seconds=LEASE_SECONDS)
    await open_turn(database, first.tenant_id, request)
    run = Played(tenant, first.thread_id, request, RunLog()) if is_queued else first
    journal = Journal(database, LiveRuns())
    begin(journal, run)

    async def has_its_lease() -> bool:
        query = "SELECT lease_until - now() FROM runs WHERE id = $1"
        left: timedelta = await owner.fetchval(query, run.run_id)
        return timedelta(seconds=LEASE_SECONDS / 2) < left <= timedelta(seconds=LEASE_SECONDS)

    async with journal.running():
        for _ in range(3):
            await owner.execute("UPDATE runs SET lease_until = now() WHERE id = $1", run.run_id)
            await wait_until(has_its_lease)


async def test_the_lease_of_another_process_is_not_renewed(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    run = await played(database, tenant)
    await take_over_run(database, run.tenant_id, run.run_id, lease_seconds=-60)
    journal = Journal(database, LiveRuns())
    begin(journal, run)

    async with journal.running():
        await asyncio.wait([run.live.task], timeout=WAIT_SECONDS)

    query = "SELECT lease_until < now() FROM runs WHERE id = $1"
    assert run.live.is_over
    assert await owner.fetchval(query, run.run_id)


async def take_over(database: Database, run: Played) -> None:
    await take_over_run(database, run.tenant_id, run.run_id, LEASE_SECONDS)


async def ask_to_cancel(database: Database, run: Played) -> None:
    await cancel_run(database, run.tenant_id, run.thread_id, run.run_id)


async def delete(database: Database, run: Played) -> None:
    await delete_thread(database, run.tenant_id, run.thread_id)


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        (take_over, "taken_over"),
        (ask_to_cancel, "cancelled"),
        (end_as_cancelled, "cancelled"),
        (delete, "deleted"),
    ],
)
async def test_a_run_that_others_ended_or_took_is_stopped_with_that_reason(
    database: Database,
    tenant: Tenant,
    journal: Journal,
    do: Callable[[Database, Played], Awaitable[None]],
    reason: StopReason,
) -> None:
    run, untouched = await played(database, tenant), await played(database, tenant)
    begin(journal, run, untouched)
    await run.say("a")

    await do(database, run)
    await asyncio.wait([run.live.task], timeout=WAIT_SECONDS)

    assert run.live.task.cancelled()
    assert run.live.log.stop_reason == reason
    assert untouched.live.log.stop_reason is None
    await untouched.say("b")
    await wait_for_texts(database, untouched, "b")


async def test_a_database_that_is_away_for_a_while_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with external_postgres() as cluster:
        await migrate(Address(url=cluster.url()))
        owner = await connect_owner(Address(url=cluster.url()))
        tenant = await make_tenant(owner)
        await owner.close()
        database = await open_database(Address(url=cluster.url(), role=APP_ROLE))
        run = await played(database, tenant)
        journal = Journal(database, LiveRuns())
        begin(journal, run)

        async def is_missed() -> bool:
            return "could not be written" in caplog.text

        async with journal.running():
            await run.say("a")
            await wait_for_texts(database, run, "a")
            await asyncio.to_thread(cluster.stop)
            await run.say("b")
            await wait_until(is_missed)
            await run.say("c")
            await asyncio.to_thread(cluster.start)
            await wait_for_texts(database, run, "a", "b", "c")

        assert run.live.log.stop_reason is None
        await database.close()


@pytest.mark.usefixtures("no_rounds")
async def test_what_was_written_although_no_answer_came_is_there_once_and_what_followed_too(
    database: Database, far_database: Database, proxy: UnreliableProxy, tenant: Tenant
) -> None:
    run = await played(database, tenant)
    journal = Journal(far_database, LiveRuns())
    begin(journal, run)
    long = "x" * (UNLOGGED_CHARACTERS_MAX + 1)

    async with journal.running():
        proxy.lose_the_next_answer()
        await run.say(long)
        await wait_for_texts(database, run, long)
        await run.say("b", "c")
        state = await journal.next_state(run.tenant_id, run.run_id, 0, WAIT_SECONDS)
        assert state is not None
        await run.say(long)
        await wait_for_texts(database, run, long, "b", "c", long)

    assert texts_of(state.rows) in ([long], [long, "b", "c"])
    assert run.live.log.stop_reason is None


async def test_the_journal_outlives_a_failure_that_nobody_foresaw(
    database: Database, owner: Connection, tenant: Tenant, journal: Journal, caplog: pytest.LogCaptureFixture
) -> None:
    run = await played(database, tenant)
    begin(journal, run)

    async def is_missed() -> bool:
        return "could not be written" in caplog.text

    await owner.execute("REVOKE EXECUTE ON FUNCTION sync_runs(uuid, jsonb) FROM backboard_app")
    try:
        await run.say("a")
        await wait_until(is_missed)
    finally:
        await owner.execute("GRANT EXECUTE ON FUNCTION sync_runs(uuid, jsonb) TO backboard_app")

    await wait_for_texts(database, run, "a")


async def test_a_journal_without_runs_and_readers_asks_nothing(
    database: Database, far_database: Database, proxy: UnreliableProxy, tenant: Tenant
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journals, "ROUND_SECONDS", 0.0)
        runs = LiveRuns()
        journal = Journal(far_database, runs)
        async with journal.running():
            run = await played(database, tenant)
            begin(journal, run)
            await run.say("a")
            with suppress(TimeoutError):
                await journal.next_state(run.tenant_id, run.run_id, 1, 0.05)
            await run.end()
            await some_time(database)
            before = proxy.exchanges
            await some_time(database)

            assert before > 0
            assert proxy.exchanges == before
            assert runs.find(run.run_id) is None


async def test_a_run_that_is_continued_is_kept_when_what_went_before_is_over(
    database: Database, tenant: Tenant, journal: Journal
) -> None:
    run = await played(database, tenant)
    begin(journal, run)
    await run.say("a")
    await wait_for_texts(database, run, "a")
    held = await take_over_run(database, run.tenant_id, run.run_id, LEASE_SECONDS)
    assert held is not None
    again = Played(tenant, run.thread_id, opening(run_id=run.run_id), RunLog(held.logged_through))
    journal.start(again.live, tenant_id=run.tenant_id, run_id=run.run_id, epoch=held.epoch)

    await run.end()
    await again.say("b")

    await wait_for_texts(database, run, "a", "b")
    assert again.live.log.stop_reason is None
