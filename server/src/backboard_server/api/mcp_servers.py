"""MCP servers that an assistant or a message names: their addresses, and headers that are never shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from backboard_server.adapters import Adapters
from backboard_server.domain.errors import Invalid
from backboard_server.domain.tools import SERVERS_MAX, McpServer
from backboard_server.tools import can_use_mcp
from backboard_server.tools.headers import seal_headers

from .bodies import from_json_text
from .shapes import Shape

ALLOWED_TOOLS_MAX = 128
TOOL_NAME_CHARACTERS_MAX = 128  # modelcontextprotocol.io/specification: tool names
URL_CHARACTERS_MAX = 2048
HEADERS_MAX = 20
HEADER_CHARACTERS_MAX = 8192

_LABEL = r"^[a-zA-Z0-9_-]{1,32}$"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
# What belongs to the connection or to the protocol is ours to say.
_HEADERS_OF_OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
    }
    | {"host", "idempotency-key", "keep-alive", "last-event-id", "proxy-authorization", "proxy-connection"}
    | {"te", "trailer", "transfer-encoding", "upgrade"}
)


def _sendable(headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
    """Refuse what cannot be a header, in words that do not repeat its value."""
    lowered = [name.lower() for name in headers]
    if len(set(lowered)) < len(lowered):
        raise ValueError("names a header twice: upper and lower case are the same")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError("holds a name that no header can have: use letters, digits and hyphens")
        if name.lower() in _HEADERS_OF_OURS or name.lower().startswith("mcp-"):
            raise ValueError(f"holds {name}, which the protocol sets: leave it out")
        text = value.get_secret_value()
        if len(text) > HEADER_CHARACTERS_MAX or not _HEADER_VALUE.fullmatch(text):
            raise ValueError(
                f"holds a value for {name} that no header can carry: send a line of 1 to "
                f"{HEADER_CHARACTERS_MAX} ASCII characters without spaces around it"
            )
    return headers


class McpServerBody(BaseModel):
    """An MCP server, reached over streamable HTTP; `headers` are sent to it and never shown again."""

    model_config = ConfigDict(extra="ignore")

    name: str = Field(pattern=_LABEL)
    url: str = Field(min_length=1, max_length=URL_CHARACTERS_MAX)
    allowed_tools: (
        Annotated[
            list[Annotated[str, Field(min_length=1, max_length=TOOL_NAME_CHARACTERS_MAX)]],
            Field(max_length=ALLOWED_TOOLS_MAX),
        ]
        | None
    ) = None
    headers: (
        Annotated[dict[str, SecretStr], Field(max_length=HEADERS_MAX), AfterValidator(_sendable)] | None
    ) = None

    def noun(self, adapters: Adapters, tenant_id: UUID) -> McpServer:
        """Return the noun. Raises Invalid for an address that may not be asked, Unavailable for no seal."""
        adapters.outside.check(self.url)
        headers = {name: value.get_secret_value() for name, value in (self.headers or {}).items()}
        return McpServer(
            name=self.name,
            url=self.url,
            allowed_tools=self.allowed_tools,
            sealed_headers=seal_headers(adapters.sealer, tenant_id, self.url, headers) if headers else None,
            header_names=list(headers),
        )


class McpServerRead(Shape):
    """An MCP server as clients know it: of its headers, the names."""

    name: str
    url: str
    allowed_tools: list[str] | None
    headers: list[str] = Field(validation_alias="header_names")


def _named_once(servers: list[McpServerBody]) -> list[McpServerBody]:
    names = [server.name for server in servers]
    if len(set(names)) < len(names):
        raise ValueError("names two servers alike: give each a name of its own")
    return servers


McpServersField = Annotated[
    Annotated[list[McpServerBody], Field(max_length=SERVERS_MAX), AfterValidator(_named_once)] | None,
    BeforeValidator(from_json_text),
]


def sealed(
    servers: Sequence[McpServerBody] | None, adapters: Adapters, tenant_id: UUID
) -> list[McpServer] | None:
    """Return the nouns of what a body names, None for nothing; an empty list stays one.

    Raises Invalid, naming the field, for an address that may not be asked, and where this server has no MCP.
    """
    if servers is None:
        return None
    if servers and not can_use_mcp():
        raise Invalid(
            'mcp_servers: this server is installed without MCP. Install it with its extra: "pip install '
            "'backboard-server[mcp]'\", or leave mcp_servers out.",
            code="mcp_not_installed",
        )
    nouns: list[McpServer] = []
    for number, server in enumerate(servers):
        try:
            nouns.append(server.noun(adapters, tenant_id))
        except Invalid as error:
            raise Invalid(f"mcp_servers[{number}].url: {error.message}", code=error.error_code) from error
    return nouns
