"""What a budget says of itself."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import pytest

from backboard_server.domain.budgets import Budget, Period, checked_limit
from backboard_server.domain.errors import Invalid
from backboard_server.domain.ids import new_id


def budget(period: Period, starts: date, *, spent_usd: float = 0.0) -> Budget:
    return Budget(
        id=new_id(), key_id=None, limit_usd=10, spent_usd=spent_usd, period=period, period_start=starts
    )


@pytest.mark.parametrize(
    ("period", "starts", "ends_at"),
    [
        ("day", date(2026, 12, 31), datetime(2027, 1, 1, tzinfo=UTC)),
        ("day", date(2028, 2, 28), datetime(2028, 2, 29, tzinfo=UTC)),
        ("month", date(2026, 2, 1), datetime(2026, 3, 1, tzinfo=UTC)),
        ("month", date(2026, 12, 1), datetime(2027, 1, 1, tzinfo=UTC)),
        ("total", date(1970, 1, 1), None),
    ],
)
def test_a_period_ends_where_the_next_begins(period: Period, starts: date, ends_at: datetime | None) -> None:
    assert budget(period, starts).ends_at == ends_at


def test_less_than_nothing_is_never_left() -> None:
    assert budget("day", date(2026, 1, 1), spent_usd=4).left_usd == 6
    assert budget("day", date(2026, 1, 1), spent_usd=10.5).left_usd == 0


@pytest.mark.parametrize("limit_usd", [-0.01, math.nan, math.inf, -math.inf, 1e12])
def test_what_is_no_amount_is_refused(limit_usd: float) -> None:
    with pytest.raises(Invalid, match="US dollars"):
        checked_limit(limit_usd)


@pytest.mark.parametrize("limit_usd", [0, 0.000001, 10, 1e9])
def test_any_amount_will_do(limit_usd: float) -> None:
    assert checked_limit(limit_usd) == limit_usd
