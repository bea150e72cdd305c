"""A provider that the operator adds by a file: it answers, tenants bring keys for it, mistakes are told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest

from backboard_server.providers.configured import FILE
from fake_vendor import Answer, FakeVendor
from running_server import DEADLINE_SECONDS, RunningServer, run_command


async def test_a_provider_of_the_file_answers_with_the_servers_key_and_with_a_tenants(tmp_path: Path) -> None:
    async with FakeVendor() as vendor:
        vendor.script(Answer(text="Hello from mycorp."))
        (tmp_path / FILE).write_text(
            f'[providers.mycorp]\nbase_url = "{vendor.base_url}"\nkey_variable = "MYCORP_API_KEY"\n'
            'default_model = "llama"\naliases = ["corp"]\n'
        )
        with RunningServer(tmp_path, environment={"MYCORP_API_KEY": "sk-servers"}) as server:
            async with server.client() as client:
                unnamed = await client.post("/threads/messages", json={"content": "Hi"})
                listed = await client.get("/provider-keys")
                stored = await client.put("/provider-keys/corp", json={"api_key": "sk-tenants-own"})
                named = await _named_with(client, vendor, "Bearer sk-tenants-own")
                catalogued = await client.get("/models/providers")

    for response, model in ((unnamed, "llama"), (named, "other")):
        answer = response.json()
        assert (answer["content"], answer["model_provider"], answer["model_name"]) == (
            "Hello from mycorp.",
            "mycorp",
            model,
        )
    assert [row["provider"] for row in listed.json()] == ["mycorp"]
    assert stored.json()["provider"] == "mycorp"
    assert vendor.requests[0].headers["authorization"] == "Bearer sk-servers"
    assert "mycorp" in catalogued.text


async def _named_with(client: httpx.AsyncClient, vendor: FakeVendor, credential: str) -> httpx.Response:
    """Send messages until one reaches the vendor with a credential: a key is used within a second."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while True:
            answer = await client.post(
                "/threads/messages", json={"content": "Hi", "llm_provider": "Corp", "model_name": "other"}
            )
            if vendor.requests[-1].headers["authorization"] == credential:
                return answer


@pytest.mark.parametrize("environment", [{}, {"BACKBOARD_PROVIDERS": '{"mycorp": {}}'}])
def test_a_mistake_stops_the_start_with_a_sentence(tmp_path: Path, environment: dict[str, str]) -> None:
    if not environment:
        (tmp_path / FILE).write_text("[providers.mycorp]\n")
    place = next(iter(environment), str(tmp_path / FILE))

    told = run_command("serve", "--port", "0", "--data-dir", str(tmp_path), environment=environment)

    assert told.returncode == 1
    assert told.stderr.endswith(f"backboard: {place}, provider mycorp: base_url is missing.\n")
    assert not (tmp_path / "postgres").exists()
