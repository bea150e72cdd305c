"""The time that the phases of a step take, by the process's own clock: it never goes back. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from backboard_server.domain.receipts import Timings

if TYPE_CHECKING:
    from .draft import Draft


class Clock(Struct, frozen=True, kw_only=True):
    """When a step began, None where nobody looked; after a wait for other runs, when that was over."""

    began_at: float | None = None
    queued_seconds: float | None = None
    is_after_tools: bool = False

    def after_queue(self, now: float) -> Clock:
        """Return the clock of a run whose turn it is now."""
        return Clock(began_at=now, queued_seconds=_between(self.began_at, now))


def timings(clock: Clock, draft: Draft, ended_at: float) -> Timings:
    """Return how long the phases of a step took."""
    prepared = _between(clock.began_at, ended_at if draft.asked_at is None else draft.asked_at)
    return Timings(
        queued=clock.queued_seconds,
        opened=None if clock.is_after_tools else prepared,
        tools=prepared if clock.is_after_tools else None,
        first_token=_between(draft.asked_at, draft.first_delta_at),
        generation=_between(draft.first_delta_at, ended_at),
        total=_between(clock.began_at, ended_at),
    )


def _between(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(end - start, 6)
