"""Taking a message in: everything that can be refused is refused here, and from here on it is stored."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.assistants import DEFAULT_NAME, AssistantSetup
from backboard_server.domain.errors import Invalid
from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller, Secret
from backboard_server.domain.messages import Attachment, SendMessage
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.tokens import estimate_message_tokens
from backboard_server.store import turns

from .context import SHOWN_FILES_MAX, assemble, history_budget
from .finish import OpenRun

_log = logging.getLogger(__name__)

_DEFAULTS = AssistantSetup(name=DEFAULT_NAME)


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
    """Store the user's message and open its run. One round trip.

    Raises NotFound for the thread or assistant, Invalid for what the request asks of providers, BudgetSpent.
    """
    keys = adapters.sealer.keys_of(caller.tenant_id, caller.provider_keys)
    choice = None
    if message.send_to_llm:
        choice = await adapters.models.choose(message.llm_provider, message.model_name, keys)
    fallbacks = await _chosen(adapters, message.fallbacks, keys)
    request = _open_turn(adapters, caller, message, files, choice)
    turn = await turns.open_turn(adapters.database, caller.tenant_id, request)
    ids = RunIds(str(turn.thread_id), str(turn.assistant_id), str(request.run_id) if request.run_id else None)
    attachments = [_attachment(file) for file in files]
    run = None
    if choice and request.run_id and request.answer_id:
        if message.fallbacks is None:
            fallbacks = await _still_possible(adapters, turn.fallbacks, keys)
        run = OpenRun(
            caller=caller,
            run_id=request.run_id,
            answer_id=request.answer_id,
            ids=ids,
            turn=turn,
            choice=choice,
            fallbacks=fallbacks,
            context=assemble(turn, message, choice, files, keys),
            attachments=attachments,
        )
    return AcceptedMessage(
        message=message,
        message_id=str(request.message_id),
        ids=ids,
        attachments=attachments,
        accepted_at=datetime.now(UTC),
        run=run,
    )


async def _chosen(
    adapters: Adapters, wished: list[ModelChoice] | None, keys: Mapping[str, Secret]
) -> tuple[ModelChoice, ...]:
    """Return the fallbacks of a message. Raises Invalid for one that this server cannot call."""
    return tuple([await adapters.models.choose(wish.provider, wish.model, keys) for wish in wished or ()])


async def _still_possible(
    adapters: Adapters, wished: list[ModelChoice] | None, keys: Mapping[str, Secret]
) -> tuple[ModelChoice, ...]:
    """Return the assistant's fallbacks without those that lost their key: the message is stored by now."""
    possible: list[ModelChoice] = []
    for wish in wished or ():
        try:
            possible.append(await adapters.models.choose(wish.provider, wish.model, keys))
        except Invalid as error:
            _log.warning("a fallback of the assistant is left out: %s", error.message)
    return tuple(possible)


def _open_turn(
    adapters: Adapters,
    caller: Caller,
    message: SendMessage,
    files: list[turns.StoredFile],
    choice: ModelChoice | None,
) -> turns.OpenTurn:
    facts = adapters.models.facts(choice) if choice else None
    context_limit = facts.context_limit if facts else 0
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
        media_max=SHOWN_FILES_MAX,
        key_id=caller.key_id,
        is_priced=facts is not None and facts.price is not None,
        is_free=facts is not None and facts.is_free,
    )


def _attachment(file: turns.StoredFile) -> Attachment:
    return Attachment(
        document_id=file.document_id,
        filename=file.filename,
        status="pending",
        file_size_bytes=file.file_size_bytes,
    )
