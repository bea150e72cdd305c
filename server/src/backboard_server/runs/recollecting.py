"""What a run recalls before its model is asked, and how it tells of it."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import BackboardError
from backboard_server.domain.memories import Recalled, Recollection, RetrievedMemory, Scope
from backboard_server.memory.recall import recall
from backboard_server.memory.show import shown

from .context import with_memories

if TYPE_CHECKING:
    from .finish import OpenRun

RECALL_SECONDS_MAX = 2.0

_log = logging.getLogger(__name__)


async def recollected(adapters: Adapters, run: OpenRun) -> OpenRun:
    """Return the run with what its assistant remembers that bears on the message, where it is to know that.

    What cannot be recalled in time is done without, and the receipt says so: an answer is worth more.
    """
    if run.options.memory == "off":
        return run
    scope = Scope(run.caller.tenant_id, run.turn.assistant_id, run.options.user_id)
    hidden = [message_id for message_id in run.context.message_ids if message_id is not None]
    now = datetime.now(UTC)
    try:
        async with asyncio.timeout(RECALL_SECONDS_MAX):
            found = await recall(adapters, scope, _question(run), asked_at=now, hidden=hidden)
    except (BackboardError, TimeoutError) as error:
        _log.warning("nothing is recalled: %s", str(error) or f"{RECALL_SECONDS_MAX:g} s were not enough")
        return run
    if not found.items:
        return replace(run, recollection=found)
    text = shown(found.items, cites=run.options.cites_memories, now=now)
    return replace(run, recollection=found, context=with_memories(run.context, text))


def operation_of(run: OpenRun) -> str | None:
    """Return the operation that remembers the run's message, which has the message's id."""
    return str(run.question_id) if run.options.memory == "auto" and run.question_id else None


def retrieved(recollection: Recollection) -> list[RetrievedMemory]:
    """Return what was recalled as clients are told of it."""
    return [_retrieved(item) for item in recollection.items]


def _retrieved(item: Recalled) -> RetrievedMemory:
    return RetrievedMemory(
        id=str(item.id),
        memory=item.content,
        content=item.content,
        score=item.score,
        said_at=item.said_at,
        kind=item.kind or "turn",
        matched_words=item.matched_words,
    )


def _question(run: OpenRun) -> str:
    at = run.context.question_at
    return "" if at is None else run.context.prompt.messages[at].content
