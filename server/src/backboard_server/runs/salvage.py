"""Ending a run that lost its process: what its log says it said is kept, and why it ended."""

from __future__ import annotations

from datetime import UTC, datetime

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import BackboardError
from backboard_server.domain.prompts import ReasoningDelta, TextDelta
from backboard_server.domain.runs import HeldRun
from backboard_server.store.run_logs import list_rows

from .draft import Draft
from .finish import OpenRun, finish
from .log import LogReader


async def salvage(adapters: Adapters, run: OpenRun, held: HeldRun, failure: BackboardError) -> None:
    """End a run with a failure, or as cancelled, and keep what it had said in the step that it was at.

    Raises Conflict where the run has ended or changed hands by now.
    """
    reader = LogReader(run.ids)
    for row in await list_rows(adapters.database, held.tenant_id, held.run_id, after=held.step_after):
        for _ in reader.read(row):
            continue
    draft = Draft(run.ids, run.choice)
    for delta in (ReasoningDelta(reader.reasoning), TextDelta("".join(reader.said))):
        if delta.text:
            for _ in draft.add(delta):
                continue
    await finish(adapters, run, draft, datetime.now(UTC), failure)
