"""Budgets over HTTP: read by the tenant, set by the operator on the command line."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from backboard_server.domain.budgets import Budget, Period
from backboard_server.store import budgets

from .edge import AdaptersOf, CallerOf, GuardedRoute
from .shapes import Shape

router = APIRouter(prefix="/budgets", tags=["usage"], route_class=GuardedRoute)


class BudgetRead(Shape):
    """What may be spent in a period, in US dollars, and what has been."""

    budget_id: UUID = Field(validation_alias="id")
    scope: Literal["tenant", "key"]
    key_id: UUID | None
    limit_usd: float
    spent_usd: float
    left_usd: float
    period: Period
    period_start: datetime | None = Field(validation_alias="starts_at")
    ends_at: datetime | None


@router.get("", response_model=list[BudgetRead])
async def get_budgets(adapters: AdaptersOf, caller: CallerOf) -> list[Budget]:
    """List the budgets that a message with this key falls under: the tenant's and the key's own, if any."""
    return await budgets.list_budgets(adapters.database, caller.tenant_id, caller.key_id)
