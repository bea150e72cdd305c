"""The conductor: what happens to one message, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

from backboard_server.adapters import Adapters
from backboard_server.domain import events, tracing
from backboard_server.domain.errors import BackboardError, Cancelled, Conflict, TakenOver, Unavailable
from backboard_server.domain.events import Event, LastEvent, RunIds

from .accept import AcceptedMessage
from .beginnings import Beginning, started, where
from .ends import bad_end
from .finish import OpenRun, finish
from .log import RunLog
from .opening import QueuedRun
from .queue import its_turn
from .recollecting import recollected, retrieved
from .steps import Course, take_steps

_log = logging.getLogger(__name__)


async def run_message(adapters: Adapters, accepted: AcceptedMessage) -> AsyncGenerator[Event]:
    """Answer a stored message and yield the events of it, in the order of the contract (B.3).

    The last event says how it ended. After a RunFailed the error is raised too, for callers that fold the
    events to an answer. However it ends, what was said is stored.
    """
    message, ids, run = accepted.message, accepted.ids, accepted.run
    answer_id = str(run.answer_id) if run else ""
    begins = Beginning(message.content, accepted.message_id, answer_id, accepted.attachments)
    if run is None:
        operation = accepted.message_id if message.memory == "auto" else None
        async for event in tell_saved(begins, ids, accepted.accepted_at, operation):
            yield event
        return
    for event in begins.queued(ids) if isinstance(run, QueuedRun) else begins.received(ids):
        yield event
    async with aclosing(conduct(adapters, run, streamed=message.stream)) as conducting:
        async for event in conducting:
            yield event


async def tell_saved(
    begins: Beginning, ids: RunIds, saved_at: datetime, memory_operation_id: str | None = None
) -> AsyncGenerator[Event]:
    """Yield the events of a message that no model answers."""
    for event in begins.received(ids):
        yield event
    yield events.MessageSaved(
        **where(ids),
        message_id=begins.message_id,
        content=begins.content,
        attachments=begins.attachments,
        memory_operation_id=memory_operation_id,
        created_at=saved_at,
    )


async def conduct(
    adapters: Adapters,
    begun: OpenRun | QueuedRun,
    *,
    streamed: bool,
    continuing: events.RunContinuing | None = None,
) -> AsyncGenerator[Event]:
    """Answer a run that is stored: wait for its turn, take its steps, and see to it that it ends.

    A run that goes on says so first, with `continuing`. Raises what the run failed with, and TakenOver
    without a word where it is another process's by now.
    """
    tracing.run_id.set(begun.ids.run_id)
    run = await _once_it_is_its_turn(adapters, begun)
    if run is None:
        yield events.RunCancelled(**where(begun.ids))
        return
    beginning, opening = started(run.ids, str(run.answer_id), run.choice)
    yield continuing or beginning
    course = Course(run)
    try:
        course.run = run = await recollected(adapters, run)
        if continuing is None and run.recollection is not None and run.recollection.items:
            yield events.MemoryRetrieved(**where(run.ids), memories=retrieved(run.recollection))
        yield opening
        async with aclosing(take_steps(adapters, course, streamed=streamed)) as steps:
            async for event in steps:
                yield event
    except asyncio.CancelledError:
        failure = _stopped(run.log)
        if isinstance(failure, TakenOver):
            raise failure from None  # whoever has the run now tells how it goes on
        yield await asyncio.shield(_fail(adapters, course, failure))
        if not isinstance(failure, Cancelled):
            raise failure from None
    except TakenOver:
        raise
    except Exception as error:  # the conductor: whatever happened, the run must end, and say so
        failure = error if isinstance(error, BackboardError) else _unexpected(error)
        yield await _fail(adapters, course, failure)
        raise failure from error


async def _once_it_is_its_turn(adapters: Adapters, begun: OpenRun | QueuedRun) -> OpenRun | None:
    """Return the run opened; None where it was cancelled while it waited, and is stored so."""
    if isinstance(begun, OpenRun):
        return begun
    try:
        return await its_turn(adapters, begun)
    except Cancelled:
        return None
    except asyncio.CancelledError:
        failure = _stopped(begun.log)
        if isinstance(failure, Cancelled):
            return None
        if isinstance(failure, Conflict):
            raise failure from None
        raise  # it stays queued, and whoever finds it goes on with it


def _stopped(log: RunLog) -> BackboardError:
    """Return why a run is being stopped."""
    match log.stop_reason:
        case "cancelled":
            return Cancelled("The run was cancelled.")
        case "taken_over":
            return TakenOver("Another process has taken the run over, as this one was silent for too long.")
        case "deleted":
            return Conflict("The thread was deleted while the model was answering.")
        case None:
            return Unavailable("The server was stopped while the model was answering.", code="server_stopped")


async def _fail(adapters: Adapters, course: Course, failure: BackboardError) -> LastEvent:
    """Store a run that failed, with what was said before, and return the event that says so.

    Raises TakenOver.
    """
    run, draft = course.run, course.draft
    _log.warning("run ended: %s: %s", failure.error_code, failure.message)
    try:
        return await finish(adapters, run, draft, datetime.now(UTC), failure)
    except TakenOver:
        raise
    except BackboardError as error:
        _log.error("the failed run could not be stored: %s", error.message)
        return bad_end(run, draft, datetime.now(UTC), failure)


def _unexpected(error: Exception) -> BackboardError:
    _log.error("unexpected failure in a run", exc_info=error)
    return BackboardError(
        "The server met an error of its own while answering. Your message is stored; try again, and report "
        "the request id if it happens again.",
        code="internal_error",
    )
