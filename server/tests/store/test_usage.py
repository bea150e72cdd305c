"""Usage, added up by what one wants to know it by: planted rows, and the sums that must come of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from backboard_server.domain.ids import earliest_id, new_id
from backboard_server.domain.usage import Dimension, UsageAnswer, UsageQuestion, UsageSums
from backboard_server.store.database import Database
from backboard_server.store.usage import get_usage, list_recent_runs
from tenants import Tenant
from turn_requests import say

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
ASSISTANT, THREAD, OTHER_THREAD = new_id(), new_id(), new_id()

INSERT = """
    INSERT INTO usage (
        tenant_id, id, key_id, assistant_id, thread_id, model_provider, model_name, input_tokens,
        output_tokens, cached_input_tokens, cache_write_input_tokens, reasoning_tokens, cost_usd, created_at
    ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
"""


async def plant(
    database: Database,
    tenant: Tenant,
    ended_at: datetime,
    took: timedelta = timedelta(minutes=1),
    **changes: Any,
) -> None:
    """Store what a run used."""
    began = earliest_id(ended_at - took).int | (new_id().int & ((1 << 62) - 1))
    row = {
        "key_id": tenant.caller.key_id, "assistant_id": ASSISTANT, "thread_id": THREAD,
        "model_provider": "openai", "model_name": "gpt-4o", "input_tokens": 10, "output_tokens": 5,
        "cached_input_tokens": 4, "cache_write_input_tokens": 3, "reasoning_tokens": 2, "cost_usd": 0.5,
    } | changes  # fmt: skip
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute(INSERT, tenant.caller.tenant_id, UUID(int=began), *row.values(), ended_at)


async def ask(
    database: Database,
    tenant: Tenant,
    *group_by: Dimension,
    skip: int = 0,
    limit: int = 100,
    **changes: Any,
) -> UsageAnswer:
    range_asked: dict[str, Any] = {"start": MONDAY, "end": WEDNESDAY} | changes
    question = UsageQuestion(group_by=frozenset(group_by), **range_asked)
    return await get_usage(database, tenant.caller.tenant_id, question, skip=skip, limit=limit)


def told(answer: UsageAnswer, *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(group, field) for field in fields) for group in answer.groups]


async def test_every_kind_of_token_is_added_up(database: Database, tenant: Tenant) -> None:
    await plant(database, tenant, MONDAY)
    await plant(database, tenant, MONDAY + timedelta(hours=1), input_tokens=90, cost_usd=0.25)

    answer = await ask(database, tenant, "model")

    (group,) = answer.groups
    assert (group.model_provider, group.model_name) == ("openai", "gpt-4o")
    assert answer.total == UsageSums(
        runs=2,
        input_tokens=100,
        output_tokens=10,
        total_tokens=110,
        cached_input_tokens=8,
        cache_write_input_tokens=6,
        reasoning_tokens=4,
        cost_usd=0.75,
        unpriced_runs=0,
    )
    assert answer.total == UsageSums(**{name: getattr(group, name) for name in UsageSums.__struct_fields__})


async def test_a_group_has_the_dimensions_that_were_asked_for_and_no_others(
    database: Database, tenant: Tenant
) -> None:
    await plant(database, tenant, MONDAY)

    by_day = await ask(database, tenant, "day")
    by_all = await ask(database, tenant, *get_args(Dimension))

    assert dimensions(by_day) == {"day": "2026-11-23"}
    assert dimensions(by_all) == {
        "day": "2026-11-23",
        "model_provider": "openai",
        "model_name": "gpt-4o",
        "assistant_id": str(ASSISTANT),
        "thread_id": str(THREAD),
        "key_id": str(tenant.caller.key_id),
        "key_name": "test",
    }


def dimensions(answer: UsageAnswer) -> dict[str, Any]:
    (group,) = msgspec.to_builtins(answer.groups)
    return {name: value for name, value in group.items() if name not in UsageSums.__struct_fields__}


async def test_days_are_those_of_utc_by_when_a_run_ended(database: Database, tenant: Tenant) -> None:
    await plant(database, tenant, MONDAY)
    await plant(database, tenant, TUESDAY - timedelta(microseconds=1))
    await plant(database, tenant, TUESDAY)

    answer = await ask(database, tenant, "day")

    assert told(answer, "day", "runs") == [(date(2026, 11, 24), 1), (date(2026, 11, 23), 2)]


@pytest.mark.parametrize(
    ("start", "end", "runs"),
    [
        (MONDAY, TUESDAY, 2),
        (TUESDAY, WEDNESDAY, 1),
        (MONDAY, TUESDAY + timedelta(microseconds=1), 3),
        (MONDAY + timedelta(microseconds=1), WEDNESDAY, 2),
        (WEDNESDAY, WEDNESDAY + timedelta(days=9), 0),
    ],
)
async def test_a_range_has_its_start_and_not_its_end(
    database: Database, tenant: Tenant, start: datetime, end: datetime, runs: int
) -> None:
    await plant(database, tenant, MONDAY)
    await plant(database, tenant, TUESDAY - timedelta(microseconds=1))
    await plant(database, tenant, TUESDAY)

    assert (await ask(database, tenant, "day", start=start, end=end)).total.runs == runs


async def test_a_run_within_the_millisecond_in_which_the_range_ends_is_not_lost(
    database: Database, tenant: Tenant
) -> None:
    await plant(database, tenant, TUESDAY + timedelta(microseconds=100), took=timedelta())

    answer = await ask(database, tenant, "day", end=TUESDAY + timedelta(microseconds=500))

    assert answer.total.runs == 1


@pytest.mark.parametrize(
    "group_by", [("thread",), ("key",), ("assistant",), ("thread", "key"), ("day", "thread")]
)
async def test_other_tenants_do_not_count(
    database: Database, tenant: Tenant, other_tenant: Tenant, group_by: Collection[Dimension]
) -> None:
    await plant(database, tenant, MONDAY)
    await plant(database, other_tenant, MONDAY)

    answer = await ask(database, tenant, *group_by)

    assert (answer.total.runs, answer.groups_total, len(answer.groups)) == (1, 1, 1)


async def test_what_nobody_knows_the_price_of_is_not_nothing(database: Database, tenant: Tenant) -> None:
    await plant(database, tenant, MONDAY, model_name="a", cost_usd=None)
    await plant(database, tenant, MONDAY, model_name="b", cost_usd=None)
    await plant(database, tenant, MONDAY, model_name="b", cost_usd=0.25)
    await plant(database, tenant, MONDAY, model_name="c", cost_usd=0.0)

    answer = await ask(database, tenant, "model")

    assert told(answer, "model_name", "cost_usd", "unpriced_runs") == [
        ("b", 0.25, 1), ("c", 0, 0), ("a", None, 1),
    ]  # fmt: skip
    assert (answer.total.cost_usd, answer.total.unpriced_runs) == (0.25, 2)


async def test_without_runs_the_sums_are_nothing(database: Database, tenant: Tenant) -> None:
    answer = await ask(database, tenant, "day", "model")

    assert (answer.groups, answer.groups_total) == ([], 0)
    assert (answer.total.runs, answer.total.total_tokens, answer.total.cost_usd) == (0, 0, None)


async def test_a_page_is_part_of_the_groups_and_the_sums_are_of_all(
    database: Database, tenant: Tenant
) -> None:
    for number in range(5):
        await plant(database, tenant, MONDAY, model_name=f"m{number}", cost_usd=float(number))

    second = await ask(database, tenant, "model", skip=2, limit=2)
    beyond = await ask(database, tenant, "model", skip=99)

    assert told(second, "model_name") == [("m2",), ("m1",)]
    assert (second.groups_total, second.total.cost_usd) == (5, 10.0)
    assert (beyond.groups, beyond.groups_total, beyond.total) == ([], 5, second.total)


async def test_models_can_be_picked(database: Database, tenant: Tenant) -> None:
    await plant(database, tenant, MONDAY)
    await plant(database, tenant, MONDAY, model_name="gpt-5")
    await plant(database, tenant, MONDAY, model_provider="groq")

    assert (await ask(database, tenant, "day", model_provider="openai")).total.runs == 2
    assert (await ask(database, tenant, "day", model_provider="openai", model_name="gpt-5")).total.runs == 1
    assert (await ask(database, tenant, "day", model_name="'; --")).total.runs == 0


async def test_runs_that_ended_are_there_and_survive_their_thread(database: Database, tenant: Tenant) -> None:
    turn = await say(database, tenant, None, "Hi", key_id=tenant.caller.key_id)
    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute("DELETE FROM threads WHERE id = $1", turn.thread_id)
    now = datetime.now(UTC)

    answer = await ask(
        database, tenant, "thread", "key", start=now - timedelta(hours=1), end=now + timedelta(hours=1)
    )

    assert told(answer, "thread_id", "key_name", "input_tokens", "output_tokens") == [
        (turn.thread_id, "test", 7, 2)
    ]


async def test_recent_runs_come_newest_first_and_page_by_page(database: Database, tenant: Tenant) -> None:
    for number in range(5):
        ended_at = MONDAY + timedelta(hours=number)
        await plant(database, tenant, ended_at, model_name=f"m{number}", thread_id=OTHER_THREAD)

    runs, total = await list_recent_runs(
        database, tenant.caller.tenant_id, MONDAY + timedelta(hours=1, minutes=-1), skip=1, limit=2
    )

    assert ([run.model_name for run in runs], total) == (["m3", "m2"], 4)
    assert (runs[0].created_at, runs[0].cost_usd) == (MONDAY + timedelta(hours=3), 0.5)
