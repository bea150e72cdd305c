"""Runs as receipts are made of: their turn, their draft, and what is stored of them; no database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import asdict

from backboard_server.domain.events import RunIds
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.messages import RunOptions, SendMessage
from backboard_server.domain.models import Facts, Price
from backboard_server.domain.prompts import Finish, ModelChoice, TextDelta, ToolCall, Usage
from backboard_server.domain.threads import HistoryFile, HistoryMessage, Turn
from backboard_server.runs.context import assemble
from backboard_server.runs.draft import Draft
from backboard_server.runs.finish import OpenRun
from backboard_server.runs.receipt import Receipted, receipt_of
from backboard_server.store.turns import FinishTurn, StoredFile

CHOICE = ModelChoice("openai", "gpt-x")
PRICE = Price(input=2.0, output=10.0, cached_input=0.5, source="models.dev", dated=date(2026, 11, 1))
FACTS = Facts(context_limit=1_000, price=PRICE)
LOOK: dict[str, Any] = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
CALL = ToolCall("call_1", "look", "{}")


def said(role: str, content: str, **changes: Any) -> HistoryMessage:
    fields: dict[str, Any] = {
        "id": new_id(),
        "role": role,
        "content": content,
        "status": "COMPLETED",
        "tokens": 1,
    }
    return HistoryMessage(**(fields | changes))


def turn_of(*history: HistoryMessage, **changes: Any) -> Turn:
    fields: dict[str, Any] = {
        "thread_id": new_id(),
        "assistant_id": new_id(),
        "history": [*history],
        "unsummarised_messages": len(history),
    }
    return Turn(**(fields | changes))


def run_of(
    turn: Turn, message: SendMessage | RunOptions | None = None, files: tuple[StoredFile, ...] = ()
) -> OpenRun:
    """A run that answers a new message, or with options alone the last message of the user in the history."""
    asked = [message.id for message in turn.history if message.role == "user"]
    question_id = asked[-1] if isinstance(message, RunOptions) and type(message) is RunOptions else new_id()
    return OpenRun(
        caller=Caller(new_id(), new_id()),
        run_id=new_id(),
        answer_id=new_id(),
        question_id=question_id,
        ids=RunIds(str(turn.thread_id), str(turn.assistant_id), "r"),
        turn=turn,
        choice=CHOICE,
        context=assemble(turn, message or SendMessage(content="Hi"), CHOICE, files, {}, question_id),
    )


def draft_of(run: OpenRun, usage: Usage | None = None) -> Draft:
    draft = Draft(run.ids, CHOICE)
    for delta in (TextDelta("Hello"), Finish("stop", usage)):
        for _ in draft.add(delta):
            continue
    draft.shown = run.context.prompt
    return draft


def receipted(run: OpenRun, draft: Draft | None = None, facts: Facts = FACTS, **outcome: Any) -> Receipted:
    draft = draft or draft_of(run)
    return receipt_of(run, draft, finished(run, draft, **outcome), facts, 9.0)


def finished(run: OpenRun, draft: Draft, **changes: Any) -> FinishTurn:
    fields: dict[str, Any] = {
        "thread_id": run.turn.thread_id,
        "run_id": run.run_id,
        "answer_id": run.answer_id,
        "assistant_id": run.turn.assistant_id,
        "key_id": new_id(),
        "status": "COMPLETED",
        "content": draft.content,
        "tokens": 5,
        "model_provider": CHOICE.provider,
        "model_name": CHOICE.model,
        "usage": draft.usage or Usage(),
        "created_at": datetime.now(UTC),
    }
    return FinishTurn(**(fields | changes))


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def picture(name: str = "a.png", media_type: str = "image/png", size: int = 3) -> StoredFile:
    return StoredFile(
        document_id=new_id(), filename=name, file_size_bytes=size, blob_key="b", media_type=media_type
    )


def earlier(message_id: UUID, file: StoredFile) -> HistoryFile:
    return msgspec.convert(asdict(file) | {"message_id": message_id}, HistoryFile)
