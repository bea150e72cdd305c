"""Budgets: how much a tenant, or one of its keys, may spend in a period."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

from .errors import Invalid

Period = Literal["day", "month", "total"]

LIMIT_USD_MAX = 1_000_000_000.0

_LONGER_THAN_A_MONTH = timedelta(days=32)


class Budget(Struct, frozen=True, kw_only=True):
    """What may be spent in each period, and what was in the present one, which begins at midnight in UTC."""

    id: UUID
    tenant_name: str | None = None
    key_id: UUID | None
    limit_usd: float
    spent_usd: float
    period: Period
    period_start: date

    @property
    def scope(self) -> Literal["tenant", "key"]:
        """Whose spending is counted."""
        return "tenant" if self.key_id is None else "key"

    @property
    def left_usd(self) -> float:
        """What may still be spent: never less than nothing, though a last run may cost more than was left."""
        return max(self.limit_usd - self.spent_usd, 0.0)

    @property
    def starts_at(self) -> datetime | None:
        """When the present period began; None for the budget that has only one."""
        return None if self.period == "total" else datetime.combine(self.period_start, time(), UTC)

    @property
    def ends_at(self) -> datetime | None:
        """When the next period begins; None for the budget that has only one."""
        match self.period:
            case "total":
                return None
            case "day":
                following = self.period_start + timedelta(days=1)
            case "month":
                following = (self.period_start + _LONGER_THAN_A_MONTH).replace(day=1)
        return datetime.combine(following, time(), UTC)


def checked_limit(limit_usd: float) -> float:
    """Return a limit that can be kept. Raises Invalid."""
    if not math.isfinite(limit_usd) or not 0 <= limit_usd <= LIMIT_USD_MAX:
        raise Invalid(f"A budget is an amount of US dollars from 0 to {LIMIT_USD_MAX:,.0f}.")
    return limit_usd
