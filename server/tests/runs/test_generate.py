"""Calling the model: what is tried again, when, and how often."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from backboard_server.adapters import Adapters, Limits
from backboard_server.domain.errors import Upstream
from backboard_server.domain.events import RunIds
from backboard_server.domain.prompts import ModelChoice, Prompt, PromptMessage
from backboard_server.providers import Providers
from backboard_server.runs import generate as generating
from backboard_server.runs.draft import Draft
from backboard_server.runs.generate import ATTEMPTS_MAX, generate
from backboard_server.store.blobs import Blobs
from backboard_server.store.database import Database
from backboard_server.store.sealing import Sealer
from conftest import VENDOR_KEY
from fake_vendor import Answer, FakeVendor, Fault

PROMPT = Prompt(choice=ModelChoice("openai", "gpt-4o"), messages=(PromptMessage("user", "Hi"),))


@pytest.fixture
async def models(vendor: FakeVendor) -> AsyncGenerator[Providers]:
    models = Providers({"OPENAI_API_KEY": VENDOR_KEY, "OPENAI_BASE_URL": vendor.base_url})
    yield models
    await models.aclose()


async def answered(models: Providers, database: Database, blobs: Blobs, limits: Limits) -> Draft:
    sealer = Sealer([], Path("/nowhere"))  # no key of a tenant is at play here
    adapters = Adapters(database=database, blobs=blobs, models=models, sealer=sealer, limits=limits)
    draft = Draft(RunIds("t", "a", "r"), PROMPT.choice)
    async for _ in generate(adapters, PROMPT, draft, streamed=True):
        pass
    return draft


@pytest.fixture
def quick() -> Limits:
    return Limits(retry_base_seconds=0.001)


async def test_a_failure_that_passes_is_tried_again(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.SERVER_ERROR), Answer(fault=Fault.ERROR_FIRST), Answer(text="Hello"))

    draft = await answered(models, database, blobs, quick)

    assert draft.content == "Hello"
    assert len(vendor.requests) == ATTEMPTS_MAX


async def test_the_attempts_are_bounded(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.UNAVAILABLE))

    with pytest.raises(Upstream):
        await answered(models, database, blobs, quick)

    assert len(vendor.requests) == ATTEMPTS_MAX


@pytest.mark.parametrize(
    "fault", [Fault.UNAUTHORIZED, Fault.CONTEXT_LENGTH, Fault.MODEL_MISSING, Fault.RATE_LIMITED]
)
async def test_a_failure_that_stays_is_not_tried_again(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits, fault: Fault
) -> None:
    vendor.script(Answer(fault=fault))

    with pytest.raises(Upstream):
        await answered(models, database, blobs, quick)

    assert len(vendor.requests) == 1


async def test_nothing_is_repeated_once_something_was_said(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(text="one two three", chunks=3, fault=Fault.TRUNCATED))

    with pytest.raises(Upstream) as raised:
        await answered(models, database, blobs, quick)

    assert raised.value.kind == "truncated"
    assert len(vendor.requests) == 1


async def test_a_retry_after_that_fits_the_budget_is_waited_for(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.RATE_LIMITED_MILLISECONDS), Answer(text="Hello"))
    started = time.monotonic()

    draft = await answered(models, database, blobs, quick)

    assert draft.content == "Hello"
    assert time.monotonic() - started > quick.retry_base_seconds


async def test_a_retry_after_beyond_the_budget_fails_at_once(
    models: Providers, database: Database, blobs: Blobs, vendor: FakeVendor, quick: Limits
) -> None:
    vendor.script(Answer(fault=Fault.RATE_LIMITED_HOUR))

    with pytest.raises(Upstream) as raised:
        await answered(models, database, blobs, quick)

    assert raised.value.retry_after_seconds == 3600
    assert len(vendor.requests) == 1


async def test_an_answer_that_never_ends_is_stopped(
    models: Providers,
    database: Database,
    blobs: Blobs,
    vendor: FakeVendor,
    quick: Limits,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(generating, "ANSWER_SECONDS_MAX", 0.1)
    vendor.script(Answer(text="on and on " * 1_000, chunks=1_000, chunk_delay_seconds=0.01))

    with pytest.raises(Upstream, match="stopped") as raised:
        await answered(models, database, blobs, quick)

    assert raised.value.kind == "timeout"
    assert len(vendor.requests) == 1
