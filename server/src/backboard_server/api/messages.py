"""Messages over HTTP: in three encodings, answered whole or as a stream (contract A.3, B and C)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import AliasChoices, BaseModel, BeforeValidator, Field
from starlette.datastructures import UploadFile

from backboard_server.domain import events
from backboard_server.domain.errors import Invalid
from backboard_server.domain.events import LastEvent
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.media import SNIFFED_BYTES, sniff
from backboard_server.domain.messages import CONTENT_CHARACTERS_MAX, SendMessage
from backboard_server.runs.accept import accept_message
from backboard_server.runs.formats import check_schema
from backboard_server.runs.run import run_message
from backboard_server.store.turns import StoredFile

from .assistants import PROMPT_CHARACTERS_MAX, Tools
from .bodies import Body, Id, JsonObject, Name, Sent, from_json_text, read_body, validated
from .edge import CallerOf, Edge, GuardedRoute, edge_of
from .frame import Afterwards
from .knobs import Fallbacks, ResponseFormatField, ThinkingField
from .sse import EventStream

router = APIRouter(prefix="/threads", tags=["messages"], route_class=GuardedRoute)

FILENAME_CHARACTERS_MAX = 255
METADATA_BYTES_MAX = 64 * 1024


def _lower(value: object) -> object:
    return value.strip().lower() or None if isinstance(value, str) else value


def _memory_mode(value: object) -> object:
    """Take every spelling that clients send; `on` is the old name of `auto`."""
    lowered = _lower(value)
    return "auto" if lowered == "on" else lowered


MemoryMode = Annotated[Literal["auto", "readonly", "off"] | None, BeforeValidator(_memory_mode)]
Switch = Annotated[Literal["auto", "off"] | None, BeforeValidator(_lower)]
Flag = Annotated[bool, BeforeValidator(lambda value: False if value in (None, "") else value)]
"""A boolean that a form sends as text; null and empty are false."""


class SendMessageBody(Body):
    """What a message may carry. `content` may be empty when a file comes with it."""

    content: Annotated[str, BeforeValidator(lambda value: "" if value is None else value)] = Field(
        "", max_length=CONTENT_CHARACTERS_MAX
    )
    system_prompt: str | None = Field(None, max_length=PROMPT_CHARACTERS_MAX)
    llm_provider: Name = Field(
        None, max_length=100, validation_alias=AliasChoices("llm_provider", "model_provider")
    )
    model_name: Name = Field(None, max_length=200)
    stream: Flag = False
    send_to_llm: Annotated[bool, BeforeValidator(lambda value: True if value in (None, "") else value)] = True
    json_output: Flag = False
    response_format: ResponseFormatField = None
    memory: MemoryMode = None
    memory_pro: MemoryMode = None
    web_search: Switch = None
    metadata: JsonObject = None
    tools: Annotated[Tools | None, BeforeValidator(from_json_text)] = None
    thinking: ThinkingField = None
    openrouter: JsonObject = None
    fallbacks: Fallbacks = None

    def check(self) -> None:
        """Refuse what no single field is to blame for. Raises Invalid."""
        if self.memory not in (None, "off") and self.memory_pro not in (None, "off"):
            raise Invalid("memory and memory_pro cannot be combined: send one of them.")
        if self.metadata and len(msgspec.json.encode(self.metadata)) > METADATA_BYTES_MAX:
            raise Invalid(f"metadata is larger than {METADATA_BYTES_MAX // 1024} KiB: send less.")
        if self.response_format is not None and self.response_format.json_schema is not None:
            check_schema(self.response_format.json_schema.json_schema)


class StartMessageBody(SendMessageBody):
    """A message that may begin a conversation: without `thread_id` a thread is made (of `assistant_id`)."""

    thread_id: Id = None
    assistant_id: Id = None


class ContextUsageRead(BaseModel):
    """How full the model's context window is."""

    percent: float = 0
    used_tokens: int = 0
    context_limit: int = 0
    summary_tokens: int = 0
    model: str = "unknown"


class AttemptRead(BaseModel):
    """A model that was asked; without `error_code` the one that answered."""

    model_provider: str
    model_name: str
    error_code: str | None
    error: str | None


class MessageResponse(BaseModel):
    """The answer to a message, flat; or, with `stream`, the same as the last event of the stream."""

    message: str
    thread_id: UUID
    assistant_id: UUID
    timestamp: datetime
    content: str | None
    message_id: UUID
    role: str
    status: str
    run_id: str | None
    tool_calls: list[dict[str, Any]] | None
    memory_operation_id: str | None
    retrieved_memories: list[dict[str, Any]] | None
    retrieved_files: list[str] | None
    reasoning: str | None
    model_provider: str | None
    model_name: str | None
    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_input_tokens: int | None
    cache_write_input_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    attempts: list[AttemptRead] | None
    created_at: datetime
    attachments: list[dict[str, Any]]
    context_usage: ContextUsageRead


def _described(body: type[SendMessageBody]) -> dict[str, Any]:
    """Return the OpenAPI description of a body that comes in any of three encodings."""
    schema = body.model_json_schema()
    multipart = schema | {
        "properties": schema["properties"]
        | {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}}
    }
    content = {
        "application/json": {"schema": schema},
        "application/x-www-form-urlencoded": {"schema": schema},
        "multipart/form-data": {"schema": multipart},
    }
    return {"requestBody": {"required": True, "content": content}}


_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": MessageResponse,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
        "description": "The answer, or with `stream` its events.",
    }
}


@router.post("/messages", response_model=None, responses=_ANSWERS, openapi_extra=_described(StartMessageBody))
async def send_message(request: Request, caller: CallerOf) -> Response:
    """Send a message: one call that starts or continues a conversation."""
    sent = await read_body(request)
    try:
        body = validated(StartMessageBody, sent.fields)
        return await _respond(edge_of(request), caller, body, sent, body.thread_id, body.assistant_id)
    finally:
        await sent.close()


@router.post(
    "/{thread_id}/messages",
    response_model=None,
    responses=_ANSWERS,
    openapi_extra=_described(SendMessageBody),
)
async def add_message(thread_id: UUID, request: Request, caller: CallerOf) -> Response:
    """Send a message to a thread."""
    sent = await read_body(request)
    try:
        body = validated(SendMessageBody, sent.fields)
        return await _respond(edge_of(request), caller, body, sent, thread_id, None)
    finally:
        await sent.close()


async def _respond(
    edge: Edge,
    caller: Caller,
    body: SendMessageBody,
    sent: Sent,
    thread_id: UUID | None,
    assistant_id: UUID | None,
) -> Response:
    body.check()
    message = _noun(body, thread_id, assistant_id)
    if message.send_to_llm and not message.content.strip() and not sent.files:
        raise Invalid("content is empty: give the message a text, or a file.", code="empty_content")
    edge.runs.check_room()
    files: list[StoredFile] = []
    try:
        for file in sent.files:
            files.append(await _store_file(edge, caller, file))
        accepted = await accept_message(edge.adapters, caller, message, files)
    except BaseException:
        await edge.adapters.blobs.delete(file.blob_key for file in files)
        raise
    run = edge.runs.start(run_message(edge.adapters, accepted), has_reader=message.stream)
    if message.stream:
        return Afterwards(EventStream(run))
    return Response(_encoded(await run.last_event()), media_type="application/json")


def _noun(body: SendMessageBody, thread_id: UUID | None, assistant_id: UUID | None) -> SendMessage:
    tools = body.tools
    return SendMessage(
        content=body.content,
        thread_id=thread_id,
        assistant_id=assistant_id,
        system_prompt=body.system_prompt,
        llm_provider=body.llm_provider,
        model_name=body.model_name,
        stream=body.stream,
        send_to_llm=body.send_to_llm,
        json_output=body.json_output,
        response_format=body.response_format.noun() if body.response_format else None,
        metadata=body.metadata,
        tools=None if tools is None else [tool.model_dump(exclude_none=True) for tool in tools],
        thinking=body.thinking.noun() if body.thinking else None,
        openrouter=body.openrouter,
        fallbacks=None if body.fallbacks is None else [fallback.noun() for fallback in body.fallbacks],
    )


async def _store_file(edge: Edge, caller: Caller, file: UploadFile) -> StoredFile:
    """Store a file's bytes; its name is only ever shown, never used as a path."""
    beginning = await file.read(SNIFFED_BYTES)
    await file.seek(0)
    key = await edge.adapters.blobs.put(caller.tenant_id, file)
    printable = "".join(character for character in file.filename or "" if character.isprintable())
    return StoredFile(
        document_id=new_id(),
        filename=printable[-FILENAME_CHARACTERS_MAX:] or "unnamed",
        file_size_bytes=file.size or 0,
        blob_key=key,
        media_type=sniff(beginning),
    )


_NO_USAGE = ContextUsageRead().model_dump()


def _encoded(event: LastEvent) -> bytes:
    """Return the flat answer (contract C.1) that the last event of a run amounts to."""
    answer: dict[str, Any] = {
        "message": "Message sent",
        "timestamp": datetime.now(UTC),
        "role": "assistant",
        "status": "COMPLETED",
        "content": None,
        "tool_calls": None,
        "memory_operation_id": None,
        "retrieved_memories": None,
        "retrieved_files": None,
        "reasoning": None,
        "model_provider": None,
        "model_name": None,
        "input_tokens": None,
        "output_tokens": None,
        "total_tokens": None,
        "cached_input_tokens": None,
        "cache_write_input_tokens": None,
        "reasoning_tokens": None,
        "cost_usd": None,
        "attempts": None,
        "context_usage": _NO_USAGE,
    }
    match event:
        case events.MessageSaved():
            answer |= {"message": "Message saved", "role": "user"}
        case events.ToolSubmitRequired():
            answer |= {"message": event.message, "status": "REQUIRES_ACTION"}
        case _:
            pass
    skipped = {"type", "message", "status", "final_content"}
    fields = {name: value for name, value in msgspec.structs.asdict(event).items() if name not in skipped}
    return msgspec.json.encode(answer | fields)
