"""A past turn, put together again from the receipt of its answer and from what the store still has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from backboard_server.domain import receipts
from backboard_server.domain.memories import Recalled, Recollection
from backboard_server.domain.messages import RunOptions
from backboard_server.domain.prompts import ResponseFormat
from backboard_server.domain.receipts import Receipt, ReceiptedAnswer, ReplayMessage
from backboard_server.domain.threads import Turn
from backboard_server.store.receipts import PastTurn

from .context import fitting
from .difference import tools_in

_SEEN_BY_OTHERS = ("model_cannot_see", "unreadable")  # another model may, and this one at another time


def question_of(receipt: Receipt) -> UUID | None:
    """Return the message that was answered."""
    questions = (block.message_id for block in receipt.blocks if isinstance(block, receipts.QuestionBlock))
    return next(questions, None)


def files_of(receipt: Receipt) -> list[UUID]:
    """Return the files that were shown, and those that another model might have been shown."""
    blocks = (block for block in receipt.blocks if isinstance(block, receipts.FilesBlock))
    dropped = (part for part in receipt.dropped if isinstance(part, receipts.DroppedFile))
    ids = [file.document_id for block in blocks for file in block.files]
    ids += [part.document_id for part in dropped if part.reason in _SEEN_BY_OTHERS]
    return [document_id for document_id in ids if document_id is not None]


def memories_then(original: ReceiptedAnswer) -> str | None:
    """Return what the model was shown of the memory."""
    return _text(original.receipt, receipts.MemoriesBlock, original.texts)


def recalled_then(original: ReceiptedAnswer) -> Recollection | None:
    """Return which memories those were; their texts are together in the one that was shown."""
    for block in original.receipt.blocks:
        if isinstance(block, receipts.MemoriesBlock):
            items = (
                Recalled(id=memory.id, content="", score=memory.score, said_at=original.created_at)
                for memory in block.memories
            )
            return Recollection(items=tuple(items))
    return None


def restored(
    original: ReceiptedAnswer, read: PastTurn, request: ReplayMessage, history_tokens_max: int
) -> tuple[Turn, RunOptions]:
    """Return the turn of an answer, the message that was answered at the end of its history, and its options.

    What the request changes is changed. What does not fit the window of another model is cut from the
    beginning, but nothing of the run itself.
    """
    past, texts = original.receipt, original.texts
    summary_tokens = sum(
        block.tokens or 0 for block in past.blocks if isinstance(block, receipts.SummaryBlock)
    )
    room = (history_tokens_max - summary_tokens) / past.tokens.ratio
    history = fitting(read.history, question_of(past), room)
    cut = _dropped(past, "window") + len(read.history) - len(history)
    turn = Turn(
        thread_id=original.thread_id,
        assistant_id=original.assistant_id,
        system_prompt=_text(past, receipts.SystemBlock, texts),
        tools=_tools(past, texts),
        history=history,
        earlier_messages=_dropped(past, "summarised") + cut,
        unsummarised_messages=cut + len(history),
        summary=_text(past, receipts.SummaryBlock, texts),
        summary_tokens=summary_tokens,
        token_ratio=past.tokens.ratio,
        media=read.files,
        budget_left_usd=read.budget_left_usd,
    )
    return turn, _options(original, read, request)


def _options(original: ReceiptedAnswer, read: PastTurn, request: ReplayMessage) -> RunOptions:
    past = original.receipt
    # A choice was made among the tools that there were.
    past_choice = past.tool_choice if request.tools is None else None
    form = request.response_format
    return RunOptions(
        system_prompt=request.system_prompt,
        tools=request.tools,
        tool_choice=request.tool_choice or past_choice,
        thinking=request.thinking or past.thinking,
        response_format=_form(past.response_format, original.texts) if form is UNSET else form,
        openrouter=read.options.openrouter,
    )


def _form(asked: receipts.FormAsked | None, texts: Mapping[str, str]) -> ResponseFormat | None:
    if asked is None:
        return None
    schema = texts.get(asked.schema_sha256 or "")
    return ResponseFormat(
        schema=None if schema is None else msgspec.json.decode(schema, type=dict[str, Any]),
        name=asked.name,
        is_strict=asked.is_strict,
    )


def _tools(receipt: Receipt, texts: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the tools that there were, whether the model took them or not."""
    for part in (*receipt.blocks, *receipt.dropped):
        if isinstance(part, receipts.ToolsBlock | receipts.DroppedTools):
            return tools_in(texts, part.sha256)
    return []


def _text(
    receipt: Receipt,
    kind: type[receipts.SystemBlock | receipts.SummaryBlock | receipts.MemoriesBlock],
    texts: Mapping[str, str],
) -> str | None:
    return next((texts.get(block.sha256) for block in receipt.blocks if isinstance(block, kind)), None)


def _dropped(receipt: Receipt, reason: str) -> int:
    parts = (part for part in receipt.dropped if isinstance(part, receipts.DroppedHistory))
    return sum(part.count for part in parts if part.reason == reason)
