from __future__ import annotations

import pytest

from backboard import BackboardClient, BackboardNotFoundError

from .scripted_server import ScriptedServer, json_answer

KEY = {
    "provider": "openai",
    "is_tenants": True,
    "shown": "sk-proj-A…",
    "created_at": "2026-11-23T10:00:00Z",
    "updated_at": "2026-11-23T10:00:00Z",
}
OF_THE_SERVER = {
    "provider": "groq", "is_tenants": False, "shown": None, "created_at": None, "updated_at": None,
}  # fmt: skip


async def test_a_key_is_sent_in_the_body_and_not_in_the_path(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer(KEY))

    stored = await client.set_provider_key("openai", "sk-canary")

    assert (server.last_request.method, server.last_request.path) == ("PUT", "/api/provider-keys/openai")
    assert server.last_request.json == {"api_key": "sk-canary"}
    assert (stored.provider, stored.shown, stored.is_tenants) == ("openai", "sk-proj-A…", True)
    assert "canary" not in repr(stored)


async def test_list_provider_keys_tells_ones_own_from_the_server_s(
    client: BackboardClient, server: ScriptedServer
) -> None:
    server.script(json_answer([KEY, OF_THE_SERVER]))

    own, other = await client.list_provider_keys()

    assert (server.last_request.method, server.last_request.path) == ("GET", "/api/provider-keys")
    assert own.created_at is not None
    assert (other.provider, other.is_tenants, other.created_at) == ("groq", False, None)


async def test_delete_provider_key_returns_a_dict(client: BackboardClient, server: ScriptedServer) -> None:
    gone = {"message": "Gone", "provider": "a/b", "deleted_at": "2026-11-23T10:00:00Z"}
    server.script(json_answer(gone), json_answer({"detail": "There is no key"}, 404))

    deleted = await client.delete_provider_key("a/b")

    assert (server.last_request.method, server.last_request.path) == ("DELETE", "/api/provider-keys/a%2Fb")
    assert deleted["provider"] == "a/b"
    with pytest.raises(BackboardNotFoundError, match="There is no key"):
        await client.delete_provider_key("a/b")
