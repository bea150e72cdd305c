"""Usage over HTTP: what a conversation has cost, seen from every side."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from backboard_server.domain.prompts import Usage
from backboard_server.store.database import Database
from backboard_server.store.turns import finish_turn
from tenants import Tenant
from turn_requests import finishing, opening, say, turn_of

SUMS = {
    "runs", "input_tokens", "output_tokens", "total_tokens", "cached_input_tokens",
    "cache_write_input_tokens", "reasoning_tokens", "cost_usd", "unpriced_runs",
}  # fmt: skip


async def ask(client: httpx.AsyncClient, path: str = "/usage", **params: Any) -> dict[str, Any]:
    response = await client.get(path, params=params)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
async def spent(database: Database, tenant: Tenant) -> None:
    """Two answers of one model, the second without a price."""
    for cost_usd in (0.25, None):
        request = opening(key_id=tenant.caller.key_id)
        turn = await turn_of(database, tenant, request)
        outcome = finishing(
            request,
            turn.thread_id,
            assistant_id=turn.assistant_id,
            cost_usd=cost_usd,
            usage=Usage(input_tokens=10, output_tokens=4, cached_input_tokens=2, reasoning_tokens=1),
        )
        await finish_turn(database, tenant.caller.tenant_id, outcome)


@pytest.mark.usefixtures("spent")
async def test_usage_is_by_day_and_model_unless_asked_otherwise(client: httpx.AsyncClient) -> None:
    answer = await ask(client)

    assert answer["data"] == [
        {
            "day": datetime.now(UTC).date().isoformat(),
            "model_provider": "local",
            "model_name": "quotes",
            "runs": 2,
            "input_tokens": 20,
            "output_tokens": 8,
            "total_tokens": 28,
            "cached_input_tokens": 4,
            "cache_write_input_tokens": 0,
            "reasoning_tokens": 2,
            "cost_usd": 0.25,
            "unpriced_runs": 1,
        }
    ]
    assert answer["total"] == {name: answer["data"][0][name] for name in SUMS}
    assert answer["pagination"] == {"skip": 0, "limit": 100, "total": 1}


@pytest.mark.usefixtures("spent")
async def test_dimensions_are_repeated_or_have_commas_between_them(
    client: httpx.AsyncClient, tenant: Tenant
) -> None:
    repeated = await ask(client, group_by=["key", "assistant"])
    with_commas = await ask(client, group_by="assistant, KEY")

    (row,) = repeated["data"]
    assert row.keys() - SUMS == {"assistant_id", "key_id", "key_name"}
    assert (row["key_id"], row["key_name"]) == (str(tenant.caller.key_id), "test")
    assert with_commas["data"] == repeated["data"]
    assert len((await ask(client, group_by="thread"))["data"]) == 2


@pytest.mark.usefixtures("spent")
async def test_a_day_as_the_end_is_counted_and_a_moment_is_not(client: httpx.AsyncClient) -> None:
    today = datetime.now(UTC).date()
    whole_day = await ask(client, start=today.isoformat(), end=today.isoformat())
    until_then = await ask(client, start=(today - timedelta(days=1)).isoformat(), end=f"{today}T00:00:00Z")

    assert whole_day["total"]["runs"] == 2
    assert whole_day["start"] == f"{today}T00:00:00Z"
    assert whole_day["end"] == f"{today + timedelta(days=1)}T00:00:00Z"
    assert until_then["total"]["runs"] == 0
    assert until_then["total"]["cost_usd"] is None


@pytest.mark.usefixtures("spent")
async def test_a_moment_without_a_zone_is_in_utc_and_one_with_it_is_not_lost(
    client: httpx.AsyncClient,
) -> None:
    answer = await ask(client, start="2026-01-01T01:00:00+01:00", end="2026-01-01T12:00:00")

    assert (answer["start"], answer["end"]) == ("2026-01-01T00:00:00Z", "2026-01-01T12:00:00Z")


async def test_the_range_is_thirty_days_unless_it_is_given(client: httpx.AsyncClient) -> None:
    answer = await ask(client)

    start, end = (datetime.fromisoformat(answer[name]) for name in ("start", "end"))
    assert end - start == timedelta(days=30)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"group_by": "tenant"}, 400),
        ({"group_by": "day;DROP TABLE usage"}, 400),
        ({"start": "2026-02-01", "end": "2026-01-01"}, 400),
        ({"start": "2025-01-01", "end": "2026-01-02"}, 400),
        ({"start": "soon"}, 422),
        ({"start": "2026-02-30"}, 422),
        ({"end": "2026-02-30"}, 422),
        ({"start": "0001-01-01T00:00:00+23:59"}, 422),
        ({"end": "9999-12-31T23:59:59-23:59"}, 422),
        ({"end": "1e300"}, 422),
        ({"skip": -1}, 422),
        ({"limit": 0}, 422),
        ({"limit": 201}, 422),
        ({"model_name": "x" * 301}, 422),
        ({"model_name": "\0"}, 400),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    client: httpx.AsyncClient, params: dict[str, Any], status: int
) -> None:
    response = await client.get("/usage", params=params)

    assert response.status_code == status, response.text


@pytest.mark.parametrize(
    "params", [{"end": "9999-12-31"}, {"end": "1970-01-02"}, {"start": "0", "end": "1e6"}]
)
async def test_the_ends_of_the_calendar_break_nothing(
    client: httpx.AsyncClient, params: dict[str, str]
) -> None:
    assert (await client.get("/usage", params=params)).status_code in (200, 422)


@pytest.mark.usefixtures("spent")
async def test_recent_usage_has_the_published_shape(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "/billing/usage/recent", page=1, page_size=1)
    second = await ask(client, "/billing/usage/recent", page=2, page_size=1)

    (unpriced,) = answer["data"]
    (priced,) = second["data"]
    assert datetime.fromisoformat(unpriced.pop("date")) >= datetime.fromisoformat(priced.pop("date"))
    assert unpriced == {
        "model": "quotes",
        "input_tokens": 10,
        "output_tokens": 4,
        "vector_reads": 0,
        "vector_cost_usd": 0.0,
        "memory_write_cost_usd": 0.0,
        "credit_type": "unpriced",
        "amount_deducted_usd": 0.0,
    }
    assert priced == unpriced | {"credit_type": "provider", "amount_deducted_usd": 0.25}
    assert answer["pagination"] == {"page": 1, "page_size": 1, "total": 2, "total_pages": 2}


async def test_a_tenant_without_runs_has_no_recent_usage(
    client: httpx.AsyncClient, database: Database, other_tenant: Tenant
) -> None:
    await say(database, other_tenant, None, "theirs")

    assert await ask(client, "/billing/usage/recent") == {
        "data": [],
        "pagination": {"page": 1, "page_size": 50, "total": 0, "total_pages": 0},
    }
