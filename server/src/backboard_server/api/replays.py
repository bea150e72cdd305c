"""Replays over HTTP: an answer given once more, by another model or with other words, beside the original."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from msgspec import UNSET, to_builtins
from msgspec.structs import asdict
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field

from backboard_server.domain.messages import MessageStatus
from backboard_server.domain.prompts import FinishReason, ToolCall
from backboard_server.domain.receipts import Receipt, ReplayMessage
from backboard_server.runs.draft import views
from backboard_server.runs.formats import check_schema
from backboard_server.runs.replay import Replay
from backboard_server.runs.replay import replay_message as replay

from .answers import AttemptRead
from .assistants import PROMPT_CHARACTERS_MAX, Tools
from .bodies import Body, Name, from_json_text
from .edge import CallerOf, GuardedRoute, edge_of
from .knobs import ResponseFormatField, ThinkingField, ToolChoiceField
from .messages import MemoryMode

router = APIRouter(prefix="/threads", tags=["receipts"], route_class=GuardedRoute)


class ReplayBody(Body):
    """What is to be otherwise; what is left out is as it was."""

    llm_provider: Name = Field(
        None, max_length=100, validation_alias=AliasChoices("llm_provider", "model_provider")
    )
    model_name: Name = Field(None, max_length=200)
    system_prompt: str | None = Field(None, max_length=PROMPT_CHARACTERS_MAX)
    tools: Annotated[Tools | None, BeforeValidator(from_json_text)] = None
    tool_choice: ToolChoiceField = None
    thinking: ThinkingField = None
    response_format: ResponseFormatField = None
    memory: MemoryMode = None

    def noun(self, thread_id: UUID, message_id: UUID) -> ReplayMessage:
        """Return the noun. Raises Invalid for a schema that cannot be used."""
        form = self.response_format
        if form is not None and form.json_schema is not None:
            check_schema(form.json_schema.json_schema)
        return ReplayMessage(
            thread_id=thread_id,
            message_id=message_id,
            llm_provider=self.llm_provider,
            model_name=self.model_name,
            system_prompt=self.system_prompt,
            tools=None if self.tools is None else [tool.model_dump(exclude_none=True) for tool in self.tools],
            tool_choice=self.tool_choice.noun() if self.tool_choice else None,
            thinking=self.thinking.noun() if self.thinking else None,
            response_format=UNSET if form is None else form.noun(),
            memory=self.memory,
        )


class GivenAnswer(BaseModel):
    """An answer, and what it used; `message_id` is null for one that is stored nowhere."""

    message_id: UUID | None
    content: str
    reasoning: str | None
    tool_calls: list[dict[str, Any]] | None
    status: MessageStatus
    finish_reason: FinishReason | None
    model_provider: str
    model_name: str
    input_tokens: int
    output_tokens: int
    total_tokens: int
    cached_input_tokens: int
    cache_write_input_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    attempts: list[AttemptRead]


class DifferenceRead(BaseModel):
    """How the context of the replay differs from the original's.

    Tools and options go by name; tokens are our estimates.
    """

    system_prompt_changed: bool
    tools_added: list[str]
    tools_removed: list[str]
    tools_changed: list[str]
    options_changed: list[str]
    messages_added: list[UUID]
    messages_removed: list[UUID]
    files_added: list[UUID]
    files_removed: list[UUID]
    tokens_before: int
    tokens_after: int


class ReplayRead(BaseModel):
    """An answer beside another one to the same."""

    original: GivenAnswer
    replay: GivenAnswer
    context_difference: DifferenceRead


@router.post("/{thread_id}/messages/{message_id}/replay")
async def replay_message(
    thread_id: UUID, message_id: UUID, request: Request, caller: CallerOf, body: ReplayBody | None = None
) -> ReplayRead:
    """Give an answer once more, from the context that it was made from. Nothing is stored, the cost counts.

    Tools that the model calls are returned and not executed.
    """
    edge = edge_of(request)
    edge.runs.check_room()
    asked = (body or ReplayBody.model_validate({})).noun(thread_id, message_id)
    return _read(await replay(edge.adapters, caller, asked))


def _read(replay: Replay) -> ReplayRead:
    original, outcome = replay.original, replay.outcome
    said_before = GivenAnswer(
        message_id=original.message_id,
        content=original.content,
        reasoning=original.reasoning,
        tool_calls=_calls(original.tool_calls),
        status=original.status,
        **_receipted(original.receipt),
    )
    said_now = GivenAnswer(
        message_id=None,
        content=outcome.content,
        reasoning=outcome.reasoning,
        tool_calls=_calls(outcome.tool_calls or ()),
        status="REQUIRES_ACTION" if outcome.tool_calls else "COMPLETED",
        **_receipted(replay.receipt),
    )
    told = DifferenceRead(**asdict(replay.difference))
    return ReplayRead(original=said_before, replay=said_now, context_difference=told)


def _calls(calls: tuple[ToolCall, ...]) -> list[dict[str, Any]] | None:
    return to_builtins(views(calls)) if calls else None


def _receipted(receipt: Receipt) -> dict[str, Any]:
    usage = receipt.usage
    counted = asdict(usage) | {"total_tokens": usage.input_tokens + usage.output_tokens}
    return counted | {
        "finish_reason": receipt.finish_reason,
        "model_provider": receipt.model_provider,
        "model_name": receipt.model_name,
        "cost_usd": receipt.cost_usd,
        "attempts": [AttemptRead(**asdict(attempt)) for attempt in receipt.attempts],
    }
