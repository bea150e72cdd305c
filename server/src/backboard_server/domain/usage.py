"""Usage: what runs used and cost, added up by what one wants to know it by."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from .models import PriceSource
from .prompts import Usage

Dimension = Literal["day", "model", "assistant", "thread", "key"]


class UsageQuestion(Struct, frozen=True, kw_only=True):
    """Which runs are meant (from `start` until before `end`), and by what they are added up."""

    group_by: frozenset[Dimension]
    start: datetime
    end: datetime
    model_provider: str | None = None
    model_name: str | None = None


class CountedUsage(Struct, frozen=True, kw_only=True):
    """What a model was asked for, and what it cost, as it is counted. `run_id` tells it from any other."""

    run_id: UUID
    key_id: UUID
    assistant_id: UUID
    thread_id: UUID
    model_provider: str
    model_name: str
    usage: Usage
    cost_usd: float | None
    price_source: PriceSource | None
    price_dated: date | None
    created_at: datetime


class UsageSums(Struct, frozen=True, kw_only=True):
    """What some runs used. `cost_usd` adds up those whose price is known, and is None if there are none."""

    runs: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    unpriced_runs: int


class UsageGroup(UsageSums, frozen=True, kw_only=True):
    """The runs that have in common what they are grouped by; the other dimensions are not there."""

    day: date | UnsetType = UNSET
    model_provider: str | UnsetType = UNSET
    model_name: str | UnsetType = UNSET
    assistant_id: UUID | UnsetType = UNSET
    thread_id: UUID | UnsetType = UNSET
    key_id: UUID | UnsetType = UNSET
    key_name: str | UnsetType | None = UNSET


class UsageAnswer(Struct, frozen=True, kw_only=True):
    """A page of groups, newest and dearest first; how many there are; and the sums over all of them."""

    groups: list[UsageGroup]
    groups_total: int
    total: UsageSums


class RunUsage(Struct, frozen=True, kw_only=True):
    """What one run used."""

    created_at: datetime
    model_provider: str
    model_name: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
