"""Taking a message in: everything that can be refused is refused here, and from here on it is stored."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from backboard_server.adapters import Adapters
from backboard_server.domain.assistants import DEFAULT_NAME, AssistantSetup
from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller, Secret
from backboard_server.domain.messages import Attachment, SendMessage
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.runs import LogRow
from backboard_server.domain.tokens import estimate_message_tokens
from backboard_server.memory.index import indexed
from backboard_server.memory.times import said_at
from backboard_server.store import turns

from .beginnings import Beginning
from .clock import Clock
from .finish import OpenRun
from .journal import LEASE_SECONDS
from .log import RunLog
from .opening import QueuedRun, turn_limits

_DEFAULTS = AssistantSetup(name=DEFAULT_NAME)


class AcceptedMessage(Struct, frozen=True, kw_only=True):
    """A message that is stored, with the run that is to answer it (None if none is wanted).

    `repeated` is what the first request with the same key made; nothing was stored then.
    """

    message: SendMessage
    message_id: str
    ids: RunIds
    attachments: list[Attachment]
    accepted_at: datetime
    run: OpenRun | QueuedRun | None = None
    repeated: turns.Repeated | None = None


async def accept_message(
    adapters: Adapters, caller: Caller, message: SendMessage, files: list[turns.StoredFile]
) -> AcceptedMessage:
    """Store the user's message and open its run. One round trip.

    Raises NotFound for the thread or assistant, Invalid for what the request asks of providers, BudgetSpent,
    and Conflict for a run that is under way, where that is to be refused, and for a key used otherwise
    before.
    """
    clock = Clock(began_at=time.monotonic())
    keys = adapters.sealer.keys_of(caller.tenant_id, caller.provider_keys)
    choice = None
    if message.send_to_llm:
        choice = await adapters.models.choose(message.llm_provider, message.model_name, keys)
    fallbacks = await _chosen(adapters, message.fallbacks, keys)
    attachments = [_attachment(file) for file in files]
    accepted_at = datetime.now(UTC)
    request = _open_turn(adapters, caller, message, files, choice, accepted_at)
    turn = await turns.open_turn(adapters.database, caller.tenant_id, request)
    ids = RunIds(str(turn.thread_id), str(turn.assistant_id), str(request.run_id) if request.run_id else None)
    accepted = AcceptedMessage(
        message=message,
        message_id=str(request.message_id),
        ids=ids,
        attachments=attachments,
        accepted_at=accepted_at,
    )
    if isinstance(turn, turns.Opened) and turn.repeated is not None:
        return replace(accepted, repeated=turn.repeated)
    if choice is None or request.run_id is None or request.answer_id is None:
        return accepted
    is_queued = isinstance(turn, turns.Opened)
    begun = QueuedRun(
        caller=caller,
        run_id=request.run_id,
        answer_id=request.answer_id,
        question_id=request.message_id,
        ids=ids,
        choice=choice,
        fallbacks=None if message.fallbacks is None else fallbacks,
        options=message.options(),
        attachments=attachments,
        log=RunLog(_logged(request.queued_log if is_queued else request.log), counts_from=0),
        clock=clock,
    )
    if isinstance(turn, turns.Opened):
        return replace(accepted, run=begun)
    return replace(accepted, run=await begun.opened(adapters, turn, message=message, files=files))


async def _chosen(
    adapters: Adapters, wished: list[ModelChoice] | None, keys: Mapping[str, Secret]
) -> tuple[ModelChoice, ...]:
    """Return the fallbacks of a message. Raises Invalid for one that this server cannot call."""
    return tuple([await adapters.models.choose(wish.provider, wish.model, keys) for wish in wished or ()])


def _open_turn(
    adapters: Adapters,
    caller: Caller,
    message: SendMessage,
    files: list[turns.StoredFile],
    choice: ModelChoice | None,
    accepted_at: datetime,
) -> turns.OpenTurn:
    facts = adapters.models.facts(choice) if choice else None
    limits = turn_limits(adapters, facts)
    message_id, run_id, answer_id = new_id(), new_id(), new_id()
    begins = Beginning(
        message.content, str(message_id), str(answer_id), [_attachment(file) for file in files]
    )
    return turns.OpenTurn(
        thread_id=message.thread_id,
        assistant_id=message.assistant_id,
        new_thread_id=new_id(),
        new_assistant_id=new_id(),
        message_id=message_id,
        run_id=run_id if choice else None,
        answer_id=answer_id if choice else None,
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
        history_tokens_max=limits.history_tokens_max,
        history_messages_max=limits.history_messages_max,
        media_max=limits.media_max,
        created_at=accepted_at,
        key_id=caller.key_id,
        is_priced=facts is not None and facts.price is not None,
        is_free=facts is not None and facts.is_free,
        options=message.options() if choice else None,
        on_active_run=message.on_active_run,
        lease_seconds=LEASE_SECONDS,
        log=begins.row(choice, recalls=message.memory != "off") if choice else None,
        queued_log=begins.queued_row() if choice else None,
        remember=_remember(message, accepted_at),
        idempotency_key=message.request_key.key if message.request_key else None,
        fingerprint=message.request_key.fingerprint if message.request_key else None,
    )


def _remember(message: SendMessage, accepted_at: datetime) -> turns.MessageToRemember | None:
    if message.memory != "auto":
        return None
    return turns.MessageToRemember(
        user_id=message.user_id,
        is_pro=message.is_memory_pro,
        said_at=said_at(message.metadata) or accepted_at,
        terms=indexed(message.content),
    )


def _logged(row: LogRow | None) -> int:
    return row.last_sequence if row else 0


def _attachment(file: turns.StoredFile) -> Attachment:
    return Attachment(
        document_id=file.document_id,
        filename=file.filename,
        status="pending",
        file_size_bytes=file.file_size_bytes,
    )
