"""The answers of runs over HTTP: whole, or as a stream of events; the first time, and when asked again."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec
from fastapi import Request, Response
from pydantic import BaseModel

from backboard_server.domain import events
from backboard_server.domain.errors import NotFound, TakenOver, failure_of
from backboard_server.domain.events import LastEvent
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import DisconnectPolicy
from backboard_server.runs.beginnings import Beginning
from backboard_server.runs.follow import Follower
from backboard_server.runs.live import LiveRun
from backboard_server.runs.log import RunLog
from backboard_server.runs.run import tell_saved
from backboard_server.store.runs import find_run
from backboard_server.store.threads import SavedMessage, get_saved
from backboard_server.store.turns import Repeated

from .edge import Edge, edge_of
from .frame import Afterwards
from .sse import EventStream

Answer = events.RunEnded | events.ToolSubmitRequired | events.MessageSaved | events.RunCancelled


class ContextUsageRead(BaseModel):
    """How full the model's context window is."""

    percent: float = 0
    used_tokens: int = 0
    context_limit: int = 0
    summary_tokens: int = 0
    model: str = "unknown"


class AttemptRead(BaseModel):
    """A model that was asked; without `error_code` the one that answered."""

    model_provider: str
    model_name: str
    error_code: str | None
    error: str | None


class MessageResponse(BaseModel):
    """The answer to a message, flat; or, with `stream`, the same as the last event of the stream."""

    message: str
    thread_id: UUID
    assistant_id: UUID
    timestamp: datetime
    content: str | None
    message_id: UUID | None
    role: str
    status: str
    run_id: str | None
    tool_calls: list[dict[str, Any]] | None
    memory_operation_id: str | None
    retrieved_memories: list[dict[str, Any]] | None
    retrieved_files: list[str] | None
    reasoning: str | None
    model_provider: str | None
    model_name: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    cache_write_input_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    attempts: list[AttemptRead] | None
    created_at: datetime
    attachments: list[dict[str, Any]]
    context_usage: ContextUsageRead


ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": MessageResponse,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "The answer, or with `stream` its events.",
    }
}


class _Asked(Protocol):
    """What a request says of how it is to be answered."""

    @property
    def stream(self) -> bool: ...
    @property
    def on_disconnect(self) -> DisconnectPolicy: ...


async def answer_run(
    request: Request, caller: Caller, live: LiveRun, run_id: UUID | None, asked: _Asked, *, after: int = 0
) -> Response:
    """Answer with a run of this process; where another one takes it over, with what that makes of it.

    `after` is the number of the run's last event before this one's answer.
    """
    is_watched = asked.on_disconnect == "cancel"
    if live.reader is not None:
        return Afterwards(EventStream(live.reader, watches_client=is_watched))
    try:
        if is_watched and not await _ends_before_client(request, live):
            live.stop("cancelled")
        event = await live.last_event()
    except TakenOver:
        if run_id is None:
            raise
    else:
        # What was cancelled while it waited was ended elsewhere: the log knows when.
        if run_id is None or not isinstance(event, events.RunCancelled) or event.created_at is not None:
            return _flat(event)
    return await answer_again(request, caller, Repeated(run_id=run_id), stream=False, after=after)


async def answer_again(
    request: Request, caller: Caller, repeated: Repeated, *, stream: bool, after: int = 0
) -> Response:
    """Answer a request that came before: with what it made, or what it is still making. Raises NotFound.

    The answer is in the log of the run `after` a number, up to the next of its ends.
    """
    edge = edge_of(request)
    database = edge.adapters.database
    if repeated.run_id is None:
        assert repeated.made_id is not None  # noqa: S101 - a key without a run is that of a saved message
        return await _saved_again(edge, await get_saved(database, caller.tenant_id, repeated.made_id), stream)
    run = await find_run(database, caller.tenant_id, repeated.run_id)
    if run is None:
        raise NotFound("What this request made was deleted.")
    follower = Follower(edge.adapters, edge.journal, caller.tenant_id, run, after=after, is_one_answer=True)
    if stream:
        return Afterwards(EventStream(follower))
    return _flat(await follower.last_event())


async def _saved_again(edge: Edge, saved: SavedMessage, stream: bool) -> Response:
    message = saved.message
    told = Beginning(message.content or "", str(message.id), "", message.attachments)
    operation_id = None if saved.memory_operation_id is None else str(saved.memory_operation_id)
    telling = tell_saved(told, saved.ids, message.created_at, operation_id)
    live = edge.runs.start(LiveRun(telling, RunLog(), has_reader=stream))
    if live.reader is not None:
        return Afterwards(EventStream(live.reader))
    return _flat(await live.last_event())


async def _ends_before_client(request: Request, live: LiveRun) -> bool:
    """Wait for the end of the run, or of the client's patience, whichever comes first."""
    leaving = asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({live.task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return live.is_over
    finally:
        leaving.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        continue


def _flat(event: LastEvent) -> Response:
    """Return the last event of a run as an answer. Raises what the run failed with."""
    if isinstance(event, events.RunFailed):
        retry_after = None if event.retry_after_seconds is msgspec.UNSET else event.retry_after_seconds
        raise failure_of(event.code, event.message, retry_after)
    return Response(_encoded(event), media_type="application/json")


_NO_USAGE = ContextUsageRead().model_dump()


def _encoded(event: Answer) -> bytes:
    """Return the flat answer (contract C.1) that the last event of a run amounts to."""
    answer: dict[str, Any] = {
        "message": "Message sent",
        "role": "assistant",
        "status": "COMPLETED",
        "content": None,
        "tool_calls": None,
        "memory_operation_id": None,
        "retrieved_memories": None,
        "retrieved_files": None,
        "reasoning": None,
        "model_provider": None,
        "model_name": None,
        "input_tokens": None,
        "output_tokens": None,
        "total_tokens": None,
        "cached_input_tokens": None,
        "cache_write_input_tokens": None,
        "reasoning_tokens": None,
        "cost_usd": None,
        "attempts": None,
        "attachments": [],
        "context_usage": _NO_USAGE,
    }
    match event:
        case events.MessageSaved():
            answer |= {"message": "Message saved", "role": "user"}
        case events.ToolSubmitRequired():
            answer |= {"message": event.message, "status": "REQUIRES_ACTION"}
        case events.RunCancelled():
            answer |= {"message": "The run was cancelled", "status": "CANCELLED"}
        case events.RunEnded():
            pass
    skipped = {"type", "message", "status", "final_content"}
    fields = {name: value for name, value in msgspec.structs.asdict(event).items() if name not in skipped}
    answer |= {name: value for name, value in fields.items() if value is not None or name not in answer}
    return msgspec.json.encode(answer | {"timestamp": answer["created_at"]})
