"""Models from the command line, as they are typed."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from fake_vendor import FakeVendor
from listing_server import ListingServer
from running_server import run_command

KEY = "sk-secret-of-the-operator"


@pytest.fixture
async def openrouter() -> AsyncGenerator[ListingServer]:
    listed = {"id": "maker/tomorrow", "context_length": 777_000}
    lists: dict[str, Any] = {
        "/models?output_modalities=all": {"data": [listed]},
        "/videos/models": {"data": []},
    }
    async with ListingServer(lists) as server:
        yield server


async def run(
    data_dir: Path, *words: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `backboard models …` while the hosts of the test go on answering."""
    command = ("models", *words, "--data-dir", str(data_dir))
    return await asyncio.to_thread(run_command, *command, environment=environment)


async def test_lists_are_fetched_and_then_listed(tmp_path: Path, openrouter: ListingServer) -> None:
    async with FakeVendor(models=("gpt-4o", "gpt-of-tomorrow")) as vendor:
        environment = {
            "OPENROUTER_BASE_URL": openrouter.root_url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": vendor.base_url,
        }
        refreshed = await run(tmp_path, "refresh", environment=environment)
    listed = await run(tmp_path, "list", "--provider", "openrouter", environment=environment)
    as_json = await run(tmp_path, "list", "--provider", "openai", "--json", environment=environment)

    assert (refreshed.returncode, refreshed.stderr) == (0, "")
    assert refreshed.stdout == "openai: 2 listed\nopenrouter: 1 listed\n"
    assert "openrouter/maker/tomorrow  llm  777,000  no price  no key\n" in listed.stdout
    rows = {row["name"]: row for row in msgspec.json.decode(as_json.stdout)}
    assert {"gpt-4o", "gpt-of-tomorrow", "whisper-1"} <= rows.keys()
    assert rows["gpt-of-tomorrow"]["is_usable"] is True
    assert rows["gpt-4o"]["input_cost_per_1m_tokens"] == 2.5


async def test_one_failure_is_told_and_is_no_failure_of_all(
    tmp_path: Path, openrouter: ListingServer
) -> None:
    environment = {
        "OPENROUTER_BASE_URL": openrouter.root_url,
        "GROQ_API_KEY": KEY,
        "GROQ_BASE_URL": f"{openrouter.root_url}/nowhere",
    }

    refreshed = await run(tmp_path, "refresh", "--json", environment=environment)

    outcomes = {outcome["provider"]: outcome for outcome in msgspec.json.decode(refreshed.stdout)}
    assert refreshed.returncode == 0
    assert outcomes["openrouter"] == {"provider": "openrouter", "models": 1, "failure": None}
    assert "HTTP 404" in outcomes["groq"]["failure"]
    assert KEY not in refreshed.stdout


async def test_when_nobody_answers_the_command_has_failed(tmp_path: Path) -> None:
    refreshed = await run(tmp_path, "refresh", environment={"OPENROUTER_BASE_URL": "http://127.0.0.1:9"})

    assert refreshed.returncode == 1
    assert refreshed.stdout.startswith("openrouter: failed: OpenRouter could not be reached")


async def test_the_catalogue_is_listed_before_the_first_start(tmp_path: Path) -> None:
    listed = await run(tmp_path, "list", "--provider", "anthropic")

    assert listed.returncode == 0
    assert "anthropic/claude-sonnet-4-5  llm  200,000  $3 in, $15 out  no key\n" in listed.stdout
