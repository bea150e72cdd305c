"""What a local host has: asked for quickly, remembered briefly, and for each key apart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from backboard_server.domain.keys import Secret
from backboard_server.providers._hosts import Host, resolve
from backboard_server.providers._http import Egress, EgressTimeouts
from backboard_server.providers._listing import FirstModels
from backboard_server.providers.table import find_row
from fake_vendor import FakeVendor


@pytest.fixture
async def first_models() -> AsyncGenerator[FirstModels]:
    egress = Egress(EgressTimeouts())
    yield FirstModels(egress)
    await egress.aclose()


def _ollama(base_url: str, own_key: Secret | None = None) -> Host:
    row = find_row("ollama")
    assert row is not None
    return resolve(row, {"OLLAMA_BASE_URL": base_url}, own_key)


async def test_the_first_model_of_a_host_is_found(first_models: FirstModels) -> None:
    async with FakeVendor(models=("llama3.2", "qwen3")) as vendor:
        assert await first_models.find(_ollama(vendor.base_url)) == "llama3.2"


async def test_an_answer_is_remembered_after_the_host_has_gone(first_models: FirstModels) -> None:
    async with FakeVendor(models=("llama3.2",)) as vendor:
        host = _ollama(vendor.base_url)
        await first_models.find(host)

    assert await first_models.find(host) == "llama3.2"


async def test_many_who_ask_at_once_cost_the_host_one_question(first_models: FirstModels) -> None:
    async with FakeVendor(models=("llama3.2",)) as vendor:
        host = _ollama(vendor.base_url)

        found = await asyncio.gather(*(first_models.find(host) for _ in range(10)))

        assert (set(found), vendor.connections_made) == ({"llama3.2"}, 1)


async def test_a_host_without_models_has_no_first(first_models: FirstModels) -> None:
    async with FakeVendor(models=()) as vendor:
        assert await first_models.find(_ollama(vendor.base_url)) is None


async def test_a_host_that_does_not_answer_costs_no_more_than_its_probe(
    first_models: FirstModels, serve_bytes: Callable[[bytes], Awaitable[str]]
) -> None:
    host = _ollama(await serve_bytes(b""))

    async with asyncio.timeout(5):
        assert await first_models.find(host) is None


async def test_an_answer_that_is_no_listing_is_none(first_models: FirstModels) -> None:
    async with FakeVendor() as vendor:
        assert await first_models.find(_ollama(vendor.base_url + "/elsewhere")) is None


async def test_what_one_key_was_shown_is_nothing_to_another(first_models: FirstModels) -> None:
    async with FakeVendor(models=("llama3.2",)) as vendor:
        refused = _ollama(vendor.base_url, Secret("a key that no header can hold\n"))

        assert await first_models.find(refused) is None
        assert await first_models.find(_ollama(vendor.base_url, Secret("own"))) == "llama3.2"
        assert await first_models.find(_ollama(vendor.base_url)) == "llama3.2"
