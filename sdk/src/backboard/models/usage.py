"""Usage: what runs used and cost, and the budgets that they are held to."""

import datetime as dt
from typing import List, Optional
from uuid import UUID

from typing_extensions import Literal

from ._record import Record


class UsageSums(Record):
    """What some runs used. `cost_usd` is None where the price of none of them is known."""

    runs: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    reasoning_tokens: int
    cost_usd: Optional[float] = None
    unpriced_runs: int


class UsageGroup(UsageSums):
    """The runs that have in common what was asked for; the other dimensions are None."""

    day: Optional[dt.date] = None
    model_provider: Optional[str] = None
    model_name: Optional[str] = None
    assistant_id: Optional[UUID] = None
    thread_id: Optional[UUID] = None
    key_id: Optional[UUID] = None
    key_name: Optional[str] = None


class UsagePagination(Record):
    """Which part of how many groups this is."""

    skip: int
    limit: int
    total: int


class UsageReport(Record):
    """A page of groups, the newest day first and the dearest within it, and the sums over all groups."""

    data: List[UsageGroup]
    total: UsageSums
    start: dt.datetime
    end: dt.datetime
    pagination: UsagePagination


class UsageEventSummary(Record):
    """What one run used, with the fields that it had in the published SDK until 1.5.9."""

    date: dt.datetime
    model: Optional[str] = None
    input_tokens: int
    output_tokens: int
    vector_reads: int
    vector_cost_usd: float
    memory_write_cost_usd: float
    credit_type: str
    amount_deducted_usd: float


class PaginationMeta(Record):
    """Which page of how many this is, counted from 1."""

    page: int
    page_size: int
    total: int
    total_pages: int


class PaginatedUsageSummaryResponse(Record):
    """A page of runs, newest first."""

    data: List[UsageEventSummary]
    pagination: PaginationMeta


class Budget(Record):
    """What may be spent in a period, in US dollars, and what has been; periods begin at midnight in UTC."""

    budget_id: UUID
    scope: Literal["tenant", "key"]
    key_id: Optional[UUID] = None
    limit_usd: float
    spent_usd: float
    left_usd: float
    period: Literal["day", "month", "total"]
    period_start: Optional[dt.datetime] = None
    ends_at: Optional[dt.datetime] = None
