"""Runs that lost their process: each is taken up where nothing can happen twice, or ended with what it said.

It is safe to go on where the log has nothing of a model in the present step: none was heard, or its answer is
whole and stored. What a client may have seen beyond the log is taken back by the gap in the numbers.
"""

from __future__ import annotations

import asyncio
import logging
import time
from uuid import UUID

from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain import events
from backboard_server.domain.errors import BackboardError, Cancelled, Conflict, NotFound, Unavailable
from backboard_server.domain.events import RunIds
from backboard_server.domain.keys import Caller
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.runs import HeldRun
from backboard_server.store.provider_keys import find_sealed_keys
from backboard_server.store.run_logs import list_rows
from backboard_server.store.runs import claim_lost_runs, resume_turn

from .beginnings import where
from .clock import Clock
from .finish import OpenRun
from .journal import LEASE_SECONDS, Journal
from .live import LiveRun
from .log import TAKEOVER_JUMP, LogReader, RunLog
from .opening import QueuedRun, turn_limits
from .run import conduct
from .salvage import salvage

TAKEOVERS_MAX = 3  # a run that has lost as many processes has probably killed them
CLAIMED_MAX = 50  # at a time
_AT_ONCE_MAX = 6  # of them are looked at, so that connections are left for the runs that go on

_log = logging.getLogger(__name__)

_NO_KEY = UUID(int=0)
_BEFORE_A_MODEL_IS_HEARD = (
    events.RunStarted,
    events.RunContinuing,
    events.MemoryRetrieved,
    events.MessageStart,
    events.ModelFallback,
)


async def recover_lost_runs(adapters: Adapters, journal: Journal) -> int:
    """Take over runs whose process is gone, and go on with them or end them. Return how many there were."""
    claimed = await claim_lost_runs(adapters.database, limit=CLAIMED_MAX, lease_seconds=LEASE_SECONDS)
    places = asyncio.Semaphore(_AT_ONCE_MAX)
    await asyncio.gather(*(_taken_up(adapters, journal, held, places) for held in claimed))
    return len(claimed)


async def _taken_up(adapters: Adapters, journal: Journal, held: HeldRun, places: asyncio.Semaphore) -> None:
    try:
        async with places:
            await recover(adapters, journal, held)
    except (Conflict, NotFound) as error:
        _log.info("a lost run needs nothing any more: %s", error.message)
    except BackboardError as error:
        _log.warning("a lost run could not be taken up, its lease will run out again: %s", error.message)
    except Exception:  # noqa: BLE001 - one run that nobody can read must not keep the others from their end
        _log.exception("run %s could not be taken up, its lease will run out again", held.run_id)


async def recover(adapters: Adapters, journal: Journal, held: HeldRun) -> None:
    """Go on with a run that this process has taken over, or end it with what it said. Raises Conflict."""
    begun = await begun_again(adapters, held)
    if held.status == "QUEUED":
        _start(adapters, journal, held, begun)
        return
    run = await opened_again(adapters, begun)
    failure = _reason_to_end(held, is_heard=await _is_heard(adapters, begun, held))
    if failure is not None:
        await salvage(adapters, run, held, failure)
        return
    _log.warning("run %s lost its process and goes on here", held.run_id)
    _start(adapters, journal, held, run)


async def begun_again(adapters: Adapters, held: HeldRun) -> QueuedRun:
    """Return a run of this process's as it is before its turn is read."""
    sealed_keys = await find_sealed_keys(adapters.database, held.tenant_id)
    return QueuedRun(
        caller=Caller(held.tenant_id, held.key_id or _NO_KEY, sealed_keys),
        run_id=held.run_id,
        answer_id=held.answer_id,
        question_id=held.question_id,
        ids=RunIds(str(held.thread_id), str(held.assistant_id or ""), str(held.run_id)),
        choice=ModelChoice(held.model_provider, held.model_name),
        options=held.options,
        log=RunLog(held.logged_through, counts_from=held.logged_through + TAKEOVER_JUMP),
        clock=Clock(began_at=time.monotonic()),
        epoch=held.epoch,
    )


async def opened_again(adapters: Adapters, begun: QueuedRun) -> OpenRun:
    """Return the run with all that was said up to now. Raises NotFound where it was deleted."""
    limits = turn_limits(adapters, adapters.models.facts(begun.choice))
    turn = await resume_turn(adapters.database, begun.caller.tenant_id, begun.run_id, limits)
    if turn.history and turn.history[-1].role == "tool":  # the choice of tools was for a step that is over
        begun = replace(begun, options=replace(begun.options, tool_choice=None))
    return await begun.opened(adapters, turn)


async def _is_heard(adapters: Adapters, begun: QueuedRun, held: HeldRun) -> bool:
    """Return whether a model said anything in the present step, which a takeover may have begun again."""
    if held.logged_through == held.step_after:
        return False
    rows = await list_rows(adapters.database, held.tenant_id, held.run_id, after=held.step_after)
    reader = LogReader(begun.ids)
    return any(
        not isinstance(event, _BEFORE_A_MODEL_IS_HEARD) for row in rows for _, event in reader.read(row)
    )


def _reason_to_end(held: HeldRun, *, is_heard: bool) -> BackboardError | None:
    if held.is_cancel_requested:
        return Cancelled("The run was cancelled.")
    if is_heard:
        return Unavailable(
            "The server was lost while the model was answering. What it had said is kept; send the message "
            "again for a whole answer.",
            code="run_interrupted",
        )
    if held.takeovers >= TAKEOVERS_MAX:
        return Unavailable(
            f"The run lost its server {held.takeovers} times and is given up. Send the message again, or "
            "another one, if it holds what the server cannot bear.",
            code="run_interrupted",
        )
    return None


def _start(adapters: Adapters, journal: Journal, held: HeldRun, run: OpenRun | QueuedRun) -> None:
    continuing = None
    if held.status != "QUEUED":
        continuing = events.RunContinuing(**where(run.ids), phase="resumed")
    conducting = conduct(adapters, run, streamed=True, continuing=continuing)
    journal.start(
        LiveRun(conducting, run.log), tenant_id=held.tenant_id, run_id=held.run_id, epoch=held.epoch
    )
