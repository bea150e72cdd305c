"""Messages over HTTP: in three encodings, answered whole or as a stream (contract A.3, B and C)."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

import msgspec
from fastapi import APIRouter, Request, Response
from pydantic import AliasChoices, BeforeValidator, Field
from starlette.datastructures import UploadFile

from backboard_server.domain.errors import Invalid
from backboard_server.domain.ids import new_id
from backboard_server.domain.keys import Caller
from backboard_server.domain.media import SNIFFED_BYTES, sniff
from backboard_server.domain.messages import (
    CONTENT_CHARACTERS_MAX,
    ActiveRunPolicy,
    DisconnectPolicy,
    RequestKey,
    SendMessage,
)
from backboard_server.runs.accept import AcceptedMessage, accept_message
from backboard_server.runs.formats import check_schema
from backboard_server.runs.live import LiveRun
from backboard_server.runs.log import RunLog
from backboard_server.runs.run import run_message
from backboard_server.store.turns import StoredFile

from .answers import ANSWERS, answer_again, answer_run
from .assistants import PROMPT_CHARACTERS_MAX, Tools
from .bodies import Body, Id, JsonObject, Name, Sent, from_json_text, read_body, validated
from .edge import CallerOf, Edge, SelfKeyedRoute, edge_of
from .knobs import Fallbacks, ResponseFormatField, ThinkingField, ToolChoiceField
from .mcp_servers import McpServersField, sealed
from .memories import USER_CHARACTERS_MAX
from .request_keys import request_key

router = APIRouter(prefix="/threads", tags=["messages"], route_class=SelfKeyedRoute)

FILENAME_CHARACTERS_MAX = 255
METADATA_BYTES_MAX = 64 * 1024


def lower(value: object) -> object:
    """Take a word in any case; an empty one is as good as none."""
    return value.strip().lower() or None if isinstance(value, str) else value


def _memory_mode(value: object) -> object:
    """Take every spelling that clients send; `on` is the old name of `auto`."""
    lowered = lower(value)
    return "auto" if lowered == "on" else lowered


MemoryMode = Annotated[Literal["auto", "readonly", "off"] | None, BeforeValidator(_memory_mode)]
Switch = Annotated[Literal["auto", "off"] | None, BeforeValidator(lower)]
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
    memory_response_citation: Flag = Field(
        False, validation_alias=AliasChoices("memory_response_citation", "memory_citation")
    )
    user_id: Name = Field(None, min_length=1, max_length=USER_CHARACTERS_MAX)
    web_search: Switch = None
    metadata: JsonObject = None
    tools: Annotated[Tools | None, BeforeValidator(from_json_text)] = None
    thinking: ThinkingField = None
    openrouter: JsonObject = None
    fallbacks: Fallbacks = None
    tool_choice: ToolChoiceField = None
    mcp_servers: McpServersField = None
    on_active_run: Annotated[ActiveRunPolicy | None, BeforeValidator(lower)] = None
    on_disconnect: Annotated[DisconnectPolicy | None, BeforeValidator(lower)] = None

    @property
    def memory_mode(self) -> Literal["auto", "readonly", "off"] | None:
        """How memory takes part, whichever of its two kinds was asked for."""
        return self.memory_pro if self.memory in (None, "off") else self.memory

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


class _Where(NamedTuple):
    """Where a message is said, as far as the request says it."""

    thread_id: UUID | None
    assistant_id: UUID | None


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


@router.post("/messages", response_model=None, responses=ANSWERS, openapi_extra=_described(StartMessageBody))
async def send_message(request: Request, caller: CallerOf) -> Response:
    """Send a message: one call that starts or continues a conversation."""
    sent = await read_body(request)
    try:
        body = validated(StartMessageBody, sent.fields)
        return await _respond(request, caller, body, sent, _Where(body.thread_id, body.assistant_id))
    finally:
        await sent.close()


@router.post(
    "/{thread_id}/messages",
    response_model=None,
    responses=ANSWERS,
    openapi_extra=_described(SendMessageBody),
)
async def add_message(thread_id: UUID, request: Request, caller: CallerOf) -> Response:
    """Send a message to a thread."""
    sent = await read_body(request)
    try:
        body = validated(SendMessageBody, sent.fields)
        return await _respond(request, caller, body, sent, _Where(thread_id, None))
    finally:
        await sent.close()


async def _respond(
    request: Request, caller: Caller, body: SendMessageBody, sent: Sent, where: _Where
) -> Response:
    body.check()
    edge = edge_of(request)
    key = await request_key(request, sent.fields, sent.files)
    message = _noun(edge, caller, body, where, key)
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
    if accepted.repeated is not None:
        await edge.adapters.blobs.delete(file.blob_key for file in files)
        return await answer_again(request, caller, accepted.repeated, stream=message.stream)
    live = _started(edge, caller, accepted)
    return await answer_run(request, caller, live, accepted.run.run_id if accepted.run else None, message)


def _started(edge: Edge, caller: Caller, accepted: AcceptedMessage) -> LiveRun:
    message, run = accepted.message, accepted.run
    live = LiveRun(
        run_message(edge.adapters, accepted),
        run.log if run else RunLog(),
        has_reader=message.stream,
        ends_with_reader=message.on_disconnect == "cancel",
    )
    if run is None:
        return edge.runs.start(live)
    return edge.journal.start(live, tenant_id=caller.tenant_id, run_id=run.run_id, epoch=run.epoch)


def _noun(
    edge: Edge, caller: Caller, body: SendMessageBody, where: _Where, key: RequestKey | None
) -> SendMessage:
    tools = body.tools
    return SendMessage(
        content=body.content,
        thread_id=where.thread_id,
        assistant_id=where.assistant_id,
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
        memory=body.memory_mode or "off",
        is_memory_pro=body.memory_pro not in (None, "off"),
        cites_memories=body.memory_response_citation,
        user_id=body.user_id or "",
        fallbacks=None if body.fallbacks is None else [fallback.noun() for fallback in body.fallbacks],
        tool_choice=body.tool_choice.noun() if body.tool_choice else None,
        mcp_servers=sealed(body.mcp_servers, edge.adapters, caller.tenant_id),
        on_active_run=body.on_active_run or "queue",
        on_disconnect=body.on_disconnect or "continue",
        request_key=key,
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
