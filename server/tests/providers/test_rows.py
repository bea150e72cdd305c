"""Rows of the table whose hosts are spoken to in a way of their own, each against a vendor that listens."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from backboard_server.domain.prompts import Finish, ModelChoice, Prompt, Thinking
from backboard_server.providers import Providers
from fake_vendor import FakeVendor, Recorded

KEY = "sk-a-key-that-must-not-be-seen"


async def _asked(environment: dict[str, str], vendor: FakeVendor, prompt: Prompt) -> Recorded:
    providers = Providers(environment)
    deltas = [delta async for delta in providers.stream(prompt, streamed=True)]
    await providers.aclose()
    assert isinstance(deltas[-1], Finish)
    (request,) = vendor.requests
    return request


@pytest.mark.parametrize(("model", "path"), [("gpt-5", "responses"), ("my-deployment", "chat/completions")])
async def test_azure_is_asked_at_its_resource_with_its_own_header(
    vendor: FakeVendor, prompt: Prompt, model: str, path: str
) -> None:
    environment = {"AZURE_OPENAI_API_KEY": KEY, "AZURE_OPENAI_ENDPOINT": f"{vendor.root_url}/"}

    request = await _asked(environment, vendor, replace(prompt, choice=ModelChoice("azure", model)))

    assert (request.path, request.body["model"]) == (f"/openai/v1/{path}", model)
    assert request.headers["api-key"] == KEY
    assert "authorization" not in request.headers


@pytest.mark.parametrize(
    ("choice", "thinking", "sent"),
    [
        (ModelChoice("cohere", "command-a-reasoning-08-2025"), Thinking(effort="none"), "none"),
        (ModelChoice("cohere", "command-a-reasoning-08-2025"), Thinking(effort="low"), "high"),
        (ModelChoice("cohere", "command-a-03-2025"), Thinking(effort="low"), None),
        (ModelChoice("mistral", "mistral-small-latest"), Thinking(), "high"),
        (ModelChoice("mistral", "magistral-medium-latest"), Thinking(effort="high"), None),
    ],
)
async def test_a_strict_host_is_told_to_think_or_not_and_nothing_that_it_does_not_know(
    vendor: FakeVendor, prompt: Prompt, choice: ModelChoice, thinking: Thinking, sent: str | None
) -> None:
    name = choice.provider.upper()
    environment = {f"{name}_API_KEY": KEY, f"{name}_BASE_URL": vendor.base_url}

    request = await _asked(environment, vendor, replace(prompt, choice=choice, thinking=thinking))

    effort: dict[str, Any] = {"reasoning_effort": sent} if sent else {}
    assert request.body == {
        "model": choice.model,
        "messages": [{"role": "user", "content": "Good morning."}],
        "stream": True,
        **effort,
    }
