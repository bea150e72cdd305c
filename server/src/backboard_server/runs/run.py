"""The conductor: what happens to one message, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET

from backboard_server.adapters import Adapters
from backboard_server.domain import events, tracing
from backboard_server.domain.errors import BackboardError, Unavailable, Upstream
from backboard_server.domain.events import Event, RunIds

from .accept import AcceptedMessage
from .answer import answer
from .draft import Draft
from .finish import OpenRun, finish

_log = logging.getLogger(__name__)


async def run_message(adapters: Adapters, accepted: AcceptedMessage) -> AsyncGenerator[Event]:
    """Answer a stored message and yield the events of it, in the order of the contract (B.3).

    The last event says how it ended. After a RunFailed the error is raised too, for callers that fold the
    events to an answer. However it ends, what was said is stored.
    """
    where, run = _where(accepted.ids), accepted.run
    message_id, content = accepted.message_id, accepted.message.content
    attachments = accepted.attachments
    yield events.MessageReceived(**where)
    yield events.UserMessage(**where, message_id=message_id, content=content, attachments=attachments)
    if run is None:
        saved_at = accepted.accepted_at
        yield events.MessageSaved(
            **where, message_id=message_id, content=content, attachments=attachments, created_at=saved_at
        )
        return
    tracing.run_id.set(run.ids.run_id)
    answer_id, choice = str(run.answer_id), run.choice
    yield events.RunStarted(**where, message_id=answer_id, provider=choice.provider, model_name=choice.model)
    yield events.MessageStart(**where, message_id=answer_id)
    prompt = run.context.prompt
    draft = Draft(
        run.ids,
        run.choice,
        is_held=prompt.response_format is not None,
        hides_reasoning=prompt.thinking is not None and prompt.thinking.is_hidden,
    )
    try:
        async with aclosing(answer(adapters, run, draft, streamed=accepted.message.stream)) as answering:
            async for event in answering:
                yield event
        ended = await finish(adapters, run, draft, datetime.now(UTC))
    except asyncio.CancelledError:
        stopped = Unavailable("The server was stopped while the model was answering.", code="server_stopped")
        yield await asyncio.shield(_fail(adapters, run, draft, stopped))
        raise
    except Exception as error:  # the conductor: whatever happened, the run must end, and say so
        failure = error if isinstance(error, BackboardError) else _unexpected(error)
        yield await _fail(adapters, run, draft, failure)
        raise failure from error
    assert ended is not None  # noqa: S101 - a run that did not fail has a last event
    yield ended


async def _fail(adapters: Adapters, run: OpenRun, draft: Draft, failure: BackboardError) -> events.RunFailed:
    """Store a run that failed, with what was said before, and return the event that says so."""
    _log.warning("run failed: %s: %s", failure.error_code, failure.message)
    try:
        await finish(adapters, run, draft, datetime.now(UTC), failure)
    except BackboardError as error:
        _log.error("the failed run could not be stored: %s", error.message)
    retry_after = failure.retry_after_seconds if isinstance(failure, Upstream) else None
    return events.RunFailed(
        **_where(run.ids),
        error=failure.message,
        message=failure.message,
        code=failure.error_code,
        message_id=str(run.answer_id),
        retry_after_seconds=UNSET if retry_after is None else retry_after,
    )


def _unexpected(error: Exception) -> BackboardError:
    _log.error("unexpected failure in a run", exc_info=error)
    return BackboardError(
        "The server met an error of its own while answering. Your message is stored; try again, and report "
        "the request id if it happens again.",
        code="internal_error",
    )


def _where(ids: RunIds) -> dict[str, Any]:
    return {"thread_id": ids.thread_id, "assistant_id": ids.assistant_id, "run_id": ids.run_id}
