"""Assistants over HTTP (contract A.1)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from backboard_server.domain.assistants import Assistant, AssistantSetup
from backboard_server.domain.threads import Thread
from backboard_server.domain.tools import McpServer
from backboard_server.store import assistants, threads

from .bodies import Body, JsonObject
from .edge import AdaptersOf, CallerOf, GuardedRoute
from .knobs import FallbackBody, Fallbacks
from .mcp_servers import McpServerRead, McpServersField, sealed
from .request_keys import MadeId
from .shapes import Limit, Shape, Skip, now
from .threads import ThreadRead

router = APIRouter(prefix="/assistants", tags=["assistants"], route_class=GuardedRoute)

NAME_CHARACTERS_MAX = 255
PROMPT_CHARACTERS_MAX = 500_000
TOOLS_MAX = 128
TOOLS_BYTES_MAX = 512 * 1024  # as JSON, all together: every turn of every thread reads them
TOOL_NAME = r"^[a-zA-Z0-9_-]{1,64}$"

Text = Annotated[str, Field(max_length=PROMPT_CHARACTERS_MAX)]


class ToolFunction(BaseModel):
    """A function that the model may call; `parameters` is a JSON Schema, kept as it is."""

    model_config = ConfigDict(extra="allow")

    name: str = Field(pattern=TOOL_NAME)
    description: str | None = None
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})

    @field_validator("parameters", mode="before")
    @classmethod
    def _always_an_object(cls, value: Any) -> Any:
        return value or {"type": "object", "properties": {}}


class Tool(BaseModel):
    """A tool in the shape that OpenAI made common."""

    model_config = ConfigDict(extra="allow")

    type: str = "function"
    function: ToolFunction


def _within_bytes(tools: list[Tool]) -> list[Tool]:
    if len(msgspec.json.encode(_dumped(tools))) > TOOLS_BYTES_MAX:
        raise ValueError(f"are larger than {TOOLS_BYTES_MAX // 1024} KiB of JSON together: shorten them")
    return tools


Tools = Annotated[list[Tool], Field(max_length=TOOLS_MAX), AfterValidator(_within_bytes)]


class AssistantCreate(Body):
    """A new assistant. Without `system_prompt` the description serves as one: some clients send only that."""

    name: str = Field(min_length=1, max_length=NAME_CHARACTERS_MAX)
    description: Text | None = None
    system_prompt: Text | None = None
    tools: Tools | None = None
    tok_k: int = Field(10, ge=1, le=100)
    embedding_provider: str = Field("openai", min_length=1, max_length=100)
    embedding_model_name: str = Field("text-embedding-3-large", min_length=1, max_length=200)
    embedding_dims: int = Field(3072, ge=1, le=16_000)
    custom_fact_extraction_prompt: Text | None = None
    custom_update_memory_prompt: Text | None = None
    fallbacks: Fallbacks = None
    mcp_servers: McpServersField = None

    def setup(self, mcp_servers: list[McpServer] | None) -> AssistantSetup:
        """Return the noun, with the servers as they are stored."""
        fields: dict[str, Any] = self.model_dump(exclude_none=True, exclude_unset=True)
        if "system_prompt" not in self.model_fields_set:
            fields["system_prompt"] = self.description
        fields |= _dumped_tools(self.tools) | _noun_fallbacks(self.fallbacks)
        fields["mcp_servers"] = mcp_servers
        return AssistantSetup(**fields)


class AssistantUpdate(Body):
    """Changes to an assistant: what is left out stays; a list replaces the whole list."""

    name: str = Field("", min_length=1, max_length=NAME_CHARACTERS_MAX)
    description: Text | None = None
    system_prompt: Text | None = None
    tools: Tools | None = None
    tok_k: int = Field(10, ge=1, le=100)
    custom_fact_extraction_prompt: Text | None = None
    custom_update_memory_prompt: Text | None = None
    fallbacks: Fallbacks = None
    mcp_servers: McpServersField = None

    def changes(self, mcp_servers: list[McpServer] | None) -> dict[str, Any]:
        """Return the fields that were sent, with the servers as they are stored."""
        fields = self.model_dump(exclude_unset=True)
        fields |= _dumped_tools(self.tools) if "tools" in fields else {}
        if "mcp_servers" in fields:
            fields["mcp_servers"] = mcp_servers
        return fields | (_noun_fallbacks(self.fallbacks) if "fallbacks" in fields else {})


class FallbackRead(Shape):
    """A model that is asked when the one before it fails."""

    llm_provider: str = Field(validation_alias="provider")
    model_name: str = Field(validation_alias="model")


class AssistantRead(Shape):
    """An assistant as clients know it."""

    assistant_id: UUID = Field(validation_alias="id")
    name: str
    description: str | None
    system_prompt: str | None
    tools: list[dict[str, Any]] | None
    tok_k: int
    embedding_provider: str
    embedding_model_name: str
    embedding_dims: int
    custom_fact_extraction_prompt: str | None
    custom_update_memory_prompt: str | None
    fallbacks: list[FallbackRead] | None
    mcp_servers: list[McpServerRead] | None
    created_at: datetime
    updated_at: datetime


class AssistantDeleted(BaseModel):
    """What deleting an assistant answers."""

    message: str
    assistant_id: UUID
    deleted_at: datetime


class ThreadCreate(Body):
    """A new thread; everything may be left out."""

    metadata: JsonObject = Field(None, validation_alias="metadata")


@router.post("", response_model=AssistantRead)
async def create_assistant(
    body: AssistantCreate, adapters: AdaptersOf, caller: CallerOf, made_id: MadeId
) -> Assistant:
    """Create an assistant."""
    setup = body.setup(sealed(body.mcp_servers, adapters, caller.tenant_id))
    return await assistants.insert_assistant(adapters.database, caller.tenant_id, made_id, setup)


@router.get("", response_model=list[AssistantRead])
async def list_assistants(
    adapters: AdaptersOf,
    caller: CallerOf,
    skip: Skip = 0,
    limit: Limit = 100,
    name: Annotated[str | None, Query(description="Only those of exactly this name.")] = None,
) -> list[Assistant]:
    """List assistants, newest first."""
    return await assistants.list_assistants(
        adapters.database, caller.tenant_id, skip=skip, limit=limit, name=name
    )


@router.get("/{assistant_id}", response_model=AssistantRead)
async def get_assistant(assistant_id: UUID, adapters: AdaptersOf, caller: CallerOf) -> Assistant:
    """Return an assistant."""
    return await assistants.get_assistant(adapters.database, caller.tenant_id, assistant_id)


@router.put("/{assistant_id}", response_model=AssistantRead)
async def update_assistant(
    assistant_id: UUID, body: AssistantUpdate, adapters: AdaptersOf, caller: CallerOf
) -> Assistant:
    """Change an assistant; what is left out stays as it is."""
    changes = body.changes(sealed(body.mcp_servers, adapters, caller.tenant_id))
    return await assistants.update_assistant(adapters.database, caller.tenant_id, assistant_id, changes)


@router.delete("/{assistant_id}")
async def delete_assistant(assistant_id: UUID, adapters: AdaptersOf, caller: CallerOf) -> AssistantDeleted:
    """Delete an assistant with its threads, messages and documents."""
    await assistants.delete_assistant(adapters.database, caller.tenant_id, assistant_id)
    return AssistantDeleted(message="Assistant deleted", assistant_id=assistant_id, deleted_at=now())


@router.post("/{assistant_id}/threads", response_model=ThreadRead)
async def create_thread(
    assistant_id: UUID,
    adapters: AdaptersOf,
    caller: CallerOf,
    made_id: MadeId,
    body: ThreadCreate | None = None,
) -> Thread:
    """Create a thread of an assistant; the body may be empty or absent."""
    metadata = body.metadata if body else None
    return await threads.insert_thread(adapters.database, caller.tenant_id, made_id, assistant_id, metadata)


@router.get("/{assistant_id}/threads", response_model=list[ThreadRead])
async def list_threads_for_assistant(
    assistant_id: UUID, adapters: AdaptersOf, caller: CallerOf, skip: Skip = 0, limit: Limit = 100
) -> list[Thread]:
    """List the threads of an assistant, newest first, without their messages."""
    return await threads.list_threads(
        adapters.database, caller.tenant_id, skip=skip, limit=limit, assistant_id=assistant_id
    )


def _dumped_tools(tools: list[Tool] | None) -> dict[str, Any]:
    return {"tools": None if tools is None else _dumped(tools)}


def _noun_fallbacks(fallbacks: list[FallbackBody] | None) -> dict[str, Any]:
    return {"fallbacks": None if fallbacks is None else [fallback.noun() for fallback in fallbacks]}


def _dumped(tools: list[Tool]) -> list[dict[str, Any]]:
    return [tool.model_dump(exclude_none=True) for tool in tools]
