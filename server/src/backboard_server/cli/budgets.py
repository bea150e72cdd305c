"""Budgets from the command line: beside a running server, or with Postgres up for the moment."""

from __future__ import annotations

from uuid import UUID

from backboard_server.domain.budgets import Budget, Period
from backboard_server.settings import Settings
from backboard_server.store import budgets

from .database import as_owner


def set_one(settings: Settings, tenant: str, key_id: UUID | None, limit_usd: float, period: Period) -> Budget:
    """Set what a tenant, or one of its keys, may spend; it holds from the next message on."""
    return as_owner(settings, lambda owner: budgets.set_budget(owner, tenant, key_id, limit_usd, period))


def list_all(settings: Settings) -> list[Budget]:
    """Return the budgets of every tenant."""
    return as_owner(settings, budgets.list_all_budgets)


def remove(settings: Settings, tenant: str, key_id: UUID | None) -> None:
    """Remove a budget. Raises NotFound."""
    as_owner(settings, lambda owner: budgets.remove_budget(owner, tenant, key_id))


def line(budget: Budget) -> str:
    """Return a budget as one line for people."""
    whose = f"key {budget.key_id}" if budget.key_id else "whole tenant"
    until = f"until {budget.ends_at:%Y-%m-%d %H:%M} UTC" if budget.ends_at else "in total"
    spent = f"${budget.spent_usd:.4f} of ${budget.limit_usd:,.4f} spent"
    return f"{budget.tenant_name}  {whose}  {budget.period}  {spent}, ${budget.left_usd:,.4f} left {until}"
