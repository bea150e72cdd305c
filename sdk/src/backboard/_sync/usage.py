# Made from _async by tools/unasync.py: change it there, then run `make generate`.
"""The methods of usage and budgets."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Sequence, Union

from typing_extensions import Literal

from backboard._answers import parse, parse_list
from backboard._requests import Request, given
from backboard.models.usage import Budget, PaginatedUsageSummaryResponse, UsageReport

if TYPE_CHECKING:
    from backboard._options import Timeout

    from .transport import Transport

UsageDimension = Literal["day", "model", "assistant", "thread", "key"]
Moment = Union[date, str]  # a datetime is a date too


class UsageMethods:
    """See what runs used and cost, and what may still be spent."""

    _transport: Transport

    def get_usage(
        self,
        group_by: Sequence[UsageDimension] = ("day", "model"),
        start: Moment | None = None,
        end: Moment | None = None,
        model_provider: str | None = None,
        model_name: str | None = None,
        skip: int = 0,
        limit: int = 100,
        *,
        timeout: Timeout = None,
    ) -> UsageReport:
        """Add up what your runs used and cost, in the last 30 days where no `start` is given.

        `start` and `end` are days in UTC (the last is included) or moments (the last is not).
        """
        query = given(
            group_by=",".join(group_by),
            start=_text(start),
            end=_text(end),
            model_provider=model_provider,
            model_name=model_name,
            skip=skip,
            limit=limit,
        )
        return parse(UsageReport, self._transport.fetch(Request("GET", "/usage", query=query), timeout))

    def get_recent_usage(
        self, page: int = 1, page_size: int = 50, *, timeout: Timeout = None
    ) -> PaginatedUsageSummaryResponse:
        """Return a page of what each run of the last 30 days used, newest first; pages count from 1."""
        request = Request("GET", "/billing/usage/recent", query={"page": page, "page_size": page_size})
        return parse(PaginatedUsageSummaryResponse, self._transport.fetch(request, timeout))

    def get_budgets(self, *, timeout: Timeout = None) -> list[Budget]:
        """Return the budgets that a message with this key falls under; none where nothing limits it."""
        return parse_list(Budget, self._transport.fetch(Request("GET", "/budgets"), timeout))


def _text(moment: Moment | None) -> str | None:
    return moment.isoformat() if isinstance(moment, date) else moment
