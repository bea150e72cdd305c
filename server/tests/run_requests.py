"""Runs as tests take them on: requests about them with everything filled in, and one that waits for tools."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from msgspec import Struct

from backboard_server.domain.ids import new_id
from backboard_server.domain.messages import RunOptions
from backboard_server.domain.prompts import ToolCall
from backboard_server.domain.runs import LogRow, Run
from backboard_server.store.database import Database
from backboard_server.store.runs import ContinueTurn, FinishCalls, StartQueued, StoredOutput, get_run
from backboard_server.store.turns import LogPart, Opened, OpenTurn, finish_turn, open_turn
from tenants import Tenant
from turn_requests import finishing, opening, turn_of

CALLS = (ToolCall("call_1", "look", '{"at": "it"}'), ToolCall("call_2", "listen", "{}"))
LEASE_SECONDS = 60.0


class Begun(Struct, frozen=True):
    """A run and what it was begun with."""

    request: OpenTurn
    thread_id: UUID

    @property
    def run_id(self) -> UUID:
        assert self.request.run_id is not None
        return self.request.run_id

    @property
    def answer_id(self) -> UUID:
        assert self.request.answer_id is not None
        return self.request.answer_id


async def begin(database: Database, tenant: Tenant, thread_id: UUID | None = None, **changes: Any) -> Begun:
    """Begin a run that nothing is in the way of."""
    request = opening(thread_id=thread_id, **({"log": row(1, 4), "queued_log": row(1, 3)} | changes))
    turn = await turn_of(database, tenant, request)
    return Begun(request, turn.thread_id)


async def enqueue(database: Database, tenant: Tenant, thread_id: UUID, **changes: Any) -> Begun:
    """Say something in a thread that is busy."""
    request = opening(thread_id=thread_id, **({"log": row(1, 4), "queued_log": row(1, 3)} | changes))
    opened = await open_turn(database, tenant.caller.tenant_id, request)
    assert isinstance(opened, Opened)
    assert opened.is_queued
    return Begun(request, thread_id)


async def complete(database: Database, tenant: Tenant, begun: Begun, **changes: Any) -> None:
    """End a run that is under way with an answer."""
    await finish_turn(database, tenant.caller.tenant_id, finishing(begun.request, begun.thread_id, **changes))


async def wait_for_tools(
    database: Database, tenant: Tenant, thread_id: UUID | None = None, **changes: Any
) -> Begun:
    """Begin a run, and let it wait for the outputs of `CALLS`."""
    begun = await begin(database, tenant, thread_id, **changes)
    await complete(database, tenant, begun, status="REQUIRES_ACTION", content="", tool_calls=CALLS)
    return begun


async def stored(database: Database, tenant: Tenant, begun: Begun) -> Run:
    """Return the run as it is now."""
    return await get_run(database, tenant.caller.tenant_id, begun.thread_id, begun.run_id)


def outputs_of(**outputs: str) -> list[StoredOutput]:
    """Return outputs by the ids of their calls."""
    return [
        StoredOutput(message_id=new_id(), tool_call_id=call_id, output=output, tokens=3)
        for call_id, output in outputs.items()
    ]


def continuing(begun: Begun, outputs: list[StoredOutput], **changes: Any) -> ContinueTurn:
    fields: dict[str, Any] = {
        "thread_id": begun.thread_id,
        "run_id": begun.run_id,
        "answer_id": new_id(),
        "outputs": outputs,
        "options": RunOptions(),
        "key_id": begun.request.key_id,
        "lease_seconds": LEASE_SECONDS,
        "log": {"count": 2, "events": '["one", "two"]'},
        "history_tokens_max": 1000,
        "history_messages_max": 10,
        "media_max": 20,
    }
    return ContinueTurn(**(fields | changes))


def starting(begun: Begun, **changes: Any) -> StartQueued:
    fields: dict[str, Any] = {
        "thread_id": begun.thread_id,
        "run_id": begun.run_id,
        "epoch": 1,
        "lease_seconds": LEASE_SECONDS,
        "tools_wait_seconds": 60.0,
        "history_tokens_max": 1000,
        "history_messages_max": 10,
        "media_max": 20,
    }
    return StartQueued(**(fields | changes))


def returning(begun: Begun, outputs: list[StoredOutput], **changes: Any) -> FinishCalls:
    """Return the request that stores what tools of the server's returned, after which the run goes on."""
    fields: dict[str, Any] = {
        "run_id": begun.run_id,
        "thread_id": begun.thread_id,
        "epoch": 1,
        "status": "IN_PROGRESS",
        "outputs": outputs,
        "log": LogPart(last_sequence=7, rows=[row(5, 7)]),
        "model_provider": "local",
        "model_name": "quotes",
    }
    return FinishCalls(**(fields | changes))


def row(first: int, last: int) -> LogRow:
    """Return a row of a log in which each event is a piece of text: its number."""
    events = ", ".join(f'"{number}"' for number in range(first, last + 1))
    return LogRow(first_sequence=first, last_sequence=last, events=f"[{events}]")
