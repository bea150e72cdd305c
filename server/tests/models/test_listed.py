from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import date

import pytest

from backboard_server.domain.models import Model
from backboard_server.domain.prompts import ModelChoice
from backboard_server.models import listed
from backboard_server.models.listed import refresh, watch
from backboard_server.providers import Providers
from backboard_server.store.database import Connection, Database
from backboard_server.store.listed_models import replace_listed_models
from fake_vendor import FakeVendor
from listing_server import SILENCE, ListingServer
from waiting import wait_until

TODAY = date(2026, 11, 23)
CHOICE = ModelChoice("groq", "a-model-of-tomorrow")
TOMORROW = Model(name=CHOICE.model, provider=CHOICE.provider, model_type="llm", context_limit=777_000)


class Shelf:
    """Keeps lists in memory, as the table does."""

    def __init__(self) -> None:
        self.lists: dict[str, Sequence[Model]] = {}

    async def store(self, provider: str, models: Sequence[Model]) -> None:
        self.lists[provider] = models


@pytest.fixture
async def no_lists(owner: Connection) -> AsyncGenerator[None]:
    await owner.execute("DELETE FROM listed_models")
    yield
    await owner.execute("DELETE FROM listed_models")


async def test_every_provider_is_asked_and_one_that_fails_stops_no_other() -> None:
    shelf = Shelf()
    async with FakeVendor(models=("one", "two")) as vendor, ListingServer() as broken:
        providers = Providers(
            {
                "OPENAI_API_KEY": "sk-1", "OPENAI_BASE_URL": vendor.base_url,
                "GROQ_API_KEY": "sk-2", "GROQ_BASE_URL": broken.root_url,
                "OPENROUTER_BASE_URL": broken.root_url,
            }
        )  # fmt: skip
        outcomes = await refresh(providers.catalogue, shelf.store, TODAY)
        await providers.aclose()

    assert [(outcome.provider, outcome.models) for outcome in outcomes] == [
        ("openai", 2), ("openrouter", 0), ("groq", 0),
    ]  # fmt: skip
    assert {model.name for model in shelf.lists["openai"]} == {"one", "two"}
    assert shelf.lists.keys() == {"openai"}
    failures = [outcome.failure for outcome in outcomes]
    assert failures[0] is None
    assert all(failure and "404" in failure and "sk-" not in failure for failure in failures[1:])


async def test_a_provider_that_takes_too_long_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed, "ASK_SECONDS", 0.05)
    shelf = Shelf()
    async with ListingServer({"/models?output_modalities=all": SILENCE}) as silent:
        providers = Providers({"OPENROUTER_BASE_URL": silent.root_url})
        (outcome,) = await refresh(providers.catalogue, shelf.store, TODAY)
        await providers.aclose()

    assert outcome.failure == "openrouter took longer than 0.05 s."
    assert shelf.lists == {}


@pytest.mark.usefixtures("no_lists")
async def test_a_running_server_takes_up_lists_as_they_come_and_go(
    owner: Connection, database: Database
) -> None:
    providers = Providers({})
    watching = asyncio.create_task(watch(database, providers.catalogue, poll_seconds=0.01))

    async def limit_is(tokens: int) -> bool:
        return providers.facts(CHOICE).context_limit == tokens

    assert await limit_is(32_768)
    await replace_listed_models(owner, "groq", [TOMORROW])
    await wait_until(lambda: limit_is(777_000))
    assert TOMORROW in providers.catalogue.models()
    await replace_listed_models(owner, "groq", [])
    await wait_until(lambda: limit_is(32_768))

    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_a_database_that_is_away_is_waited_for(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    providers = Providers({})
    await database.close()
    watching = asyncio.create_task(watch(database, providers.catalogue, poll_seconds=0.01))

    async def has_warned_twice() -> bool:
        return caplog.text.count("could not be read") > 1

    await wait_until(has_warned_twice)

    assert not watching.done()
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
