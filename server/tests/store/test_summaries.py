"""Summaries of threads in Postgres."""

from __future__ import annotations

import pytest

from backboard_server.domain.ids import new_id
from backboard_server.domain.threads import Turn
from backboard_server.store import summaries
from backboard_server.store.database import Database
from backboard_server.store.summaries import Unsummarised, find_unsummarised, update_summary
from backboard_server.store.threads import delete_thread
from tenants import Tenant
from turn_requests import opening, say, turn_of


@pytest.fixture
async def turn(database: Database, tenant: Tenant) -> Turn:
    """A thread of six messages."""
    first = await say(database, tenant, None, "one")
    await say(database, tenant, first.thread_id, "two")
    return await say(database, tenant, first.thread_id, "three")


async def find(database: Database, tenant: Tenant, turn: Turn, keep: int) -> Unsummarised:
    found = await find_unsummarised(database, tenant.caller.tenant_id, turn.thread_id, keep=keep)
    assert found is not None
    return found


async def store(
    database: Database, tenant: Tenant, turn: Turn, read: Unsummarised, summary: str = "They met."
) -> bool:
    return await update_summary(
        database, tenant.caller.tenant_id, turn.thread_id, read=read, summary=summary, tokens=3
    )


async def test_the_oldest_messages_are_found_but_for_those_to_keep(
    database: Database, tenant: Tenant, turn: Turn
) -> None:
    found = await find(database, tenant, turn, keep=2)

    assert found == Unsummarised(
        summary=None,
        summarised_through=0,
        messages=[
            (1, "user", "one"),
            (2, "assistant", "re: one"),
            (3, "user", "two"),
            (4, "assistant", "re: two"),
        ],
    )


@pytest.mark.parametrize("keep", [6, 7, 1_000])
async def test_a_thread_that_is_to_be_kept_whole_has_nothing_to_summarise(
    database: Database, tenant: Tenant, turn: Turn, keep: int
) -> None:
    assert (await find(database, tenant, turn, keep)).messages == []


async def test_a_long_thread_is_found_in_steps(
    database: Database, tenant: Tenant, turn: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summaries, "_MESSAGES_MAX", 3)

    first = await find(database, tenant, turn, keep=2)
    await store(database, tenant, turn, first)
    second = await find(database, tenant, turn, keep=2)

    assert [message[0] for message in first.messages] == [1, 2, 3]
    assert [message[0] for message in second.messages] == [4]


async def test_a_stored_summary_stands_for_what_it_covers(
    database: Database, tenant: Tenant, turn: Turn
) -> None:
    read = await find(database, tenant, turn, keep=2)

    assert await store(database, tenant, turn, read)

    following = await turn_of(database, tenant, opening(thread_id=turn.thread_id))
    assert (following.summary, following.summary_tokens) == ("They met.", 3)
    assert [message.content for message in following.history] == ["three", "re: three"]
    assert following.unsummarised_messages == 2
    assert following.earlier_messages == 4
    found = await find(database, tenant, turn, keep=0)
    assert (found.summary, found.summarised_through) == ("They met.", 4)


async def test_of_two_summaries_of_the_same_messages_the_first_stays(
    database: Database, tenant: Tenant, turn: Turn
) -> None:
    read = await find(database, tenant, turn, keep=2)
    assert await store(database, tenant, turn, read, "first")

    assert not await store(database, tenant, turn, read, "second")

    assert (await find(database, tenant, turn, keep=0)).summary == "first"


async def test_a_deleted_thread_has_nothing_to_summarise_and_takes_no_summary(
    database: Database, tenant: Tenant, turn: Turn
) -> None:
    read = await find(database, tenant, turn, keep=2)
    await delete_thread(database, tenant.caller.tenant_id, turn.thread_id)

    found = await find_unsummarised(database, tenant.caller.tenant_id, turn.thread_id, keep=2)

    assert found is None
    assert not await store(database, tenant, turn, read)


async def test_an_unknown_or_foreign_thread_is_none(
    database: Database, tenant: Tenant, other_tenant: Tenant, turn: Turn
) -> None:
    read = await find(database, tenant, turn, keep=2)

    for thread_id in (new_id(), turn.thread_id):
        assert await find_unsummarised(database, other_tenant.caller.tenant_id, thread_id, keep=0) is None
    assert not await store(database, other_tenant, turn, read)
    assert (await find(database, tenant, turn, keep=0)).summary is None
