"""Budgets: what is left, what is counted, and when a period begins anew; all of it in the real database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from backboard_server.domain.budgets import Period
from backboard_server.domain.errors import BudgetSpent, Conflict, NotFound
from backboard_server.domain.ids import new_id
from backboard_server.domain.threads import Turn
from backboard_server.store.budgets import list_all_budgets, list_budgets, remove_budget, set_budget
from backboard_server.store.database import Connection, Database
from backboard_server.store.keys import create_key
from backboard_server.store.threads import delete_thread
from backboard_server.store.turns import finish_turn, open_turn
from tenants import Tenant
from turn_requests import finishing, opening, turn_of
from waiting import wait_until

RUNS_AT_ONCE = 40


async def name_of(owner: Connection, tenant: Tenant) -> str:
    return await owner.fetchval("SELECT name FROM tenants WHERE tenant_id = $1", tenant.caller.tenant_id)


async def limit(
    owner: Connection, tenant: Tenant, limit_usd: float, period: Period = "month", key_id: UUID | None = None
) -> None:
    await set_budget(owner, await name_of(owner, tenant), key_id, limit_usd, period)


async def begin(
    database: Database, tenant: Tenant, key_id: UUID | None = None, *, is_priced: bool = True
) -> Turn:
    request = opening(key_id=key_id or tenant.caller.key_id, is_priced=is_priced)
    return await turn_of(database, tenant, request)


async def spend(
    database: Database, tenant: Tenant, cost_usd: float | None, key_id: UUID | None = None
) -> None:
    """Take a turn that costs something."""
    request = opening(key_id=key_id or tenant.caller.key_id)
    turn = await turn_of(database, tenant, request)
    outcome = finishing(request, turn.thread_id, cost_usd=cost_usd)
    await finish_turn(database, tenant.caller.tenant_id, outcome)


async def spent(database: Database, tenant: Tenant, key_id: UUID | None = None) -> list[float]:
    """Return what was spent of each budget, the tenant's first."""
    budgets = await list_budgets(database, tenant.caller.tenant_id, key_id or tenant.caller.key_id)
    return [round(budget.spent_usd, 9) for budget in budgets]


async def second_key(owner: Connection, tenant: Tenant) -> UUID:
    key, _ = await create_key(owner, await name_of(owner, tenant), "second")
    return key.id


async def test_without_a_budget_nothing_is_limited(database: Database, tenant: Tenant) -> None:
    await spend(database, tenant, 1_000.0)

    assert (await begin(database, tenant, is_priced=False)).budget_left_usd is None
    assert await spent(database, tenant) == []


@pytest.mark.parametrize("period", ["day", "month", "total"])
async def test_what_runs_cost_is_counted_until_nothing_is_left(
    database: Database, owner: Connection, tenant: Tenant, period: Period
) -> None:
    await limit(owner, tenant, 0.3, period)

    lefts: list[float | None] = []
    for _ in range(3):
        lefts.append((await begin(database, tenant)).budget_left_usd)
        await spend(database, tenant, 0.125)

    assert lefts == [pytest.approx(0.3), pytest.approx(0.175), pytest.approx(0.05)]
    with pytest.raises(BudgetSpent, match=r"budget of this tenant is used up: 0\.3 US dollars"):
        await begin(database, tenant)


async def test_a_refused_message_is_not_stored(database: Database, owner: Connection, tenant: Tenant) -> None:
    await limit(owner, tenant, 0)

    with pytest.raises(BudgetSpent):
        await begin(database, tenant)

    async with database.tenant(tenant.caller.tenant_id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM messages") == 0
        assert await connection.fetchval("SELECT count(*) FROM threads") == 0


async def test_a_message_that_no_model_answers_costs_nothing_and_is_taken(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 0)

    await open_turn(database, tenant.caller.tenant_id, opening(run_id=None, answer_id=None))


async def test_what_costs_nothing_or_nobody_knows_what_is_not_counted(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 1)

    await spend(database, tenant, 0.0)
    await spend(database, tenant, None)

    assert await spent(database, tenant) == [0]


async def test_a_model_without_a_price_is_refused_where_there_is_a_budget(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 1)

    with pytest.raises(BudgetSpent, match="price of the model quotes is not known"):
        await begin(database, tenant, is_priced=False)


async def test_the_tighter_of_two_budgets_holds_and_both_count(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    other_key = await second_key(owner, tenant)
    await limit(owner, tenant, 1.0, "month")
    await limit(owner, tenant, 0.25, "day", tenant.caller.key_id)

    await spend(database, tenant, 0.25)

    assert await spent(database, tenant) == [0.25, 0.25]
    with pytest.raises(BudgetSpent, match=r"budget of this API key is used up: 0\.25 US dollars a day"):
        await begin(database, tenant)
    assert (await begin(database, tenant, other_key)).budget_left_usd == 0.75


async def test_another_keys_budget_is_neither_counted_nor_shown(
    database: Database, owner: Connection, tenant: Tenant, other_tenant: Tenant
) -> None:
    other_key = await second_key(owner, tenant)
    await limit(owner, tenant, 1.0, "day", other_key)
    await limit(owner, other_tenant, 1.0, "day")

    await spend(database, tenant, 0.5)

    assert await spent(database, tenant) == []
    assert await spent(database, tenant, other_key) == [0]
    assert await spent(database, other_tenant) == [0]


async def set_back(owner: Connection, tenant: Tenant, days: int) -> None:
    """Make it as if what was spent had been spent so many days ago; a negative number is the future."""
    await owner.execute(
        "UPDATE budgets SET period_start = period_start - $2::integer WHERE tenant_id = $1",
        tenant.caller.tenant_id, days,
    )  # fmt: skip


async def test_a_period_that_is_over_begins_anew(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 1.0, "day")
    await spend(database, tenant, 1.0)
    await set_back(owner, tenant, 1)

    before = await list_budgets(database, tenant.caller.tenant_id, tenant.caller.key_id)
    left = (await begin(database, tenant)).budget_left_usd
    await spend(database, tenant, 0.25)

    assert (before[0].spent_usd, before[0].period_start) == (0, datetime.now(UTC).date())
    assert left == 1.0
    assert await spent(database, tenant) == [0.25]


async def test_a_run_that_counts_late_does_not_undo_the_new_period(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    """Its transaction began before midnight, and another has opened the new period meanwhile."""
    await limit(owner, tenant, 1.0, "day")
    await spend(database, tenant, 0.5)
    await set_back(owner, tenant, -1)

    assert (await begin(database, tenant)).budget_left_usd == 0.5
    await spend(database, tenant, 0.25)

    (budget,) = await list_budgets(database, tenant.caller.tenant_id, tenant.caller.key_id)
    assert budget.spent_usd == 0.75
    assert budget.period_start == datetime.now(UTC).date() + timedelta(days=1)


async def test_a_month_and_a_total_do_not_end_with_the_day(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 1.0, "month")
    await limit(owner, tenant, 1.0, "total", tenant.caller.key_id)

    month, total = await list_budgets(database, tenant.caller.tenant_id, tenant.caller.key_id)

    assert month.period_start == datetime.now(UTC).date().replace(day=1)
    assert (total.period_start.year, total.ends_at) == (1970, None)


async def test_runs_that_end_at_once_are_all_counted(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 100.0, "month")
    await limit(owner, tenant, 100.0, "day", tenant.caller.key_id)
    other_key = await second_key(owner, tenant)
    await limit(owner, tenant, 100.0, "total", other_key)

    keys = [tenant.caller.key_id, other_key] * (RUNS_AT_ONCE // 2)
    await asyncio.gather(*(spend(database, tenant, 0.5, key) for key in keys))

    assert await spent(database, tenant) == [RUNS_AT_ONCE * 0.5, RUNS_AT_ONCE * 0.25]
    assert await spent(database, tenant, other_key) == [RUNS_AT_ONCE * 0.5, RUNS_AT_ONCE * 0.25]


async def test_a_budget_that_is_set_while_a_run_is_being_counted_counts_it_once(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    request = opening(key_id=tenant.caller.key_id)
    turn = await turn_of(database, tenant, request)
    outcome = msgspec.json.encode(finishing(request, turn.thread_id, cost_usd=0.5)).decode()

    async with database.tenant(tenant.caller.tenant_id) as connection:
        await connection.execute("SELECT finish_turn($1, $2)", tenant.caller.tenant_id, outcome)
        setting = asyncio.create_task(limit(owner, tenant, 100.0, "month"))

        async def is_settled() -> bool:
            waiting = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"
            return setting.done() or await connection.fetchval(waiting)

        await wait_until(is_settled)
    await setting

    assert await spent(database, tenant) == [0.5]


@pytest.mark.parametrize("period", ["day", "month", "total"])
async def test_what_the_period_has_cost_before_already_counts(
    database: Database, owner: Connection, tenant: Tenant, period: Period
) -> None:
    other_key = await second_key(owner, tenant)
    await spend(database, tenant, 0.5)
    await spend(database, tenant, 0.25, other_key)

    await limit(owner, tenant, 10.0, period)
    await limit(owner, tenant, 10.0, period, other_key)

    assert await spent(database, tenant, other_key) == [0.75, 0.25]


async def test_a_budget_that_is_set_again_keeps_what_was_spent(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 0.5, "day")
    await spend(database, tenant, 0.5)

    await limit(owner, tenant, 2.0, "month")

    (budget,) = await list_budgets(database, tenant.caller.tenant_id, tenant.caller.key_id)
    assert (budget.limit_usd, budget.spent_usd, budget.period) == (2.0, 0.5, "month")
    assert (await begin(database, tenant)).budget_left_usd == 1.5


async def test_a_removed_budget_limits_nothing(database: Database, owner: Connection, tenant: Tenant) -> None:
    await limit(owner, tenant, 0)
    await limit(owner, tenant, 5, "day", tenant.caller.key_id)

    await remove_budget(owner, await name_of(owner, tenant), None)

    assert (await begin(database, tenant)).budget_left_usd == 5
    with pytest.raises(NotFound, match="`backboard budgets list`"):
        await remove_budget(owner, await name_of(owner, tenant), None)


async def test_the_operator_sees_the_budgets_of_all_tenants(
    owner: Connection, tenant: Tenant, other_tenant: Tenant
) -> None:
    await limit(owner, tenant, 1)
    await limit(owner, other_tenant, 2, "day", other_tenant.caller.key_id)
    names = {await name_of(owner, tenant), await name_of(owner, other_tenant)}

    found = [budget for budget in await list_all_budgets(owner) if budget.tenant_name in names]

    assert {(budget.limit_usd, budget.scope, budget.key_id) for budget in found} == {
        (1, "tenant", None),
        (2, "key", other_tenant.caller.key_id),
    }


async def test_a_tenant_or_a_key_that_is_not_there_has_no_budget(
    owner: Connection, tenant: Tenant, other_tenant: Tenant
) -> None:
    with pytest.raises(NotFound, match='no tenant "nobody"'):
        await set_budget(owner, "nobody", None, 1, "day")
    for key_id in (new_id(), other_tenant.caller.key_id):
        with pytest.raises(NotFound, match=f"has no key {key_id}"):
            await limit(owner, tenant, 1, "day", key_id)


async def test_a_free_model_may_be_asked_when_nothing_is_left(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 1)
    await spend(database, tenant, 1.5)

    turn = await turn_of(database, tenant, opening(is_free=True, is_priced=False))

    assert turn.budget_left_usd == -0.5  # what a fallback that is not free is held to


async def test_a_run_whose_thread_is_deleted_meanwhile_is_counted_once(
    database: Database, owner: Connection, tenant: Tenant
) -> None:
    await limit(owner, tenant, 1)
    request = opening(key_id=tenant.caller.key_id)
    turn = await turn_of(database, tenant, request)
    await delete_thread(database, tenant.caller.tenant_id, turn.thread_id)

    outcome = finishing(request, turn.thread_id, cost_usd=0.25)
    for _ in range(2):
        with pytest.raises(Conflict):
            await finish_turn(database, tenant.caller.tenant_id, outcome)

    assert await spent(database, tenant) == [0.25]
