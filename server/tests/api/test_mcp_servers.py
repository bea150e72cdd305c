"""MCP servers over HTTP: checked before they are kept with an assistant, and their headers never shown."""

from __future__ import annotations

import json
import sys
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from backboard_server.adapters import Adapters
from backboard_server.api.mcp_servers import McpServerBody, McpServersField, sealed
from backboard_server.domain.errors import Invalid
from backboard_server.tools.headers import open_headers
from tenants import Tenant

FIELD: TypeAdapter[list[McpServerBody] | None] = TypeAdapter(McpServersField)
CANARY = "Bearer canary-of-a-key"
SERVER: dict[str, Any] = {
    "name": "docs",
    "url": "https://mcp.example.com/mcp?team=1",
    "allowed_tools": ["search"],
    "headers": {"Authorization": CANARY, "X-Team": "blue"},
}
SHOWN = SERVER | {"headers": ["Authorization", "X-Team"]}


def with_headers(**headers: str) -> list[dict[str, Any]]:
    return [SERVER | {"headers": {name.replace("_", "-"): value for name, value in headers.items()}}]


async def test_an_assistants_servers_come_back_without_the_headers(client: httpx.AsyncClient) -> None:
    plain = {"name": "plain", "url": "https://mcp.example.org"}

    created = await client.post("/assistants", json={"name": "A", "mcp_servers": [SERVER, plain]})

    path = f"/assistants/{created.json()['assistant_id']}"
    read = await client.get(path)
    assert created.json()["mcp_servers"] == [SHOWN, plain | {"allowed_tools": None, "headers": []}]
    assert read.json() == created.json()
    assert CANARY not in created.text + read.text


async def test_an_assistants_servers_can_be_changed_and_removed(client: httpx.AsyncClient) -> None:
    created = (await client.post("/assistants", json={"name": "A"})).json()
    path = f"/assistants/{created['assistant_id']}"

    changed = (await client.put(path, json={"mcp_servers": [SERVER]})).json()
    kept = (await client.put(path, json={"name": "B"})).json()
    removed = (await client.put(path, json={"mcp_servers": None})).json()

    shown = [each["mcp_servers"] for each in (created, changed, kept, removed)]
    assert shown == [None, [SHOWN], [SHOWN], None]


@pytest.mark.parametrize(
    ("servers", "where"),
    [
        ("no list", ["mcp_servers"]),
        ([SERVER] * 9, ["mcp_servers"]),
        ([SERVER, SERVER], ["mcp_servers"]),
        ([{"url": "https://mcp.example.com"}], ["mcp_servers", 0, "name"]),
        ([{"name": "docs"}], ["mcp_servers", 0, "url"]),
        ([SERVER | {"name": "two words"}], ["mcp_servers", 0, "name"]),
        ([SERVER | {"name": "x" * 33}], ["mcp_servers", 0, "name"]),
        ([SERVER | {"url": "https://mcp.example.com/" + "x" * 2048}], ["mcp_servers", 0, "url"]),
        ([SERVER | {"allowed_tools": [""]}], ["mcp_servers", 0, "allowed_tools", 0]),
        ([SERVER | {"headers": ["Authorization"]}], ["mcp_servers", 0, "headers"]),
        (with_headers(Authorization=CANARY + "\r\nX-Other: 1"), ["mcp_servers", 0, "headers"]),
        (with_headers(Authorization=CANARY + "é"), ["mcp_servers", 0, "headers"]),
        (with_headers(Authorization=CANARY + "x" * 8192), ["mcp_servers", 0, "headers"]),
        (with_headers(**{"two words": CANARY}), ["mcp_servers", 0, "headers"]),
        (with_headers(authorization=CANARY, Authorization=CANARY), ["mcp_servers", 0, "headers"]),
        (with_headers(Host=CANARY), ["mcp_servers", 0, "headers"]),
        (with_headers(Mcp_Session_Id=CANARY), ["mcp_servers", 0, "headers"]),
        (with_headers(**{f"X-{number}": CANARY for number in range(21)}), ["mcp_servers", 0, "headers"]),
    ],
)
async def test_a_server_that_cannot_be_one_is_refused_by_field_and_its_headers_are_not_repeated(
    client: httpx.AsyncClient, servers: object, where: list[str | int]
) -> None:
    response = await client.post("/assistants", json={"name": "A", "mcp_servers": servers})

    assert response.status_code == 422, response.text
    assert response.json()["detail"][0]["loc"] == ["body", *where]
    assert "canary" not in response.text


@pytest.mark.parametrize(
    "url", ["http://mcp.example.com", "https://127.0.0.1/mcp", "https://user:word@mcp.example.com", "ftp://x"]
)
async def test_an_address_that_may_not_be_asked_is_refused_by_field(
    client: httpx.AsyncClient, url: str
) -> None:
    servers = [SERVER, {"name": "other", "url": url}]

    response = await client.post("/assistants", json={"name": "A", "mcp_servers": servers})

    assert response.status_code == 400, response.text
    assert response.json()["code"] == "address_forbidden"
    assert response.json()["detail"].startswith("mcp_servers[1].url: ")


async def test_without_the_library_naming_a_server_is_refused_with_the_remedy(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python's own word for a module that is not there: nothing is found, and importing it fails.
    monkeypatch.setitem(sys.modules, "mcp", None)

    refused = await client.post("/assistants", json={"name": "A", "mcp_servers": [SERVER]})
    without = await client.post("/assistants", json={"name": "A", "mcp_servers": []})

    assert refused.status_code == 400
    assert refused.json()["code"] == "mcp_not_installed"
    assert "backboard-server[mcp]" in refused.json()["detail"]
    assert without.status_code == 200


def test_the_field_is_read_from_the_text_of_a_form_too() -> None:
    assert FIELD.validate_python(json.dumps([SERVER])) == FIELD.validate_python([SERVER])
    assert FIELD.validate_python("") is None


async def test_sealed_headers_open_for_their_tenant_and_their_address_alone(
    adapters: Adapters, tenant: Tenant, other_tenant: Tenant
) -> None:
    bodies = FIELD.validate_python([SERVER])

    servers = sealed(bodies, adapters, tenant.caller.tenant_id)

    assert servers
    assert CANARY not in repr(servers)
    assert open_headers(adapters.sealer, tenant.caller.tenant_id, servers[0]) == SERVER["headers"]
    with pytest.raises(Invalid, match="set them again"):
        open_headers(adapters.sealer, other_tenant.caller.tenant_id, servers[0])


async def test_no_servers_and_an_empty_list_of_them_are_told_apart(
    adapters: Adapters, tenant: Tenant
) -> None:
    assert sealed(None, adapters, tenant.caller.tenant_id) is None
    assert sealed([], adapters, tenant.caller.tenant_id) == []
