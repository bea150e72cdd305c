"""The receipt of an answer: what the model saw, what was left out and why, and how the cost adds up. Pure.

It is made with every answer, so it counts nothing twice: what the context knows is taken from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from backboard_server.domain import receipts
from backboard_server.domain.models import Facts
from backboard_server.domain.prompts import Prompt, ResponseFormat
from backboard_server.domain.receipts import AnyBlock, AnyDropped, Receipt
from backboard_server.domain.tokens import estimate_message_tokens
from backboard_server.models.prices import price_lines
from backboard_server.store.turns import FinishTurn, ReceiptText

from .clock import timings
from .context import Context, ShownFile, estimate_messages
from .draft import Draft

if TYPE_CHECKING:
    from .finish import OpenRun

_encoder = msgspec.json.Encoder()


class Receipted(Struct, frozen=True):
    """A receipt, and the long texts that it names by their digests."""

    receipt: Receipt
    texts: dict[str, str]

    def joined_to(self, outcome: FinishTurn) -> FinishTurn:
        """Return the outcome with this to store."""
        texts = [ReceiptText(digest, content) for digest, content in self.texts.items()]
        return replace(outcome, receipt=_encoder.encode(self.receipt).decode(), receipt_texts=texts)


def receipt_of(run: OpenRun, draft: Draft, outcome: FinishTurn, facts: Facts, ended_at: float) -> Receipted:
    """Return the receipt of an answer; `facts` are those of the model that gave it."""
    prompt = draft.shown or run.context.prompt
    texts: dict[str, str] = {}
    unread = _unread(run.context, draft)
    blocks = _blocks(run, prompt, facts, unread, texts)
    receipt = Receipt(
        model_provider=outcome.model_provider,
        model_name=outcome.model_name,
        step=1 + sum(type(block) is receipts.StepBlock for block in blocks),
        finish_reason=draft.finish.reason if draft.finish else None,
        error_code=outcome.error_code,
        attempts=tuple(draft.attempts),
        retries=tuple(draft.retries),
        fallbacks=run.fallbacks,
        blocks=blocks,
        dropped=tuple(_dropped(run, facts, unread, texts)),
        thinking=prompt.thinking,
        tool_choice=prompt.tool_choice,
        response_format=_form(prompt.response_format, texts),
        tokens=receipts.TokenEstimate(
            estimated=run.context.tokens,
            ratio=run.turn.token_ratio,
            corrected=round(run.context.tokens * run.turn.token_ratio),
            context_limit=facts.context_limit,
        ),
        usage=outcome.usage,
        is_usage_estimated=draft.usage is None,
        price=_price(outcome, facts),
        cost_usd=outcome.cost_usd,
        timings=timings(run.clock, draft, ended_at),
    )
    return Receipted(receipt, texts)


def _blocks(
    run: OpenRun, prompt: Prompt, facts: Facts, unread: frozenset[int], texts: dict[str, str]
) -> tuple[AnyBlock, ...]:
    context = run.context
    head = _head(run, facts, texts)
    question_at = len(context.message_ids) if context.question_at is None else context.question_at
    tail = [*_said_since(context, question_at)]
    # The rest of the estimate is the history's: counting message by message would take longer than all else.
    known = sum(block.tokens or 0 for block in (*head, *tail))
    unsent_tools = 0 if facts.takes_tools else context.tools_tokens
    history = _ids(context, len(context.heads), question_at)
    if history:
        head.append(receipts.HistoryBlock(tokens=context.tokens - known - unsent_tools, message_ids=history))
    seen = [
        file for place, file in enumerate(context.files) if place not in unread and file.kind in facts.takes
    ]
    if seen:
        tail.insert(1, receipts.FilesBlock(files=_seen(run, seen)))
    again = prompt.messages[len(context.prompt.messages) :]
    if again:
        told = "\n\n".join(message.content for message in again)
        tail.append(receipts.RepairBlock(tokens=estimate_messages(again), sha256=_kept(told, texts)))
    return (*head, *tail)


def _head(run: OpenRun, facts: Facts, texts: dict[str, str]) -> list[AnyBlock]:
    """Return what stands before the messages of the thread."""
    context = run.context
    blocks: list[AnyBlock] = []
    for kind, message in zip(context.heads, context.prompt.messages, strict=False):
        tokens = estimate_message_tokens(message.content)
        match kind:
            case "system":
                digest = _kept(message.content, texts)
                blocks.append(receipts.SystemBlock(tokens=tokens, sha256=digest))
            case "summary":
                digest = _kept(run.turn.summary or "", texts)
                blocks.append(receipts.SummaryBlock(tokens=tokens, sha256=digest))
            case "memories":
                blocks.append(_memories(run, message.content, tokens, texts))
    tools = context.prompt.tools
    if tools and facts.takes_tools:
        names, digest = _names(tools), _kept(_json(tools), texts)
        after_system = int(context.heads[:1] == ("system",))
        blocks.insert(
            after_system, receipts.ToolsBlock(tokens=context.tools_tokens, names=names, sha256=digest)
        )
    return blocks


def _memories(run: OpenRun, text: str, tokens: int, texts: dict[str, str]) -> receipts.MemoriesBlock:
    items = run.recollection.items if run.recollection else ()
    seen = tuple(receipts.SeenMemory(id=item.id, score=item.score) for item in items)
    return receipts.MemoriesBlock(tokens=tokens, sha256=_kept(text, texts), memories=seen)


def _said_since(context: Context, question_at: int) -> Iterator[AnyBlock]:
    """Yield the question, and what came after it: a step is an answer with the outputs behind it."""
    messages = context.prompt.messages[question_at:]
    begins = [place for place, message in enumerate(messages) if message.role != "tool"]
    for begin, end in zip(begins, [*begins[1:], len(messages)], strict=True):
        ids = _ids(context, question_at + begin, question_at + end)
        tokens = estimate_messages(messages[begin:end])
        if not ids:
            continue
        if begin == 0:
            yield receipts.QuestionBlock(tokens=tokens, message_id=ids[0])
        elif messages[begin].role == "assistant":
            yield receipts.StepBlock(tokens=tokens, message_ids=ids)
        else:
            yield receipts.HistoryBlock(tokens=tokens, message_ids=ids)


def _ids(context: Context, begin: int, end: int) -> tuple[UUID, ...]:
    return tuple(message_id for message_id in context.message_ids[begin:end] if message_id is not None)


def _seen(run: OpenRun, files: list[ShownFile]) -> tuple[receipts.SeenFile, ...]:
    return tuple(
        receipts.SeenFile(
            document_id=file.document_id,
            message_id=run.context.message_ids[file.index],
            filename=file.filename,
            kind=file.kind,
            bytes=file.file_size_bytes,
        )
        for file in sorted(files, key=lambda file: file.index)
    )


def _unread(context: Context, draft: Draft) -> frozenset[int]:
    """Return the places of the files whose bytes could not be had when the model was called."""
    if draft.shown is None or not context.files:
        return frozenset()
    shown = draft.shown.messages
    return frozenset(
        place
        for place, file in enumerate(context.files)
        if all(media.filename != file.filename for media in shown[file.index].media)
    )


def _dropped(
    run: OpenRun, facts: Facts, unread: frozenset[int], texts: dict[str, str]
) -> Iterator[AnyDropped]:
    turn, context, tools = run.turn, run.context, run.context.prompt.tools
    summarised = turn.earlier_messages + len(turn.history) - turn.unsummarised_messages
    if summarised > 0:
        yield receipts.DroppedHistory(reason="summarised", count=summarised)
    if turn.unsummarised_messages > len(turn.history):
        cut = turn.unsummarised_messages - len(turn.history)
        yield receipts.DroppedHistory(reason="window", count=cut)
    yield from context.left_out
    for place, file in enumerate(context.files):
        if place in unread or file.kind not in facts.takes:
            yield receipts.DroppedFile(
                reason="unreadable" if place in unread else "model_cannot_see",
                document_id=file.document_id,
                filename=file.filename,
            )
    if tools and not facts.takes_tools:
        digest = _kept(_json(tools), texts)
        yield receipts.DroppedTools(reason="model_takes_none", names=_names(tools), sha256=digest)
    if run.options.memory != "off" and run.recollection is None:
        yield receipts.DroppedMemories(reason="unavailable")
    for problem in run.problems:
        yield receipts.DroppedServer(reason="unavailable", detail=problem)


def _form(form: ResponseFormat | None, texts: dict[str, str]) -> receipts.FormAsked | None:
    if form is None:
        return None
    digest = None if form.schema is None else _kept(_json(form.schema), texts)
    return receipts.FormAsked(name=form.name, is_strict=form.is_strict, schema_sha256=digest)


def _price(outcome: FinishTurn, facts: Facts) -> receipts.PricePaid | None:
    """Return how the cost adds up; what the provider says that it charges is not ours to divide."""
    if outcome.price_source is None:
        return None
    is_ours = outcome.usage.cost_usd is None and facts.price is not None
    lines = price_lines(outcome.usage, facts.price) if is_ours and facts.price else ()
    return receipts.PricePaid(source=outcome.price_source, dated=outcome.price_dated, lines=lines)


def _names(tools: tuple[dict[str, Any], ...]) -> tuple[str, ...]:
    return tuple(tool["function"]["name"] for tool in tools)


def _json(value: object) -> str:
    return _encoder.encode(value).decode()


def _kept(text: str, texts: dict[str, str]) -> str:
    """Keep a long text, and return its digest."""
    digest = sha256(text.encode()).hexdigest()
    texts[digest] = text
    return digest
