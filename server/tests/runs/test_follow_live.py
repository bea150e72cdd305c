"""Following a run in the process that has it: events are seen as they happen, and the log tells the rest."""

from __future__ import annotations

import pytest

from backboard_server.domain import events
from backboard_server.runs import journal as journals
from backboard_server.runs.follow import Follower
from backboard_server.runs.log import Numbered
from backboard_server.store.database import Connection
from fake_vendor import Answer, FakeVendor
from replica import Replica, Sent
from tenants import Tenant

WAIT_SECONDS = 10.0  # longer than anything here takes
SLOW = Answer(text="one two three four five", chunks=5, chunk_delay_seconds=0.15)


async def follower_of(process: Replica, tenant: Tenant, sent: Sent) -> Follower:
    run = await process.stored(tenant, sent)
    return Follower(process.adapters, process.journal, tenant.caller.tenant_id, run)


async def test_in_the_process_of_a_run_what_happens_is_seen_before_it_is_written(
    process: Replica, tenant: Tenant, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "ROUND_SECONDS", 3_600.0)  # the process does not come to write
    vendor.script(SLOW)
    sent = await process.send(tenant)
    first, second = await follower_of(process, tenant, sent), await follower_of(process, tenant, sent)

    seen: list[Numbered] = []
    while (found := await first.next_events(WAIT_SECONDS)) is not None:
        seen += found
    last = await second.last_event()

    assert [sequence for sequence, _ in seen] == list(range(1, len(seen) + 1))
    assert "".join(event.content for _, event in seen if isinstance(event, events.ContentStreaming)) == (
        "one two three four five"
    )
    assert seen[-1].event == last == await sent.live.last_event()


async def test_a_reader_of_a_run_that_changes_hands_turns_to_the_log(
    process: Replica, other: Replica, tenant: Tenant, vendor: FakeVendor, owner: Connection
) -> None:
    vendor.script(Answer(text="Never heard", first_byte_delay_seconds=30), Answer(text="Here I am."))
    sent = await process.send(tenant)
    follower = await follower_of(process, tenant, sent)
    assert await follower.next_events(WAIT_SECONDS)
    await vendor.wait_for_requests(1)

    await other.take_over(owner, sent)
    last = await follower.last_event()

    assert isinstance(last, events.RunEnded)
    assert last.content == "Here I am."
