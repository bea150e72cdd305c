"""Remembering: the job that draws memories from a message and its answer, after the answer was given.

What was said is remembered word for word before this begins; a model that fails loses nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import BackboardError
from backboard_server.domain.keys import Secret
from backboard_server.domain.memories import MemoryOrigin, Scope, Statement
from backboard_server.domain.prompts import ModelChoice
from backboard_server.memory.ask import UnusableAnswer
from backboard_server.memory.decide import decide
from backboard_server.memory.extract import Material, extract
from backboard_server.memory.index import indexed
from backboard_server.memory.proof import Said
from backboard_server.memory.statements import statements_of
from backboard_server.memory.writing import Drawn, texts_by_message, undecided_among, write
from backboard_server.store.memory_operations import RememberedTurn, fail_operation, find_turn
from backboard_server.store.memory_scopes import ScopeWriter, held_scope
from backboard_server.store.provider_keys import find_sealed_keys

from .afterwards import LeftBehind, count

EARLIER_MAX = 6


class RememberMessage(LeftBehind, frozen=True, kw_only=True):
    """The job: what was said where, by whose end user, and the model and the key that it was said to."""

    operation_id: UUID
    message_id: UUID
    user_id: str = ""
    is_pro: bool = False
    said_at: datetime
    model_provider: str | None = None
    model_name: str | None = None


class _Task(Struct, frozen=True):
    """The job with what it is carried out with."""

    tenant_id: UUID
    job: RememberMessage
    turn: RememberedTurn
    choice: ModelChoice
    keys: Mapping[str, Secret]


class _Found(Struct, frozen=True):
    """What was drawn, and how much was refused, by reason."""

    drawn: list[Drawn]
    refused: Mapping[str, int]


async def remember_message(
    adapters: Adapters, tenant_id: UUID, job: RememberMessage, *, is_last_attempt: bool
) -> None:
    """Draw memories from a message and its answer. Twice is as good as once; a deleted message is fine.

    Where that fails for the last time the operation says so. Raises BackboardError.
    """
    try:
        await _remember(adapters, tenant_id, job)
    except Exception as error:
        if is_last_attempt:
            is_told = isinstance(error, BackboardError)
            told = error.message if is_told else "The server met an error of its own."
            await fail_operation(adapters.database, tenant_id, job.operation_id, told)
        raise


async def _remember(adapters: Adapters, tenant_id: UUID, job: RememberMessage) -> None:
    turn = await find_turn(adapters.database, tenant_id, job.operation_id, before_max=EARLIER_MAX)
    if turn is None:
        return
    keys = adapters.sealer.keys_of(tenant_id, await find_sealed_keys(adapters.database, tenant_id))
    choice = await adapters.models.choose(job.model_provider, job.model_name, keys)
    task = _Task(tenant_id, job, turn, choice, keys)
    found = _found_by_rule(task)
    if choice.provider != "local":
        found = await _found_by_model(adapters, task, found)
        found = await _decided(adapters, task, found)
    await _write(adapters, task, found)


async def _found_by_model(adapters: Adapters, task: _Task, found: _Found) -> _Found:
    """Return what a model finds too, beside what rules have found, which are sure of what they say."""
    material = Material(
        messages=_said(task),
        earlier=_earlier(task.turn),
        system_prompt=task.turn.system_prompt or "",
        custom_prompt=task.turn.extraction_prompt,
        is_verified=task.job.is_pro,
    )
    try:
        extracted = await extract(adapters, task.choice, task.keys, material)
    except UnusableAnswer as error:
        await count(adapters, task.tenant_id, task.job, task.choice, error.usage)
        raise
    await count(adapters, task.tenant_id, task.job, task.choice, extracted.usage)
    others = [
        _drawn(statement, "model", task.job)
        for statement in extracted.statements
        if not any(_is_of_one_quote(statement, each.statement) for each in found.drawn)
    ]
    refused = {str(reason): number for reason, number in extracted.refused.items()}
    return _Found([*found.drawn, *others], _added(found.refused, refused))


def _found_by_rule(task: _Task) -> _Found:
    found = _Found([], {})
    for message in _said(task):
        if message.role == "user":
            stated = statements_of(
                message.content, role="user", message_id=message.message_id, said_at=message.said_at
            )
            drawn = [_drawn(statement, "rule", task.job) for statement in stated.statements]
            found = _Found([*found.drawn, *drawn], _added(found.refused, stated.refused))
    return found


def _drawn(statement: Statement, origin: MemoryOrigin, job: RememberMessage) -> Drawn:
    return Drawn(statement=statement, origin=origin, said_at=job.said_at, thread_id=job.thread_id)


async def _decided(adapters: Adapters, task: _Task, found: _Found) -> _Found:
    """Let a model decide what rules cannot; nothing is held while it thinks."""
    async with _held(adapters, task) as scope:
        undecided = await undecided_among(scope, found.drawn)
    if not undecided:
        return found
    custom_prompt = task.turn.update_prompt
    decided = await decide(
        adapters, task.choice, task.keys, [*undecided.values()], custom_prompt=custom_prompt
    )
    await count(adapters, task.tenant_id, task.job, task.choice, decided.usage)
    drawn = [*found.drawn]
    for place, decision in zip(undecided, decided.decisions, strict=True):
        drawn[place] = replace(drawn[place], decision=decision)
    return _Found(drawn, found.refused)


async def _write(adapters: Adapters, task: _Task, found: _Found) -> None:
    contents = {message.id: message.content for message in task.turn.messages}
    async with _held(adapters, task) as scope:
        if not await scope.begin(task.job.operation_id):
            return
        changes = await write(scope, found.drawn)
        for message_id, texts in texts_by_message(found.drawn).items():
            await scope.index_again(message_id, indexed(contents[message_id], *texts))
        await scope.finish(task.job.operation_id, changes, found.refused)


def _held(adapters: Adapters, task: _Task) -> AbstractAsyncContextManager[ScopeWriter]:
    return held_scope(adapters.database, Scope(task.tenant_id, task.job.assistant_id, task.job.user_id))


def _said(task: _Task) -> tuple[Said, ...]:
    """Return what is new; the answer was given when the message was said, by whichever clock."""
    return tuple(
        Said(message_id=message.id, role=message.role, content=message.content, said_at=task.job.said_at)
        for message in task.turn.messages
    )


def _earlier(turn: RememberedTurn) -> tuple[Said, ...]:
    return tuple(
        Said(message_id=message.id, role=message.role, content=message.content, said_at=message.created_at)
        for message in turn.before
    )


def _is_of_one_quote(one: Statement, other: Statement) -> bool:
    """Whether two statements rest on the same words: what a rule has read there needs no second reading."""
    return any(
        mine.message_id == theirs.message_id and mine.start < theirs.end and theirs.start < mine.end
        for mine in one.quotes
        for theirs in other.quotes
    )


def _added(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {reason: counts.get(reason, 0) + more.get(reason, 0) for reason in {**counts, **more}}
