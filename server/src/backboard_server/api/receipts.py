"""Receipts over HTTP: what an answer was made from, and what it cost."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from msgspec import to_builtins
from msgspec.structs import asdict

from backboard_server.domain import receipts as nouns
from backboard_server.domain.receipts import AnyBlock, ReceiptedAnswer, ShownMessage
from backboard_server.store import receipts

from .answers import AttemptRead
from .edge import AdaptersOf, CallerOf, GuardedRoute
from .receipt_shapes import (
    DroppedRead,
    FilesBlockRead,
    FormRead,
    MemoriesBlockRead,
    MessagesBlockRead,
    ModelRead,
    PriceRead,
    ReceiptRead,
    RetryRead,
    SeenFileRead,
    SeenMemoryRead,
    ShownMessageRead,
    TextBlockRead,
    ThinkingRead,
    TimingsRead,
    TokensRead,
    ToolChoiceRead,
    ToolsBlockRead,
    UsageRead,
)

router = APIRouter(prefix="/threads", tags=["receipts"], route_class=GuardedRoute)


@router.get("/{thread_id}/messages/{message_id}/receipt", response_model_exclude_unset=True)
async def get_receipt(
    thread_id: UUID, message_id: UUID, adapters: AdaptersOf, caller: CallerOf
) -> ReceiptRead:
    """Return what an answer was made from: all that the model was shown and what not, and what it cost."""
    return _read(await receipts.get_receipt(adapters.database, caller.tenant_id, thread_id, message_id))


def _read(answer: ReceiptedAnswer) -> ReceiptRead:
    receipt = answer.receipt
    usage = asdict(receipt.usage) | {"is_estimated": receipt.is_usage_estimated}
    thinking, choice = receipt.thinking, receipt.tool_choice
    return ReceiptRead(
        message_id=answer.message_id,
        thread_id=answer.thread_id,
        assistant_id=answer.assistant_id,
        run_id=str(answer.run_id),
        status=answer.status,
        created_at=answer.created_at,
        model_provider=receipt.model_provider,
        model_name=receipt.model_name,
        step=receipt.step,
        finish_reason=receipt.finish_reason,
        error_code=receipt.error_code,
        attempts=[AttemptRead(**asdict(attempt)) for attempt in receipt.attempts],
        retries=[RetryRead(**asdict(retry)) for retry in receipt.retries],
        fallbacks=[ModelRead(model_provider=one.provider, model_name=one.model) for one in receipt.fallbacks],
        blocks=[_block(block, answer) for block in receipt.blocks],
        dropped=[DroppedRead.model_validate(_dropped(part)) for part in receipt.dropped],
        thinking=thinking
        and ThinkingRead(
            effort=thinking.effort,
            budget_tokens=thinking.budget_tokens,
            exclude_reasoning=thinking.is_hidden,
        ),
        tool_choice=choice and ToolChoiceRead(type=choice.mode, name=choice.name),
        response_format=_form(receipt.response_format, answer.texts),
        tokens=TokensRead(**asdict(receipt.tokens)),
        usage=UsageRead.model_validate(usage),
        price=None if receipt.price is None else PriceRead.model_validate(to_builtins(receipt.price)),
        cost_usd=receipt.cost_usd,
        timings=TimingsRead(**asdict(receipt.timings)),
    )


def _block(
    block: AnyBlock, answer: ReceiptedAnswer
) -> TextBlockRead | ToolsBlockRead | MemoriesBlockRead | MessagesBlockRead | FilesBlockRead:
    tokens = block.tokens or 0
    match block:
        case nouns.ToolsBlock():
            text, names = answer.texts.get(block.sha256), list(block.names)
            return ToolsBlockRead(kind="tools", tokens=tokens, names=names, sha256=block.sha256, text=text)
        case nouns.SystemBlock():
            return _text("system", block.sha256, tokens, answer)
        case nouns.SummaryBlock():
            return _text("summary", block.sha256, tokens, answer)
        case nouns.MemoriesBlock():
            return MemoriesBlockRead(
                kind="memories",
                tokens=tokens,
                memories=[SeenMemoryRead(**asdict(memory)) for memory in block.memories],
                sha256=block.sha256,
                text=answer.texts.get(block.sha256),
            )
        case nouns.RepairBlock():
            return _text("repair", block.sha256, tokens, answer)
        case nouns.HistoryBlock():
            return _messages("history", block.message_ids, tokens, answer)
        case nouns.QuestionBlock():
            return _messages("question", (block.message_id,), tokens, answer)
        case nouns.StepBlock():
            return _messages("step", block.message_ids, tokens, answer)
        case nouns.FilesBlock():
            return FilesBlockRead(kind="files", files=[SeenFileRead(**asdict(file)) for file in block.files])


def _text(
    kind: Literal["system", "summary", "repair"], digest: str, tokens: int, answer: ReceiptedAnswer
) -> TextBlockRead:
    return TextBlockRead(kind=kind, tokens=tokens, sha256=digest, text=answer.texts.get(digest))


def _messages(
    kind: Literal["history", "question", "step"],
    message_ids: tuple[UUID, ...],
    tokens: int,
    answer: ReceiptedAnswer,
) -> MessagesBlockRead:
    return MessagesBlockRead(
        kind=kind,
        tokens=tokens,
        count=len(message_ids),
        first_message_id=message_ids[0],
        last_message_id=message_ids[-1],
        message_ids=list(message_ids),
        messages=[_shown(answer.messages[one]) for one in message_ids if one in answer.messages],
    )


def _shown(message: ShownMessage) -> ShownMessageRead:
    return ShownMessageRead(
        message_id=message.id, role=message.role, content=message.content, is_cut=message.is_cut
    )


def _dropped(part: nouns.AnyDropped) -> dict[str, Any]:
    """Return what there is to say of its kind; the text that a digest names is not shown."""
    fields: dict[str, Any] = to_builtins(part)
    return {name: value for name, value in fields.items() if name != "sha256"}


def _form(form: nouns.FormAsked | None, texts: dict[str, str]) -> FormRead | None:
    if form is None:
        return None
    return FormRead(name=form.name, strict=form.is_strict, json_schema=texts.get(form.schema_sha256 or ""))
