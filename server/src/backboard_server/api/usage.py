"""Usage over HTTP: what runs used and cost, and the list of them that the published API had."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, get_args
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from backboard_server.domain.errors import Invalid
from backboard_server.domain.usage import Dimension, RunUsage, UsageQuestion
from backboard_server.store import usage

from .edge import AdaptersOf, CallerOf, GuardedRoute
from .shapes import LIMIT_MAX, Limit, Skip, now

router = APIRouter(tags=["usage"], route_class=GuardedRoute)

DAYS_DEFAULT = 30
DAYS_MAX = 366
RECENT_DAYS = 30
PAGE_MAX = 1_000
NAME_CHARACTERS_MAX = 300

_DEFAULT: frozenset[Dimension] = frozenset({"day", "model"})
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
_LATEST = datetime(9999, 12, 29, tzinfo=UTC)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def _after_that_day(value: object) -> object:
    """Return the end of a day that is given without a time: whoever asks until then means to have it in."""
    if isinstance(value, str) and _DAY.fullmatch(value):
        day = datetime.combine(min(date.fromisoformat(value), _LATEST.date()), time(), UTC)
        return day + timedelta(days=1)
    return value


def _in_utc(value: datetime) -> datetime:
    """Return a moment in UTC, which is meant where no zone is given."""
    aware = value if value.tzinfo else value.replace(tzinfo=UTC)
    if not _EARLIEST <= aware <= _LATEST:
        raise ValueError("is outside of what a calendar of runs has: give a moment since 1970")
    return aware.astimezone(UTC)


Start = Annotated[
    datetime | None,
    AfterValidator(lambda value: value and _in_utc(value)),
    Query(description=f"From when: a day or a moment, in UTC. Default: {DAYS_DEFAULT} days before the end."),
]
End = Annotated[
    datetime | None,
    BeforeValidator(_after_that_day),
    AfterValidator(lambda value: value and _in_utc(value)),
    Query(description="Until when: a day, which is included, or a moment, which is not. Default: now."),
]
GroupBy = Annotated[
    list[str] | None,
    Query(
        description=f"Any of {', '.join(get_args(Dimension))}; repeated or with commas. Default: day,model."
    ),
]
ModelPart = Annotated[str | None, Query(max_length=NAME_CHARACTERS_MAX)]


class Sums(BaseModel):
    """What some runs used. `cost_usd` is null where the price of none of them is known."""

    runs: int
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    unpriced_runs: int


class UsageRow(Sums):
    """The runs that have in common what was asked for; the other dimensions are left out."""

    day: date | None = None
    model_provider: str | None = None
    model_name: str | None = None
    assistant_id: UUID | None = None
    thread_id: UUID | None = None
    key_id: UUID | None = None
    key_name: str | None = None


class UsagePagination(BaseModel):
    """Which part of how many groups this is."""

    skip: int
    limit: int
    total: int


class UsageRead(BaseModel):
    """A page of groups, the newest day first and the dearest within it, and the sums over all groups."""

    data: list[UsageRow]
    total: Sums
    start: datetime
    end: datetime
    pagination: UsagePagination


class RunUsageRead(BaseModel):
    """What one run used, in the fields that the published API had; there are no credits here."""

    date: datetime
    model: str
    input_tokens: int
    output_tokens: int
    vector_reads: int = Field(default=0, description="Searching costs nothing here, and is not counted.")
    vector_cost_usd: float = 0.0
    memory_write_cost_usd: float = 0.0
    credit_type: str = Field(description="`provider`: billed by it. `unpriced`: nobody knows for how much.")
    amount_deducted_usd: float


class RecentPagination(BaseModel):
    """Which page of how many this is, counted from 1."""

    page: int
    page_size: int
    total: int
    total_pages: int


class RecentUsageRead(BaseModel):
    """A page of runs, newest first."""

    data: list[RunUsageRead]
    pagination: RecentPagination


def _question(
    group_by: GroupBy = None,
    start: Start = None,
    end: End = None,
    model_provider: ModelPart = None,
    model_name: ModelPart = None,
) -> UsageQuestion:
    """Return what is asked, with what was left out. Raises Invalid."""
    end = end or now()
    start = start or max(end - timedelta(days=DAYS_DEFAULT), _EARLIEST)
    if start >= end:
        raise Invalid("The start of the range is not before its end: give an earlier start, or a later end.")
    if end - start > timedelta(days=DAYS_MAX):
        raise Invalid(f"The range is longer than {DAYS_MAX} days: ask for a part of it at a time.")
    return UsageQuestion(
        group_by=_dimensions(group_by or ()),
        start=start,
        end=end,
        model_provider=model_provider,
        model_name=model_name,
    )


@router.get("/usage", response_model_exclude_unset=True)
async def get_usage(
    adapters: AdaptersOf,
    caller: CallerOf,
    question: Annotated[UsageQuestion, Depends(_question)],
    skip: Skip = 0,
    limit: Limit = 100,
) -> UsageRead:
    """Add up what the tenant's runs used and cost, by days in UTC, models, assistants, threads and keys."""
    answer = await usage.get_usage(adapters.database, caller.tenant_id, question, skip=skip, limit=limit)
    return UsageRead(
        data=[UsageRow.model_validate(_fields(group)) for group in answer.groups],
        total=Sums.model_validate(_fields(answer.total)),
        start=question.start,
        end=question.end,
        pagination=UsagePagination(skip=skip, limit=limit, total=answer.groups_total),
    )


@router.get("/billing/usage/recent")
async def get_recent_usage(
    adapters: AdaptersOf,
    caller: CallerOf,
    page: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 1,
    page_size: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 50,
) -> RecentUsageRead:
    """List what each run of the last 30 days used, newest first, as the published API did until 1.5.9."""
    runs, total = await usage.list_recent_runs(
        adapters.database,
        caller.tenant_id,
        now() - timedelta(days=RECENT_DAYS),
        skip=(page - 1) * page_size,
        limit=page_size,
    )
    return RecentUsageRead(
        data=[_recent(run) for run in runs],
        pagination=RecentPagination(
            page=page, page_size=page_size, total=total, total_pages=-(-total // page_size)
        ),
    )


def _dimensions(values: Iterable[str]) -> frozenset[Dimension]:
    names = {part.strip().lower() for value in values for part in value.split(",")} - {""}
    found: frozenset[Dimension] = frozenset(name for name in get_args(Dimension) if name in names)
    if unknown := names - found:
        raise Invalid(
            f"Usage cannot be grouped by {min(unknown)[:80]!r}: "
            f"group_by takes any of {', '.join(get_args(Dimension))}."
        )
    return found or _DEFAULT


def _fields(sums: msgspec.Struct) -> dict[str, Any]:
    """Return what is set: of a group only the dimensions that were asked for."""
    return {name: value for name, value in msgspec.structs.asdict(sums).items() if value is not msgspec.UNSET}


def _recent(run: RunUsage) -> RunUsageRead:
    return RunUsageRead(
        date=run.created_at,
        model=run.model_name,
        input_tokens=run.input_tokens,
        output_tokens=run.output_tokens,
        credit_type="unpriced" if run.cost_usd is None else "provider",
        amount_deducted_usd=run.cost_usd or 0.0,
    )
