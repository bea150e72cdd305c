"""Taking a message in: everything that can be refused is refused here, and from here on it is stored."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from backboard_server.adapters import Adapters
from backboard_server.domain.assistants import DEFAULT_NAME, AssistantSetup
from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import Attachment, SendMessage
from backboard_server.domain.prompts import ModelChoice
from backboard_server.domain.tokens import estimate_message_tokens
from backboard_server.store import turns

from .context import assemble, history_budget
from .finish import OpenRun

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

    Raises NotFound for the thread or assistant, Invalid for what the request asks of providers.
    """
    choice = None
    if message.send_to_llm:
        choice = await adapters.models.choose(message.llm_provider, message.model_name)
    context_limit = adapters.models.context_limit(choice) if choice else 0
    request = _open_turn(adapters, message, files, choice, context_limit)
    turn = await turns.open_turn(adapters.database, caller.tenant_id, request)
    ids = RunIds(str(turn.thread_id), str(turn.assistant_id), str(request.run_id) if request.run_id else None)
    attachments = [_attachment(file) for file in files]
    run = None
    if choice and request.run_id and request.answer_id:
        run = OpenRun(
            tenant_id=caller.tenant_id,
            run_id=request.run_id,
            answer_id=request.answer_id,
            ids=ids,
            turn=turn,
            choice=choice,
            context=assemble(turn, message, choice, [file.filename for file in files]),
            context_limit=context_limit,
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


def _attachment(file: turns.StoredFile) -> Attachment:
    return Attachment(
        document_id=file.document_id,
        filename=file.filename,
        status="pending",
        file_size_bytes=file.file_size_bytes,
    )
