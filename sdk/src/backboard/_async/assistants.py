"""The methods of assistants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Sequence, cast

from backboard._answers import parse, parse_dict, parse_list
from backboard._requests import Id, Request, given, path
from backboard.models.assistants import Assistant, AssistantDeleted

if TYPE_CHECKING:
    from backboard._message_requests import Tool
    from backboard._options import Timeout

    from .transport import Transport


class AssistantMethods:
    """Create, find, change and delete assistants."""

    _transport: Transport

    async def create_assistant(
        self,
        name: str,
        description: str | None = None,
        system_prompt: str | None = None,
        tools: list[Tool] | None = None,
        tok_k: int | None = None,
        custom_fact_extraction_prompt: str | None = None,
        custom_update_memory_prompt: str | None = None,
        embedding_provider: str | None = None,
        embedding_model_name: str | None = None,
        embedding_dims: int | None = None,
        *,
        fallbacks: Sequence[Mapping[str, str]] | None = None,
        mcp_servers: Sequence[Mapping[str, Any]] | None = None,
        idempotency_key: str | None = None,
        timeout: Timeout = None,
    ) -> Assistant:
        """Create an assistant. `tok_k` is how many passages of its documents a question may bring (1 to 100).

        The embedding fields cannot be changed later. `fallbacks` are models to ask, in order, when one fails.
        `mcp_servers` are `{"name", "url", "allowed_tools", "headers"}`; of the headers only names come back.
        """
        fields = given(
            name=name,
            description=description,
            system_prompt=system_prompt,
            tools=tools,
            tok_k=tok_k,
            custom_fact_extraction_prompt=custom_fact_extraction_prompt,
            custom_update_memory_prompt=custom_update_memory_prompt,
            fallbacks=fallbacks,
            mcp_servers=mcp_servers,
            embedding_provider=embedding_provider,
            embedding_model_name=embedding_model_name,
            embedding_dims=embedding_dims,
        )
        request = Request("POST", "/assistants", fields=fields).under(idempotency_key)
        return parse(Assistant, await self._transport.fetch(request, timeout))

    async def list_assistants(
        self, skip: int = 0, limit: int = 100, name: str | None = None, *, timeout: Timeout = None
    ) -> list[Assistant]:
        """Return a page of assistants; `name` keeps those of exactly that name."""
        request = Request("GET", "/assistants", query=given(skip=skip, limit=limit, name=name))
        return parse_list(Assistant, await self._transport.fetch(request, timeout))

    async def get_assistant(self, assistant_id: Id, *, timeout: Timeout = None) -> Assistant:
        """Return an assistant. Raises BackboardNotFoundError where there is none of that id."""
        request = Request("GET", path("assistants", assistant_id))
        return parse(Assistant, await self._transport.fetch(request, timeout))

    async def update_assistant(
        self,
        assistant_id: Id,
        name: str | None = None,
        description: str | None = None,
        system_prompt: str | None = None,
        tools: list[Tool] | None = None,
        tok_k: int | None = None,
        custom_fact_extraction_prompt: str | None = None,
        custom_update_memory_prompt: str | None = None,
        *,
        fallbacks: Sequence[Mapping[str, str]] | None = None,
        mcp_servers: Sequence[Mapping[str, Any]] | None = None,
        timeout: Timeout = None,
    ) -> Assistant:
        """Change what is given and keep the rest; a list replaces the whole list, `[]` empties it."""
        fields = given(
            name=name,
            description=description,
            system_prompt=system_prompt,
            tools=tools,
            tok_k=tok_k,
            custom_fact_extraction_prompt=custom_fact_extraction_prompt,
            custom_update_memory_prompt=custom_update_memory_prompt,
            fallbacks=fallbacks,
            mcp_servers=mcp_servers,
        )
        request = Request("PUT", path("assistants", assistant_id), fields=fields)
        return parse(Assistant, await self._transport.fetch(request, timeout))

    async def delete_assistant(self, assistant_id: Id, *, timeout: Timeout = None) -> AssistantDeleted:
        """Delete an assistant with its threads, memories and documents."""
        request = Request("DELETE", path("assistants", assistant_id))
        return cast("AssistantDeleted", parse_dict(await self._transport.fetch(request, timeout)))
