from __future__ import annotations

import datetime as dt
from uuid import UUID

import pytest

from backboard import BackboardClient, BackboardPaymentRequiredError

from .scripted_server import ScriptedServer, json_answer

KEY_ID = "018f2b6a-0000-7000-8000-000000000001"
SUMS = {
    "runs": 2,
    "input_tokens": 20,
    "output_tokens": 8,
    "total_tokens": 28,
    "cached_input_tokens": 4,
    "cache_write_input_tokens": 0,
    "reasoning_tokens": 2,
    "cost_usd": None,
    "unpriced_runs": 2,
}
REPORT = {
    "data": [SUMS | {"day": "2026-11-23", "key_id": KEY_ID, "key_name": "laptop"}],
    "total": SUMS,
    "start": "2026-10-24T10:00:00Z",
    "end": "2026-11-23T10:00:00Z",
    "pagination": {"skip": 0, "limit": 100, "total": 1},
}


async def test_usage_is_by_day_and_model_unless_asked_otherwise(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(REPORT))

    await client.get_usage()

    assert (server.last_request.method, server.last_request.path) == ("GET", "/api/usage")
    assert server.last_request.query == {"group_by": "day,model", "skip": "0", "limit": "100"}


async def test_days_and_moments_are_sent_as_they_are_meant(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(REPORT))

    await client.get_usage(
        ["day", "key"],
        start=dt.date(2026, 11, 1),
        end=dt.datetime(2026, 11, 23, 12, tzinfo=dt.timezone.utc),
        model_provider="openai",
    )

    assert server.last_request.query == {
        "group_by": "day,key",
        "start": "2026-11-01",
        "end": "2026-11-23T12:00:00+00:00",
        "model_provider": "openai",
        "skip": "0",
        "limit": "100",
    }


async def test_a_report_is_typed_and_a_price_that_nobody_knows_is_none(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(REPORT))

    report = await client.get_usage(["day", "key"])

    (group,) = report.data
    assert (group.day, group.key_id, group.key_name) == (dt.date(2026, 11, 23), UUID(KEY_ID), "laptop")
    assert (group.thread_id, group.cost_usd, report.total.unpriced_runs) == (None, None, 2)
    assert report.pagination.total == 1


async def test_recent_usage_comes_as_the_published_sdk_had_it(
    client: BackboardClient, server: ScriptedServer
) -> None:
    row = {
        "date": "2026-11-23T10:00:00Z",
        "model": "gpt-4o",
        "input_tokens": 10,
        "output_tokens": 4,
        "vector_reads": 0,
        "vector_cost_usd": 0.0,
        "memory_write_cost_usd": 0.0,
        "credit_type": "provider",
        "amount_deducted_usd": 0.25,
    }
    pagination = {"page": 2, "page_size": 1, "total": 2, "total_pages": 2}
    server.script(json_answer({"data": [row], "pagination": pagination}))

    recent = await client.get_recent_usage(page=2, page_size=1)

    assert (server.last_request.path, server.last_request.query) == (
        "/api/billing/usage/recent",
        {"page": "2", "page_size": "1"},
    )
    assert (recent.data[0].date.year, recent.data[0].amount_deducted_usd) == (2026, 0.25)
    assert recent.pagination.total_pages == 2


async def test_budgets_are_typed(client: BackboardClient, server: ScriptedServer) -> None:
    budget = {
        "budget_id": KEY_ID,
        "scope": "tenant",
        "key_id": None,
        "limit_usd": 10,
        "spent_usd": 2.5,
        "left_usd": 7.5,
        "period": "month",
        "period_start": "2026-11-01T00:00:00Z",
        "ends_at": "2026-12-01T00:00:00Z",
    }
    server.script(json_answer([budget]))

    (found,) = await client.get_budgets()

    assert server.last_request.path == "/api/budgets"
    assert (found.left_usd, found.period, found.scope) == (7.5, "month", "tenant")
    assert found.ends_at == dt.datetime(2026, 12, 1, tzinfo=dt.timezone.utc)


async def test_a_spent_budget_is_an_error_of_its_own_kind(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer({"detail": "The budget is used up", "code": "budget_spent"}, 402))

    with pytest.raises(BackboardPaymentRequiredError, match="used up") as caught:
        await client.add_message(KEY_ID, content="Hi")

    assert (caught.value.status_code, caught.value.code) == (402, "budget_spent")
