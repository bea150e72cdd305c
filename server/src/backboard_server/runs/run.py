"""The conductor: what happens to one message, in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET, Struct

from backboard_server.adapters import Adapters
from backboard_server.domain import events, tracing
from backboard_server.domain.assistants import DEFAULT_NAME, AssistantSetup
from backboard_server.domain.errors import BackboardError, Unavailable, Upstream
from backboard_server.domain.events import Event, RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import Attachment, SendMessage
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.tokens import estimate_message_tokens
from backboard_server.store import turns

from .context import assemble, history_budget
from .draft import Draft
from .finish import OpenRun, finish
from .generate import generate

_log = logging.getLogger(__name__)
_DEFAULTS = AssistantSetup(name=DEFAULT_NAME)
_STOPPED = Unavailable("The server was stopped while the model was answering.", code="server_stopped")


class AcceptedMessage(Struct, frozen=True, kw_only=True):
    """A message that is stored, with the run that is to answer it (None if none is wanted)."""

    message: SendMessage
    message_id: str
    ids: RunIds
    attachments: list[Attachment]
    accepted_at: datetime
    run: OpenRun | None


async def accept_message(
    adapters: Adapters, caller: Caller, message: SendMessage, files: list[turns.StoredFile]
) -> AcceptedMessage:
    """Store the user's message and open its run; everything that can be refused is refused here.

    Raises NotFound for the thread or assistant, Invalid for what the request asks of providers.
    """
    wants_answer = message.send_to_llm
    choice = await adapters.models.choose(message.llm_provider, message.model_name) if wants_answer else None
    limit = adapters.models.context_limit(choice) if choice else 0
    request = _open_turn(adapters, message, files, choice, limit)
    turn = await turns.open_turn(adapters.database, caller.tenant_id, request)
    ids = RunIds(str(turn.thread_id), str(turn.assistant_id), str(request.run_id) if request.run_id else None)
    run = None
    if choice and request.run_id and request.answer_id:
        run = OpenRun(
            tenant_id=caller.tenant_id,
            run_id=request.run_id,
            answer_id=request.answer_id,
            ids=ids,
            turn=turn,
            choice=choice,
            context=assemble(turn, message, choice),
            context_limit=limit,
        )
    return AcceptedMessage(
        message=message,
        message_id=str(request.message_id),
        ids=ids,
        attachments=[
            Attachment(
                document_id=file.document_id,
                filename=file.filename,
                status="pending",
                file_size_bytes=file.file_size_bytes,
            )
            for file in files
        ],
        accepted_at=datetime.now(UTC),
        run=run,
    )


async def run_message(adapters: Adapters, accepted: AcceptedMessage) -> AsyncGenerator[Event]:
    """Answer a stored message and yield the events of it, in the order of the contract (B.3).

    The last event says how it ended. After a RunFailed the error is raised too, for callers that fold the
    events to an answer. However it ends, what was said is stored.
    """
    where: dict[str, Any] = _where(accepted.ids)
    yield events.MessageReceived(**where)
    yield events.UserMessage(
        **where,
        message_id=accepted.message_id,
        content=accepted.message.content,
        attachments=accepted.attachments,
    )
    run = accepted.run
    if run is None:
        yield _saved(accepted)
        return
    tracing.run_id.set(accepted.ids.run_id)
    yield events.RunStarted(
        **where,
        message_id=str(run.answer_id),
        provider=run.choice.provider,
        model_name=run.choice.model,
    )
    yield events.MessageStart(**where, message_id=str(run.answer_id))
    draft = Draft(run.ids)
    try:
        async for event in generate(adapters, run.context.prompt, draft, streamed=accepted.message.stream):
            yield event
        ended = await finish(adapters, run, draft, datetime.now(UTC))
    except asyncio.CancelledError:
        await asyncio.shield(_fail(adapters, run, draft, _STOPPED))
        raise
    except Exception as error:
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


def _open_turn(
    adapters: Adapters,
    message: SendMessage,
    files: list[turns.StoredFile],
    choice: ModelChoice | None,
    context_limit: int,
) -> turns.OpenTurn:
    return turns.OpenTurn(
        thread_id=message.thread_id,
        assistant_id=message.assistant_id,
        new_thread_id=new_id(),
        new_assistant_id=new_id(),
        message_id=new_id(),
        run_id=new_id() if choice else None,
        answer_id=new_id() if choice else None,
        content=message.content,
        tokens=estimate_message_tokens(message.content),
        metadata=message.metadata,
        attachments=files or None,
        model_provider=choice.provider if choice else None,
        model_name=choice.model if choice else None,
        default_name=_DEFAULTS.name,
        default_tok_k=_DEFAULTS.tok_k,
        default_embedding_provider=_DEFAULTS.embedding_provider,
        default_embedding_model_name=_DEFAULTS.embedding_model_name,
        default_embedding_dims=_DEFAULTS.embedding_dims,
        history_tokens_max=history_budget(context_limit, adapters.limits.history_tokens_max),
        history_messages_max=adapters.limits.history_messages_max,
    )


def _where(ids: RunIds) -> dict[str, Any]:
    return {"thread_id": ids.thread_id, "assistant_id": ids.assistant_id, "run_id": ids.run_id}


def _saved(accepted: AcceptedMessage) -> events.MessageSaved:
    return events.MessageSaved(
        **_where(accepted.ids),
        message_id=accepted.message_id,
        content=accepted.message.content,
        attachments=accepted.attachments,
        created_at=accepted.accepted_at,
    )
